/** The language model: reads embeddings and says which token is likeliest to follow. */
import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { DECODER } from '../graph/decoder.ts';
import { FILES, type Manifest } from '../manifest.ts';
import { Caches } from './caches.ts';
import { openSession, output } from './session.ts';

export interface Prediction {
  readonly token: number;
  /** One value for each token of the vocabulary; only where they were asked for. */
  readonly logits?: Float32Array;
}

/** Texts that are written side by side: a step costs little more for several than for one. */
export interface Batch {
  /** Texts in work; they are numbered from 0. */
  readonly size: number;
  /** Begins one more text, or goes on with the last one, by embeddings of any number; it gives what follows. */
  read(text: number, embeddings: Float32Array, withLogits?: boolean): Promise<Prediction>;
  /** Begins a text and gives its number. */
  begin(): number;
  /** One embedding for each text, in order; it gives what follows each. */
  step(embeddings: Float32Array, withLogits?: boolean): Promise<readonly Prediction[]>;
  /** Ends a text; the last one takes its number. */
  end(text: number): void;
}

export interface Decoder {
  /** @param capacity embeddings and tokens of the longest text. */
  batch(textsMax: number, capacity: number): Batch;
  release(): Promise<void>;
}

export async function loadDecoder(directory: string, manifest: Manifest, threads: number): Promise<Decoder> {
  const session = await openSession(directory, FILES.decoder, threads);
  return {
    batch: (textsMax, capacity) => new CachedBatch(session, manifest, new Caches(manifest, textsMax, capacity)),
    release: () => session.release(),
  };
}

class CachedBatch implements Batch {
  readonly #session: InferenceSession;
  readonly #manifest: Manifest;
  readonly #caches: Caches;
  readonly #newCaches: readonly string[];

  constructor(session: InferenceSession, manifest: Manifest, caches: Caches) {
    this.#session = session;
    this.#manifest = manifest;
    this.#caches = caches;
    const layers = Array.from({ length: manifest.decoder.layers }, (_, layer) => layer);
    this.#newCaches = layers.flatMap((layer) => [DECODER.newKeys(layer), DECODER.newValues(layer)]);
  }

  get size(): number {
    return this.#caches.slots;
  }

  begin(): number {
    return this.#caches.take();
  }

  end(text: number): void {
    this.#caches.free(text);
  }

  async read(text: number, embeddings: Float32Array, withLogits = false): Promise<Prediction> {
    const [prediction] = await this.#run(text, text + 1, embeddings, withLogits);
    return prediction as Prediction;
  }

  step(embeddings: Float32Array, withLogits = false): Promise<readonly Prediction[]> {
    return this.#run(0, this.size, embeddings, withLogits);
  }

  /** Runs texts `start` to `end`, each with the same number of new embeddings. */
  async #run(start: number, end: number, embeddings: Float32Array, withLogits: boolean): Promise<Prediction[]> {
    const { hidden, vocabulary } = this.#manifest.decoder;
    const texts = end - start;
    const count = embeddings.length / hidden / texts;
    const filled = Array.from({ length: texts }, (_, index) => this.#caches.filled(start + index));
    const positions = filled.flatMap((first) => Array.from({ length: count }, (_, index) => BigInt(first + index)));
    const inputs = {
      [DECODER.embeddings]: new Tensor('float32', embeddings, [texts, count, hidden]),
      [DECODER.positions]: new Tensor('int64', BigInt64Array.from(positions), [texts, count]),
      [DECODER.lastPositions]: new Tensor(
        'int32',
        Int32Array.from(filled, (first) => first + count - 1),
        [texts],
      ),
      [DECODER.filledMax]: new Tensor('int32', Int32Array.of(Math.max(...filled) + count), []),
      ...this.#caches.inputs(start, end),
    };
    const wanted = [DECODER.tokens, ...(withLogits ? [DECODER.logits] : []), ...this.#newCaches];
    const outputs = await this.#session.run(inputs, wanted);
    this.#caches.append(start, end, count, (name) => output(outputs, name).data as Float32Array);
    const tokens = output(outputs, DECODER.tokens).data as BigInt64Array;
    const logits = withLogits ? (output(outputs, DECODER.logits).data as Float32Array) : null;
    return Array.from(tokens, (token, index) => ({
      token: Number(token),
      ...(logits === null ? {} : { logits: logits.slice(index * vocabulary, (index + 1) * vocabulary) }),
    }));
  }
}
