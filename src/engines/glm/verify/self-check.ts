/** Whether a converted model is whole and works, as far as that can be told without knowing its weights. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { SAMPLE_RATE_HZ } from '../../../core/pcm.ts';
import { bytesOf, describePrecision, readManifest, type Manifest } from '../manifest.ts';
import { loadGlm, type GlmModel } from '../model/model.ts';

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly finding: string;
}

const TONE_SECONDS = 2;
const TONE_TOKENS_MAX = 8;
const TONE_HZ = 440;

/** What the tokenizer must give back as it was. */
const TEXTS = ['Please transcribe this audio into text', '你好，世界。', '今晚食乜嘢？ OK, see you at 7:30!', 'é𠮷👍'];

/** Looks at the files, loads the model in this process and lets it hear a tone. Throws a `FilesError` where it can't begin. */
export async function selfCheck(directory: string, threads: number): Promise<readonly Finding[]> {
  const manifest = readManifest(directory);
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  const findings = [await checkHashes(directory, manifest)];
  await using model = await loadGlm(directory, threads);
  findings.push({
    name: 'model',
    ok: true,
    finding: `${manifest.model}, ${describePrecision(manifest.precision)}, ${gigabytes(bytesOf(manifest))}`,
  });
  findings.push(checkTokens(model));
  findings.push(await checkTone(model));
  const held = process.memoryUsage.rss();
  findings.push({ name: 'memory', ok: true, finding: `this process holds ${gigabytes(held)} after one window` });
  return findings;
}

async function checkHashes(directory: string, { files }: Manifest): Promise<Finding> {
  const changed: string[] = [];
  for (const [name, { sha256 }] of Object.entries(files)) {
    const digest = createHash('sha256');
    for await (const chunk of createReadStream(join(directory, name))) digest.update(chunk as Buffer);
    if (digest.digest('hex') !== sha256) changed.push(name);
  }
  const count = Object.keys(files).length;
  if (changed.length === 0) return { name: 'files', ok: true, finding: `${count} files, as they were written` };
  return { name: 'files', ok: false, finding: `changed since the conversion: ${changed.join(', ')}` };
}

function checkTokens({ tokenizer }: GlmModel): Finding {
  const wrong = TEXTS.filter((text) => tokenizer.decode(tokenizer.encode(text)) !== text);
  if (wrong.length === 0) return { name: 'tokens', ok: true, finding: `${TEXTS.length} texts come back as they were` };
  return { name: 'tokens', ok: false, finding: `do not come back as they were: ${wrong.join(' | ')}` };
}

/** What it writes about a tone depends on the weights; that it writes, and how long that takes, does not. */
async function checkTone(model: GlmModel): Promise<Finding> {
  const samples = Float32Array.from(
    { length: TONE_SECONDS * SAMPLE_RATE_HZ },
    (_, index) => 0.3 * Math.sin((2 * Math.PI * TONE_HZ * index) / SAMPLE_RATE_HZ),
  );
  const startMs = performance.now();
  let tokens = 0;
  const piece = { samples, outputTokensMax: TONE_TOKENS_MAX, hints: {} };
  await model.transcribe([piece], [new AbortController().signal], (_, text) => {
    tokens = text?.outputTokens ?? 0;
  });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  return { name: 'tone', ok: true, finding: `a window and ${tokens} tokens in ${seconds} s` };
}
