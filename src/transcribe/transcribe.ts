/**
 * The paid call, from headers to receipt: the column of verbs that everything else exists for. All branching of the flow
 * is here. Whatever throws on the way is a refusal; what was opened is closed by its `using`: the hold is voided, files
 * are deleted, workers stop.
 */
import type { Admission, RateLimit } from '../access/admit.ts';
import { requireWholesale, type Authenticate } from '../access/authenticate.ts';
import type { Decoder } from '../audio/decode/decode.ts';
import type { AudioOpener, AudioSource } from '../audio/open.ts';
import { segment } from '../audio/segment.ts';
import type { Ledger, Receipt } from '../billing/ledger.ts';
import { meter, worstCase } from '../billing/meter.ts';
import { charge } from '../billing/price.ts';
import type { PriceBook } from '../billing/price-book.ts';
import type { Call, Refusal } from '../billing/request-log.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, outcomeOf } from '../core/errors.ts';
import type { Transcript, Usage } from '../core/transcript.ts';
import type { Hints, Recognizer } from '../recognize/recognize.ts';

/** A call as it comes in: only its headers are known, and the rest is read when its turn has come. */
export interface IncomingCall {
  readonly requestId: string;
  readonly headers: Pick<Headers, 'get'>;
  /** Aborts everything that the call does. */
  readonly signal: AbortSignal;
  /** Told of the key's limit as soon as it is known, so that refusals carry it too, and again when the call counts. */
  onRateLimit(limit: RateLimit): void;
  readRequest(): Promise<TranscribeRequest>;
}

export interface TranscribeRequest {
  readonly model: string;
  readonly audio: AudioSource;
  readonly hints: Hints;
  /** The caller's own label and user; null where it gave none. */
  readonly clientRequestId: string | null;
  readonly userId: string | null;
}

export interface Transcription {
  readonly call: Call;
  readonly transcript: Transcript;
  readonly usage: Usage;
  readonly receipt: Receipt;
}

export interface Services {
  readonly authenticate: Authenticate;
  readonly admission: Admission;
  readonly opener: AudioOpener;
  readonly decoder: Decoder;
  readonly recognizer: Recognizer;
  readonly priceBook: PriceBook;
  readonly ledger: Ledger;
  /** Keeps the row of a call that ended without an answer; it never fails. */
  recordRefusal(call: Call, refusal: Refusal): Promise<void>;
  readonly clock: Clock;
}

/** Throws an `AppError`, or the signal's reason after an abort; either way nothing is charged and nothing stays open. */
export async function transcribe(incoming: IncomingCall, services: Services): Promise<Transcription> {
  const { opener, decoder, recognizer, priceBook, ledger, clock } = services;
  const { signal } = incoming;
  const caller = await services.authenticate(incoming.headers);
  let call: Call = {
    requestId: incoming.requestId,
    accountId: caller.accountId,
    keyId: caller.keyId,
    model: null,
    clientRequestId: null,
    userId: null,
    startedAt: clock.now(),
  };
  try {
    requireWholesale(caller);
    incoming.onRateLimit(services.admission.rateLimit(caller));
    using permit = services.admission.admit(caller);
    incoming.onRateLimit(permit);
    const request = await incoming.readRequest();
    const { model, clientRequestId, userId } = request;
    call = { ...call, model, clientRequestId, userId };
    const selection = recognizer.select(model);
    const tokensPerMinute = selection.model.audioTokensPerMinute;
    const price = await priceBook.at(model, clock.now());
    if (price === null) throw new AppError('engine_unavailable', { detail: `The model ${model} has no price.` });

    await using source = await opener.open(request.audio, signal);
    await using recording = await decoder.decode(source, signal);
    const pieces = segment(recording.frames, recording.sampleCount, {
      pieceSecondsMax: selection.engine.capabilities.pieceSecondsMax,
    });
    using place = recognizer.enter(pieces);

    const most = worstCase(recording.durationMs, tokensPerMinute);
    await using hold = await ledger.hold({ ...call, model }, charge(most, price.listPrice, 0).costNanoUsd);
    const transcript = await recognizer.recognize(
      { selection, pcm: recording, pieces, hints: request.hints, outputTokensMax: most.outputTokens, place },
      signal,
    );
    const usage = meter(recording.durationMs, tokensPerMinute, transcript);
    const { engine, engines } = transcript;
    signal.throwIfAborted();
    const receipt = await ledger.settle(hold, {
      engine,
      engines,
      usage,
      charge: charge(usage, price.listPrice, 0),
      priceVersion: price.version,
    });
    return { call, transcript, usage, receipt };
  } catch (error) {
    await services.recordRefusal(call, outcomeOf(error));
    throw error;
  }
}
