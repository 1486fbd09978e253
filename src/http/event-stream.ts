/** A reply of server-sent events, whose status can still change until the first of them is there. */

export interface EventStream {
  /** Resolves with the response once the first event is written. */
  readonly begun: Promise<Response>;
  write(event: string): void;
  /** All events so far, as they stand in the body. */
  sent(): string;
  /** Ends the body; where nothing was written before, this begins and ends it. */
  end(): void;
}

/** @param onLeave called when the reader leaves before the end. */
export function createEventStream(onLeave: () => void): EventStream {
  const encoder = new TextEncoder();
  let text = '';
  let begin: (response: Response) => void = () => {};
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let isOpen = true;
  const begun = new Promise<Response>((resolve) => (begin = resolve));
  const body = new ReadableStream<Uint8Array>({
    start(created) {
      controller = created;
    },
    cancel() {
      isOpen = false;
      onLeave();
    },
  });
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies that gather a reply before they pass it on would take the stream away.
    'x-accel-buffering': 'no',
  };
  const response = new Response(body, { headers });
  return {
    begun,
    write(event) {
      text += event;
      if (isOpen) controller?.enqueue(encoder.encode(event));
      begin(response);
    },
    sent: () => text,
    end() {
      begin(response);
      if (isOpen) controller?.close();
      isOpen = false;
    },
  };
}
