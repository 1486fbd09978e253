/** An engine behind an HTTP API: what every vendor has in common. What differs is said by a `Vendor`. */
import type { Clock } from '../core/clock.ts';
import { assert } from '../core/errors.ts';
import { SAMPLE_RATE_HZ } from '../core/pcm.ts';
import { createAdaptiveLimit } from './adaptive-limit.ts';
import {
  EngineError,
  type Engine,
  type EngineCapabilities,
  type EngineFault,
  type EngineOptions,
  type EngineServices,
  type EngineText,
} from './contract.ts';
import { createVendorClient, type VendorReply } from './vendor-client.ts';
import { vendorWords } from './vendor-words.ts';

export interface RemoteEngineServices extends EngineServices {
  readonly clock: Clock;
}

/** How a vendor refuses, in earshot's terms. */
export interface VendorFailure {
  readonly fault: EngineFault;
  /** For the operator: what is wrong and how to mend it. */
  readonly meaning: string;
  /** The vendor's own sentence, for the log. */
  readonly words: string | undefined;
}

/** One vendor's contract, as pure functions. */
export interface Vendor {
  readonly path: string;
  body(samples: Float32Array, options: EngineOptions): FormData | string;
  /** Null where the reply is a success. A vendor may answer 200 with an error inside. */
  failure(reply: VendorReply): VendorFailure | null;
  /** Null where the body has not the shape that was agreed. */
  text(body: unknown, seconds: number): EngineText | null;
}

export interface RemoteEngineOptions extends RemoteEngineServices {
  readonly id: string;
  readonly model: string | null;
  readonly capabilities: EngineCapabilities;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly inFlightMax: number;
  readonly vendor: Vendor;
}

export function createRemoteEngine(options: RemoteEngineOptions): Engine {
  const { id, model, capabilities, headers, vendor, log } = options;
  const client = createVendorClient(options);
  const limit = createAdaptiveLimit(options.inFlightMax, (concurrency) =>
    log.warn({ engine: id, concurrency }, 'engine-slowed-down'),
  );
  const secrets = Object.values(headers);
  let closed = false;

  async function attempt(samples: Float32Array, asked: EngineOptions, signal: AbortSignal): Promise<EngineText> {
    const reply = await client.post(vendor.path, vendor.body(samples, asked), signal);
    const failure = vendor.failure(reply);
    if (failure !== null) throw failed(failure, reply, secrets);
    const text = vendor.text(reply.body, samples.length / SAMPLE_RATE_HZ);
    if (text === null) throw new EngineError('failed', { detail: 'Its reply is not what the API promises.' });
    return text;
  }

  return {
    id,
    model,
    capabilities,
    get concurrency() {
      return limit.current;
    },
    ready: () => !closed,
    async transcribe(samples, asked, signal) {
      const samplesMax = capabilities.pieceSecondsMax * SAMPLE_RATE_HZ;
      assert(samples.length <= samplesMax, 'no piece is longer than the engine takes');
      if (closed) throw new EngineError('unavailable', { detail: 'It is closed.' });
      signal.throwIfAborted();
      // Vendors refuse a bound of nothing, and there is nothing to ask.
      if (asked.outputTokensMax < 1) return { text: '', outputTokens: 0, truncated: true };
      return limit.run(() => attempt(samples, asked, signal));
    },
    async close() {
      closed = true;
      await client.close();
    },
  };
}

function failed({ fault, meaning, words }: VendorFailure, reply: VendorReply, secrets: readonly string[]): EngineError {
  const said = words === undefined ? '' : `: ${vendorWords(words, secrets)}`;
  return new EngineError(fault, {
    detail: `${meaning} (HTTP ${reply.status}${said})`,
    ...(reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs }),
  });
}
