/** Greedy decoding of several texts side by side: the likeliest token at each step, until each text has ended. */
import { findLoop } from '../../repetition.ts';
import type { Batch } from './decoder.ts';
import type { EmbeddingTable } from './embedding-table.ts';

/** What one text is written from. */
export interface Reading {
  /** Prompt and audio, one row for each position. */
  readonly embeddings: Float32Array;
  readonly tokensMax: number;
  /** Looked at between steps; an aborted text is given up, and the others go on. */
  readonly signal: AbortSignal;
}

export interface Written {
  /** Without the token that ended it. */
  readonly tokens: readonly number[];
  /** Whether it ended because no more tokens were allowed. */
  readonly truncated: boolean;
}

export interface WriteOptions {
  readonly batch: Batch;
  readonly table: EmbeddingTable;
  readonly endTokens: readonly number[];
}

interface Draft<Key> {
  readonly key: Key;
  readonly reading: Reading;
  readonly tokens: number[];
}

/**
 * Writes every text that `readings` gives, all in one batch; a text is read only once those before it have begun.
 * @param onEnd takes each text as soon as it has ended; null where it was given up.
 */
export async function writeTexts<Key>(
  readings: AsyncIterable<readonly [Key, Reading]>,
  { batch, table, endTokens }: WriteOptions,
  onEnd: (key: Key, written: Written | null) => void,
): Promise<void> {
  const drafts: Draft<Key>[] = [];

  /** Adds a token to a draft; true where the text has ended by it. */
  function take({ key, reading, tokens }: Draft<Key>, token: number): boolean {
    if (reading.signal.aborted) {
      onEnd(key, null);
      return true;
    }
    if (endTokens.includes(token)) {
      onEnd(key, { tokens, truncated: false });
      return true;
    }
    if (tokens.length >= reading.tokensMax) {
      onEnd(key, { tokens, truncated: true });
      return true;
    }
    tokens.push(token);
    const kept = findLoop(tokens);
    if (kept === null) return false;
    onEnd(key, { tokens: tokens.slice(0, kept), truncated: false });
    return true;
  }

  for await (const [key, reading] of readings) {
    const draft = { key, reading, tokens: [] };
    const text = batch.begin();
    const { token } = await batch.read(text, reading.embeddings);
    if (take(draft, token)) batch.end(text);
    else drafts.push(draft);
  }
  while (drafts.length > 0) {
    const predictions = await batch.step(table.rows(drafts.map(({ tokens }) => tokens.at(-1) ?? 0)));
    // From the last one on: a text that ends gives its number to the last one, which has been looked at by then.
    for (let text = drafts.length - 1; text >= 0; text -= 1) {
      if (!take(drafts[text] as Draft<Key>, predictions[text]?.token ?? 0)) continue;
      batch.end(text);
      const last = drafts.pop() as Draft<Key>;
      if (text < drafts.length) drafts[text] = last;
    }
  }
}
