/** A transcript as it comes: its pieces by iteration, the whole with usage and cost at the end. */
import { EarshotError, networkError, type ErrorBody } from './earshot-error.ts';
import type { Transcription } from './replies.ts';
import { orNetworkError } from './send.ts';

export interface TranscriptionStream extends AsyncIterable<string> {
  /** The whole; what has not been iterated over is read and passed by. */
  result(): Promise<Transcription>;
}

type StreamEvent =
  | { readonly type: 'transcript.text.delta'; readonly delta: string }
  | ({ readonly type: 'transcript.text.done' } & Transcription)
  | { readonly type?: undefined; readonly error: Partial<ErrorBody> };

/** Leaving the iteration early ends the call, which then costs nothing. */
export function transcriptionStream(response: Response, signal: AbortSignal | undefined): TranscriptionStream {
  let whole: Transcription | null = null;
  let failure: Error | null = null;
  const deltas = read();

  async function* read(): AsyncGenerator<string, void, void> {
    try {
      for await (const event of eventsOf(response, signal)) {
        if (event.type === 'transcript.text.delta') yield event.delta;
        else if (event.type === 'transcript.text.done') {
          const { type: _, ...transcription } = event;
          whole = transcription;
          return;
        } else if ('error' in event) throw errorOfEvent(event.error);
      }
      throw networkError(new Error('The stream ended before its last event.'));
    } catch (error) {
      failure = error as Error;
      throw error;
    }
  }

  return {
    [Symbol.asyncIterator]: () => deltas,
    async result() {
      for await (const _ of deltas);
      if (failure !== null) throw failure;
      if (whole === null) throw new Error('The iteration was left before the end of the transcript.');
      return whole;
    },
  };
}

function errorOfEvent(body: Partial<ErrorBody>): EarshotError {
  return new EarshotError({ status: null, body, requestId: null, retryAfterSeconds: null });
}

/** Server-sent events, each the JSON of its `data` line. Other events, of a server that is newer, pass unread. */
async function* eventsOf({ body }: Response, signal: AbortSignal | undefined): AsyncGenerator<StreamEvent, void, void> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await orNetworkError(signal, () => reader.read());
      if (done) return;
      const events = (text + decoder.decode(value, { stream: true })).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        if (event.startsWith('data: ')) yield JSON.parse(event.slice('data: '.length)) as StreamEvent;
      }
    }
  } finally {
    // Also where the reader of the transcript has left; what is closed already does not mind.
    await reader.cancel().catch(() => {});
  }
}
