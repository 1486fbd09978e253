import type { MessagePort } from 'node:worker_threads';
import { describeError } from './describe-error.ts';
import { START_ID, type Message, type Reply } from './protocol.ts';

export interface ThreadWork {
  handle(message: Message): void;
  close(): void;
}

/** The thread's half of the talk: says whether it started, hands on messages, and closes on `null`. */
export function serveThread(port: MessagePort | null, start: (post: (reply: Reply) => void) => ThreadWork): void {
  if (port === null) throw new Error('This module runs in a worker thread only.');
  const post = (reply: Reply): void => port.postMessage(reply);
  try {
    const work = start(post);
    port.on('message', (message: Message | null) => {
      if (message !== null) return work.handle(message);
      work.close();
      port.close();
    });
    post({ id: START_ID, ok: true, rows: [], changes: 0 });
  } catch (error) {
    post({ id: START_ID, ok: false, ...describeError(error) });
    port.close();
  }
}
