/** An engine that a test holds in its hand: every call of it waits until the test ends it as it likes. */
import type { Engine, EngineOptions, EngineText } from './contract.ts';

/** One call of the engine. */
export interface Held {
  readonly samples: Float32Array;
  /** The piece's first sample, by which a test knows the piece. */
  readonly first: number;
  readonly options: EngineOptions;
  readonly signal: AbortSignal;
  resolve(result: EngineText): void;
  reject(error: unknown): void;
}

export interface HeldEngine extends Engine {
  readonly calls: readonly Held[];
  /** The call with this number, as soon as it has arrived. */
  call(number: number): Promise<Held>;
  /** What `ready` says from now on. */
  setReady(ready: boolean): void;
  setConcurrency(concurrency: number): void;
}

export function createHeldEngine(
  options: Partial<Pick<Engine, 'id' | 'model' | 'concurrency' | 'capabilities'>> = {},
): HeldEngine {
  const calls: Held[] = [];
  let arrived: () => void = () => {};
  let ready = true;
  let concurrency = options.concurrency ?? 1;
  return {
    id: options.id ?? 'held',
    model: options.model ?? null,
    capabilities: options.capabilities ?? {
      languages: ['en', 'zh'],
      pieceSecondsMax: 28,
      prompt: true,
      hotwords: false,
      timestamps: false,
      tokenCounts: false,
    },
    get concurrency() {
      return concurrency;
    },
    calls,
    ready: () => ready,
    setReady: (value) => void (ready = value),
    setConcurrency: (value) => void (concurrency = value),
    transcribe: (samples, engineOptions, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        calls.push({ samples, first: samples[0] ?? -1, options: engineOptions, signal, resolve, reject });
        arrived();
      }),
    async call(number) {
      for (;;) {
        const held = calls[number];
        if (held !== undefined) return held;
        await new Promise<void>((resolve) => (arrived = resolve));
      }
    },
    async close() {},
  };
}
