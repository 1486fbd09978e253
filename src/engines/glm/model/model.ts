/** GLM-ASR-Nano on onnxruntime: an encoder that hears a window of 30 s, and a language model that writes down what it heard. */
import { join } from 'node:path';
import { SAMPLE_RATE_HZ } from '../../../core/pcm.ts';
import type { EngineText, Hints } from '../../contract.ts';
import { FilesError } from '../files-error.ts';
import { audioTokens } from '../features/length.ts';
import { instructionFor } from '../instruction.ts';
import { FILES, readManifest, type Manifest } from '../manifest.ts';
import { loadTokenizer, type GlmTokenizer } from '../tokenizer.ts';
import { loadDecoder, type Decoder } from './decoder.ts';
import { openEmbeddingTable, type EmbeddingTable } from './embedding-table.ts';
import { loadEncoder, type Encoder } from './encoder.ts';
import { joined } from './joined.ts';
import { writeTexts, type Reading, type Written } from './write.ts';

export interface GlmPiece {
  /** Mono, 16 kHz, in [-1, 1], at most a window long. */
  readonly samples: Float32Array;
  readonly outputTokensMax: number;
  readonly hints: Hints;
}

export interface GlmModel extends AsyncDisposable {
  readonly manifest: Manifest;
  readonly tokenizer: GlmTokenizer;
  /**
   * Writes down pieces side by side.
   * @param signals one for each piece, looked at between steps.
   * @param onText takes each text as soon as it has ended, by the piece's place; null where its signal was aborted.
   */
  transcribe(
    pieces: readonly GlmPiece[],
    signals: readonly AbortSignal[],
    onText: (place: number, text: EngineText | null) => void,
  ): Promise<void>;
}

/** Fast speech has half as many tokens a second in any of the model's languages; what goes beyond is invented. */
const TOKENS_PER_SECOND_MAX = 10;
/** For the shortest pieces. */
const TOKENS_SPARE = 16;

/** Loads the weights once. Throws a `FilesError` where the folder holds no whole model. */
export async function loadGlm(directory: string, threads: number): Promise<GlmModel> {
  const manifest = readManifest(directory);
  if (!manifest.tokenizer)
    throw new FilesError(`${directory} was made without ${FILES.tokenizer}, so the model can't write text.`);
  const tokenizer = loadTokenizer(join(directory, FILES.tokenizer));
  const encoder = await loadEncoder(directory, manifest, threads);
  const decoder = await loadDecoder(directory, manifest, threads);
  const table = openEmbeddingTable(directory, manifest);
  const parts = { manifest, tokenizer, encoder, decoder, table };
  return {
    manifest,
    tokenizer,
    transcribe: (pieces, signals, onText) => transcribe(parts, pieces, signals, onText),
    async [Symbol.asyncDispose]() {
      table[Symbol.dispose]();
      await encoder.release();
      await decoder.release();
    },
  };
}

interface Parts {
  readonly manifest: Manifest;
  readonly tokenizer: GlmTokenizer;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly table: EmbeddingTable;
}

async function transcribe(
  parts: Parts,
  pieces: readonly GlmPiece[],
  signals: readonly AbortSignal[],
  onText: (place: number, text: EngineText | null) => void,
): Promise<void> {
  const { manifest, tokenizer, decoder, table } = parts;
  const prompts = pieces.map(({ hints }) => tokenizer.after(instructionFor(hints)));
  const lengths = pieces.map(
    ({ samples, outputTokensMax }, place) =>
      tokenizer.before.length +
      audioTokens(samples.length, manifest.encoder.merge) +
      (prompts[place]?.length ?? 0) +
      tokensMaxOf(samples.length, outputTokensMax),
  );
  const batch = decoder.batch(pieces.length, Math.min(manifest.decoder.positions_max, Math.max(...lengths)));

  async function* readings(): AsyncGenerator<readonly [number, Reading]> {
    for (const [place, { samples, outputTokensMax }] of pieces.entries()) {
      const signal = signals[place] as AbortSignal;
      const tokensMax = tokensMaxOf(samples.length, outputTokensMax);
      if (signal.aborted) onText(place, null);
      else if (tokensMax === 0) onText(place, { text: '', outputTokens: 0, truncated: true });
      else {
        const heard = await parts.encoder.encode(samples, manifest.encoder.window_samples_max);
        const after = table.rows(prompts[place] ?? []);
        const embeddings = joined([table.rows(tokenizer.before), heard.embeddings, after]);
        if (signal.aborted) onText(place, null);
        else yield [place, { embeddings, tokensMax, signal }];
      }
    }
  }

  const { end_tokens: endTokens } = manifest.decoder;
  await writeTexts(readings(), { batch, table, endTokens }, (place, written) =>
    onText(place, written === null ? null : textOf(written, tokenizer)),
  );
}

function tokensMaxOf(samples: number, outputTokensMax: number): number {
  return Math.min(outputTokensMax, Math.ceil((samples / SAMPLE_RATE_HZ) * TOKENS_PER_SECOND_MAX) + TOKENS_SPARE);
}

function textOf({ tokens, truncated }: Written, tokenizer: GlmTokenizer): EngineText {
  return { text: tokenizer.decode(tokens).trim(), outputTokens: tokens.length, truncated };
}
