/** The embeddings of all tokens, in a file of which a text reads a few rows; the system keeps those that are used often. */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../../core/errors.ts';
import { toFloat32, WIDTH } from '../convert/stored-types.ts';
import { FILES, type Manifest } from '../manifest.ts';

export interface EmbeddingTable extends Disposable {
  /** One row after the other. */
  rows(tokens: readonly number[]): Float32Array;
}

export function openEmbeddingTable(directory: string, manifest: Manifest): EmbeddingTable {
  const { hidden, vocabulary } = manifest.decoder;
  const rowBytes = hidden * WIDTH[manifest.embeddings];
  const file = openSync(join(directory, FILES.embeddings), 'r');
  return {
    rows(tokens) {
      const bytes = new Uint8Array(tokens.length * rowBytes);
      tokens.forEach((token, index) => {
        assert(token >= 0 && token < vocabulary, 'a token is one of the vocabulary');
        const read = readSync(file, bytes, index * rowBytes, rowBytes, token * rowBytes);
        assert(read === rowBytes, 'the table of embeddings is complete');
      });
      return toFloat32(bytes, manifest.embeddings);
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}
