/** The thread of the connection that only reads: it sees committed rows, and a long query there delays no write. */
import { parentPort, workerData } from 'node:worker_threads';
import { openConnection } from './connection.ts';
import { describeError } from './describe-error.ts';
import type { Message, ThreadSettings } from './protocol.ts';
import { serveThread } from './serve-thread.ts';

serveThread(parentPort, (post) => {
  const connection = openConnection(workerData as ThreadSettings, 'read');
  return {
    handle(message: Message) {
      if (message.type !== 'statement') throw new Error(`The reader was sent "${message.type}".`);
      try {
        post([{ id: message.id, ok: true, ...connection.run(message.statement) }]);
      } catch (error) {
        post([{ id: message.id, ok: false, ...describeError(error) }]);
      }
    },
    close: () => connection.close(),
  };
});
