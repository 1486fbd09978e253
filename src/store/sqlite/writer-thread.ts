/** The thread of the one connection that writes. */
import { parentPort, workerData } from 'node:worker_threads';
import { openConnection, takeServerLock } from './connection.ts';
import { GroupCommit } from './group-commit.ts';
import type { Message, ThreadSettings } from './protocol.ts';
import { serveThread } from './serve-thread.ts';

serveThread(parentPort, (post) => {
  const settings = workerData as ThreadSettings;
  const lock = settings.serverLockPath === null ? null : takeServerLock(settings.serverLockPath, settings.busyMsMax);
  const connection = openConnection(settings, 'write');
  const group = new GroupCommit(connection, settings.transactionIdleMsMax, post);
  return {
    handle: (message: Message) => group.handle(message),
    close() {
      connection.close();
      lock?.release();
    },
  };
});
