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
import type { Ledger, Receipt, ReplyKeeper } from '../billing/ledger.ts';
import { meter, worstCase } from '../billing/meter.ts';
import type { Call, CallTimes, Uncharged } from '../billing/request-log.ts';
import type { PricedCall, Pricing } from '../billing/terms.ts';
import type { Caller } from '../core/caller.ts';
import type { Clock } from '../core/clock.ts';
import { outcomeOf } from '../core/errors.ts';
import type { Transcript, Usage, Warning } from '../core/transcript.ts';
import type { Hints, Recognizer } from '../recognize/recognize.ts';
import { createStopwatch, type Stopwatch } from './stopwatch.ts';

export type { OpenAudio } from '../audio/open.ts';

/** Takes an upload as it comes; see the opener of audio. */
export type ReceiveAudio = AudioOpener['receive'];

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
  /** Told of the text piece by piece with its engine, as soon as each is settled; put together it is the whole text. */
  onText?(delta: string, engine: string): void;
  /** The body of the reply, to be kept for repeats of a call with an idempotency key; it must be the same each time. */
  render(done: Transcription): string;
  /** Keeps a call that is answered later as a job, together with the reply to it; gives that reply. */
  defer(call: DeferredCall): Promise<string>;
}

/** A call that passed every check that needs no audio, and that asks to be answered later. */
export interface DeferredCall {
  readonly call: PricedCall;
  readonly request: TranscribeRequest & { readonly later: Later };
  readonly claim: Claim | null;
}

/** How a call is answered that its caller does not wait for. */
export interface Later {
  /** Null where the caller asks for the result itself. */
  readonly webhookUrl: string | null;
}

export interface TranscribeRequest {
  readonly model: string;
  readonly audio: AudioSource;
  readonly hints: Hints;
  /** Whether the reply says when what is said. */
  readonly timestamps: boolean;
  /** What of the request cannot be honoured: said with the reply. */
  readonly warnings: readonly Warning[];
  /** The caller's own label and user; null where it gave none. */
  readonly clientRequestId: string | null;
  readonly userId: string | null;
  /** Null where the caller sent none. */
  readonly idempotency: IdempotencyKey | null;
  /** Null for a caller that waits for the answer. */
  readonly later: Later | null;
}

export interface Transcription {
  readonly kind: 'transcription';
  readonly call: PricedCall;
  readonly transcript: Transcript;
  readonly usage: Usage;
  readonly receipt: Receipt;
}

/** The call repeats one that was answered: it gets that reply again and is not charged. */
export interface Repetition {
  readonly kind: 'repetition';
  readonly earlier: EarlierReply;
  readonly call: Call;
  /** Whether the reply promised an answer for later. */
  readonly later: boolean;
}

/** The call is kept as a job and will be answered by that. */
export interface Deferral {
  readonly kind: 'deferral';
  readonly reply: string;
  readonly call: Call;
}

export interface Services {
  readonly authenticate: Authenticate;
  /** The caller behind a key, for a call that was accepted before. Throws `invalid_api_key` for a key that has ended. */
  findCaller(keyId: string): Promise<Caller>;
  readonly admission: Admission;
  readonly idempotency: Idempotency;
  readonly opener: Pick<AudioOpener, 'check' | 'open'>;
  readonly decoder: Decoder;
  readonly recognizer: Recognizer;
  readonly pricing: Pricing;
  readonly ledger: Ledger;
  /** Keeps the row of a call that was not charged; it never fails. */
  recordUncharged(call: Call, end: Uncharged, times: CallTimes): Promise<void>;
  /** Keeps the times of a call that was; it never fails. */
  recordTimes(call: Call, times: CallTimes): Promise<void>;
  /** Keeps what the call was about, where the operator turned that on; it never fails. */
  keepContent(call: Call, content: { readonly url?: string; readonly transcript?: string }): Promise<void>;
  readonly clock: Clock;
}

