import { createStopwatch } from './stopwatch.ts';
import { answer, type AcceptedCall, type Services, type Transcription } from './transcribe.ts';

/** A call that was accepted before, and that runs on behalf of the key that made it. */
export type DeferredRun = Omit<AcceptedCall, 'caller' | 'stopwatch'>;

/** Throws an `AppError`, or the signal's reason after an abort; either way nothing is charged and nothing stays open. */
export async function transcribeDeferred(run: DeferredRun, services: Services): Promise<Transcription> {
  const caller = await services.findCaller(run.call.keyId);
  return answer({ ...run, caller, stopwatch: createStopwatch(services.clock) }, services);
}
