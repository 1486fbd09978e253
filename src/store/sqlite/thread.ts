/** The main thread's half: sends orders to a database thread and matches the replies. */
import { Worker } from 'node:worker_threads';
import { DatabaseError } from '../database-error.ts';
import {
  createPacker,
  mapStatements,
  START_ID,
  type Message,
  type Order,
  type Packed,
  type Reply,
  type Rows,
  type ThreadSettings,
} from './protocol.ts';

export interface DatabaseThread {
  ask(order: Order): Promise<Rows>;
  /** Call it when nothing is under way any more: the database is closed and the thread ends. */
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (rows: Rows) => void;
  readonly reject: (error: Error) => void;
}

/** Orders sent at once. */
const BATCH_MAX = 16;

/** @param entry the compiled module that calls `serveThread`. Rejects with the thread's own sentence where it cannot open the database. */
export async function startThread(entry: URL, settings: ThreadSettings): Promise<DatabaseThread> {
  const worker = new Worker(entry, { workerData: settings });
  const pending = new Map<number, Pending>();
  let lastId = START_ID;
  let ended: Error | null = null;

  const end = (error: Error): void => {
    ended ??= error;
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  };
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.on('message', (replies: readonly Reply[]) => {
    for (const reply of replies) {
      const asked = pending.get(reply.id);
      pending.delete(reply.id);
      if (reply.ok) asked?.resolve(reply);
      else asked?.reject(new DatabaseError(reply.message, reply.code));
    }
  });
  worker.on('error', (error) => end(new DatabaseError(`The database thread failed: ${error.message}`, 'THREAD_ENDED')));
  worker.once('exit', () => end(new DatabaseError('The database is closed.', 'THREAD_ENDED')));

  const reply = (id: number): Promise<Rows> =>
    new Promise((resolve, reject) => {
      if (ended === null) pending.set(id, { resolve, reject });
      else reject(ended);
    });

  const pack = createPacker();
  let batch: Message<Packed>[] = [];
  const send = (): void => {
    if (batch.length > 0) worker.postMessage(batch);
    batch = [];
  };

  await reply(START_ID);
  return {
    ask(order) {
      lastId += 1;
      const answer = reply(lastId);
      // What is asked in one turn travels together, though not all of it where that is much: the thread begins meanwhile.
      if (batch.length === 0) process.nextTick(send);
      batch.push(mapStatements({ ...order, id: lastId }, pack));
      if (batch.length === BATCH_MAX) send();
      return answer;
    },
    async close() {
      send();
      worker.postMessage(null);
      await exited;
    },
  };
}