/** Throws an `AppError`, or the signal's reason after an abort; either way nothing is charged and nothing stays open. */
export async function transcribe(
  incoming: IncomingCall,
  services: Services,
): Promise<Transcription | Repetition | Deferral> {
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
    const { model, clientRequestId, userId, idempotency, later } = request;
    const priced = { ...call, model, clientRequestId, userId };
    call = priced;
    await using claim = idempotency === null ? null : await services.idempotency.claim(call, idempotency);
    if (claim !== null && claim.earlier !== null) {
      await services.recordUncharged(call, { status: later === null ? 200 : 202, code: null }, {});
      return { kind: 'repetition', earlier: claim.earlier, call, later: later !== null };
    }
    if (later === null) {
      const accepted = { ...incoming, caller, call: priced, request, keeper: claim, stopwatch };
      return await answer(accepted, services);
    }
    await checkAtOnce(caller, priced, request, services);
    const reply = await incoming.defer({ call: priced, request: { ...request, later }, claim });
    return { kind: 'deferral', reply, call };
  } catch (error) {
    await services.recordUncharged(call, outcomeOf(error), stopwatch.times);
    throw error;
  }
}

/** What of a request decides its transcript, whoever asks and whenever. */
export type AnswerableRequest = Pick<TranscribeRequest, 'audio' | 'hints' | 'timestamps' | 'warnings'>;

/** A call that has been admitted and read, and that is not a repetition. */
export interface AcceptedCall extends Pick<IncomingCall, 'signal' | 'render' | 'onText'> {
  readonly caller: Caller;
  readonly call: PricedCall;
  readonly request: AnswerableRequest;
  /** Keeps the reply together with the settlement; null where nobody does. */
  readonly keeper: ReplyKeeper | null;
  readonly stopwatch: Stopwatch;
}

/** What can be refused at once of a call that is answered later. */
async function checkAtOnce(
  caller: Caller,
  call: PricedCall,
  { audio }: TranscribeRequest,
  { recognizer, pricing, opener }: Services,
): Promise<void> {
  requireModel(caller, call.model);
  recognizer.select(call.model);
  await pricing.termsOf(call);
  opener.check(audio);
}

/** From the audio to the receipt; the rest of `transcribe`, for a call whose answer somebody waits for or for a job. */
export async function answer(accepted: AcceptedCall, services: Services): Promise<Transcription> {
  const { opener, decoder, recognizer, pricing, ledger } = services;
  const { signal, caller, call, request, keeper, stopwatch } = accepted;
  requireModel(caller, call.model);
  const selection = recognizer.select(call.model);
  const tokensPerMinute = selection.model.audioTokensPerMinute;
  const terms = await pricing.termsOf(call);

  if (request.audio.kind === 'url') void services.keepContent(call, { url: request.audio.url });
  await using source = await stopwatch.of('download', () => opener.open(request.audio, signal));
  // The bytes go on arriving while they are decoded; a failure among them ends the decoding.
  stopwatch.of('download', () => source.complete).catch(() => {});
  await using recording = await stopwatch.of('decode', () => decoder.decode(source, signal));
  stopwatch.move('decode', 'detect', recording.detectMs);
  const pieces = segment(recording.frames, recording.sampleCount, {
    pieceSecondsMax: selection.pieceSecondsMax,
  });
  using place = await stopwatch.of('queue', async () => recognizer.enter(call.keyId, pieces));

  const most = worstCase(recording.durationMs, tokensPerMinute);
  await using hold = await ledger.hold(call, await pricing.mostCost(call, terms, most));
  const { hints, timestamps } = request;
  const heard = await stopwatch.of('engine', () =>
    recognizer.recognize(
      {
        selection,
        pcm: recording,
        pieces,
        hints,
        userId: call.userId,
        timestamps,
        outputTokensMax: most.outputTokens,
        place,
        ...(accepted.onText === undefined ? {} : { onText: accepted.onText }),
      },
      signal,
    ),
  );
  const transcript = { ...heard, warnings: [...request.warnings, ...heard.warnings] };
  const usage = meter(recording.durationMs, tokensPerMinute, transcript);
  const done = (receipt: Receipt): Transcription => ({ kind: 'transcription', call, transcript, usage, receipt });
  const reply = keeper === null ? undefined : { keeper, render: (receipt: Receipt) => accepted.render(done(receipt)) };
  const { engine, engines } = transcript;
  const warnings = transcript.warnings.map(({ code }) => code);
  signal.throwIfAborted();
  const receipt = await stopwatch.of('settle', () =>
    ledger.settle(hold, { engine, engines, warnings, usage, terms }, reply),
  );
  void services.recordTimes(call, stopwatch.times);
  void services.keepContent(call, { transcript: transcript.text });
  return done(receipt);
}
