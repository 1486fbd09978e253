/** What becomes of audio where the optional package for AAC and ALAC is not installed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { FORMAT_FIXTURES } from './decode.test-files.ts';

let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'earshot-without-aac-'));
});

after(() => rm(directory, { recursive: true }));

/** Finds every package but this one, as if it had been left out of the installation. */
const RESOLVE = `
  export async function resolve(specifier, context, next) {
    if (specifier.startsWith('@audio/decode-aac')) throw new Error('Cannot find package ' + specifier);
    return next(specifier, context);
  }`;
const REGISTER = `
  import { register } from 'node:module';
  register(${JSON.stringify(asUrl(RESOLVE))});`;
const DECODE = `
  import { decodeFile } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'decode-file.js')))};
  import { loadSilero } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../vad/silero.js')))};
  const [sourcePath, pcmPath] = process.argv.slice(1);
  const context = {
    signal: new AbortController().signal,
    note() {},
    onMessage: (listener) => listener({ bytesAvailable: Number.MAX_SAFE_INTEGER, ended: true }),
  };
  const outcome = await decodeFile({ sourcePath, pcmPath, audioSecondsMax: 100 }, context, await loadSilero()).then(
    ({ sampleCount }) => ({ sampleCount }),
    ({ code, message }) => ({ code, message }),
  );
  console.log(JSON.stringify(outcome));`;

function asUrl(script: string): string {
  return `data:text/javascript,${encodeURIComponent(script)}`;
}

async function outcomeOf(name: string): Promise<{ code?: string; message?: string; sampleCount?: number }> {
  const paths = [join(FORMAT_FIXTURES, name), join(directory, name)];
  const words = ['--import', asUrl(REGISTER), '--input-type=module', '--eval', DECODE, '--', ...paths];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return JSON.parse(stdout);
}

test('without the package for AAC, AAC and ALAC are refused by a sentence that names it', async () => {
  for (const name of ['first.m4a', 'alac.m4a', '22050.aac']) {
    const { code, message } = await outcomeOf(name);
    assert.equal(code, 'unsupported_audio_format', name);
    assert.match(message ?? '', /@audio\/decode-aac/);
  }
});

test('without the package for AAC, every other format is decoded as ever', async () => {
  for (const name of ['16000.mp3', 'opus.mp4', 'vorbis.ogg', '16-bit.flac']) {
    const { sampleCount = 0 } = await outcomeOf(name);
    assert.ok(Math.abs(sampleCount - 24_000) < 500, name);
  }
});
