import type { MessagePort } from 'node:worker_threads';
import { describeError } from './describe-error.ts';
import { createUnpacker, mapStatements, START_ID, type Batch, type Message, type Reply } from './protocol.ts';

export interface ThreadWork {
  handle(message: Message): void;
  close(): void;
}

export type PostReplies = (replies: readonly Reply[]) => void;

/** The thread's half of the talk: says whether it started, hands on messages, and closes on `null`. */
export function serveThread(port: MessagePort | null, start: (post: PostReplies) => ThreadWork): void {
  if (port === null) throw new Error('This module runs in a worker thread only.');
  const post: PostReplies = (replies) => port.postMessage(replies);
  const unpack = createUnpacker();
  try {
    const work = start(post);
    port.on('message', (batch: Batch | null) => {
      if (batch !== null) return batch.forEach((message) => work.handle(mapStatements(message, unpack)));
      work.close();
      port.close();
    });
    post([{ id: START_ID, ok: true, rows: [], changes: 0 }]);
  } catch (error) {
    post([{ id: START_ID, ok: false, ...describeError(error) }]);
    port.close();
  }
}
