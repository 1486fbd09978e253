/**
 * The paid call, from headers to receipt: the column of verbs that everything else exists for. All branching of the flow
 * is here. Whatever throws on the way is a refusal; what was opened is closed by its `using`: the hold is voided, files
 * are deleted, workers stop.
 */
import type { Admission, RateLimit } from '../access/admit.ts';
import { requireAddress, requireModel, requireWholesale, type Authenticate } from '../access/authenticate.ts';
import type { Decoder } from '../audio/decode/decode.ts';
import type { AudioOpener, AudioSource } from '../audio/open.ts';
import { segment } from '../audio/segment.ts';
import type { Claim, EarlierReply, Idempotency, IdempotencyKey } from '../billing/idempotency.ts';
import type { Ledger, Receipt } from '../billing/ledger.ts';
import { meter, worstCase } from '../billing/meter.ts';
import type { Call, CallTimes, Uncharged } from '../billing/request-log.ts';
import type { PricedCall, Pricing } from '../billing/terms.ts';
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { outcomeOf } from '../core/errors.ts';
import type { Transcript, Usage } from '../core/transcript.ts';
import type { Hints, Recognizer } from '../recognize/recognize.ts';
import { createStopwatch, type Stopwatch } from './stopwatch.ts';

/** A call as it comes in: only its headers are known, and the rest is read when its turn has come. */
export interface IncomingCall {
  readonly requestId: string;
  readonly headers: Pick<Headers, 'get'>;
  readonly clientAddress: string;
  /** Aborts everything that the call does. */
  readonly signal: AbortSignal;
  /** Told of the key's limit as soon as it is known, so that refusals carry it too. */
  onRateLimit(limit: RateLimit): void;
  readRequest(): Promise<TranscribeRequest>;
  /** The body of the reply, to be kept for repeats of a call with an idempotency key; it must be the same each time. */
  render(done: Transcription): string;
}

export interface TranscribeRequest {
  readonly model: string;
  readonly audio: AudioSource;
  readonly hints: Hints;
  /** The caller's own label and user; null where it gave none. */
  readonly clientRequestId: string | null;
  readonly userId: string | null;
  /** Null where the caller sent none. */
  readonly idempotency: IdempotencyKey | null;
}

export interface Transcription {
  readonly earlier: null;
  readonly call: PricedCall;
  readonly transcript: Transcript;
  readonly usage: Usage;
  readonly receipt: Receipt;
}

/** The call repeats one that was answered: it gets that reply again and is not charged. */
export interface Repetition {
  readonly earlier: EarlierReply;
  readonly call: Call;
}

export interface Services {
  readonly authenticate: Authenticate;
  readonly admission: Admission;
  readonly idempotency: Idempotency;
  readonly opener: AudioOpener;
  readonly decoder: Decoder;
  readonly recognizer: Recognizer;
  readonly pricing: Pricing;
  readonly ledger: Ledger;
  /** Keeps the row of a call that was not charged; it never fails. */
  recordUncharged(call: Call, end: Uncharged, times: CallTimes): Promise<void>;
  /** Keeps the times of a call that was; it never fails. */
  recordTimes(call: Call, times: CallTimes): Promise<void>;
  readonly clock: Clock;
}

/** Throws an `AppError`, or the signal's reason after an abort; either way nothing is charged and nothing stays open. */
export async function transcribe(incoming: IncomingCall, services: Services): Promise<Transcription | Repetition> {
  const caller = await services.authenticate(incoming.headers);
  const stopwatch = createStopwatch(services.clock);
  let call: Call = {
    requestId: incoming.requestId,
    accountId: caller.accountId,
    keyId: caller.keyId,
    model: null,
    clientRequestId: null,
    userId: null,
    startedAt: services.clock.now(),
  };
  try {
    requireWholesale(caller);
    requireAddress(caller, incoming.clientAddress);
    await using _permit = await services.admission.admit(caller, (limit) => incoming.onRateLimit(limit));
    const request = await incoming.readRequest();
    const { model, clientRequestId, userId, idempotency } = request;
    call = { ...call, model, clientRequestId, userId };
    await using claim = idempotency === null ? null : await services.idempotency.claim(call, idempotency);
    if (claim === null || claim.earlier === null) {
      return await answer({ incoming, caller, call: { ...call, model }, request, claim, stopwatch }, services);
    }
    await services.recordUncharged(call, { status: 200, code: null }, {});
    return { earlier: claim.earlier, call };
  } catch (error) {
    await services.recordUncharged(call, outcomeOf(error), stopwatch.times);
    throw error;
  }
}

/** A call that has been admitted and read, and that is not a repetition. */
interface AcceptedCall {
  readonly incoming: IncomingCall;
  readonly caller: Caller;
  readonly call: PricedCall;
  readonly request: TranscribeRequest;
  readonly claim: Claim | null;
  readonly stopwatch: Stopwatch;
}

async function answer(accepted: AcceptedCall, services: Services): Promise<Transcription> {
  const { opener, decoder, recognizer, pricing, ledger } = services;
  const { incoming, caller, call, request, claim, stopwatch } = accepted;
  const { signal } = incoming;
  requireModel(caller, call.model);
  const selection = recognizer.select(call.model);
  const tokensPerMinute = selection.model.audioTokensPerMinute;
  const terms = await pricing.termsOf(call);

  await using source = await stopwatch.of('download', () => opener.open(request.audio, signal));
  // The bytes go on arriving while they are decoded; a failure among them ends the decoding.
  stopwatch.of('download', () => source.complete).catch(() => {});
  await using recording = await stopwatch.of('decode', () => decoder.decode(source, signal));
  stopwatch.move('decode', 'detect', recording.detectMs);
  const pieces = segment(recording.frames, recording.sampleCount, {
    pieceSecondsMax: selection.engine.capabilities.pieceSecondsMax,
  });
  using place = await stopwatch.of('queue', async () => recognizer.enter(pieces));

  const most = worstCase(recording.durationMs, tokensPerMinute);
  await using hold = await ledger.hold(call, await pricing.mostCost(call, terms, most));
  const hints = request.hints;
  const transcript = await stopwatch.of('engine', () =>
    recognizer.recognize(
      { selection, pcm: recording, pieces, hints, outputTokensMax: most.outputTokens, place },
      signal,
    ),
  );
  const usage = meter(recording.durationMs, tokensPerMinute, transcript);
  const done = (receipt: Receipt): Transcription => ({ earlier: null, call, transcript, usage, receipt });
  const reply = claim === null ? undefined : { claim, render: (receipt: Receipt) => incoming.render(done(receipt)) };
  const { engine, engines } = transcript;
  const warnings = transcript.warnings.map(({ code }) => code);
  signal.throwIfAborted();
  const receipt = await stopwatch.of('settle', () =>
    ledger.settle(hold, { engine, engines, warnings, usage, terms }, reply),
  );
  void services.recordTimes(call, stopwatch.times);
  return done(receipt);
}
