/** For tests: a process that opens the database at the address of its first argument, and closes it. */
import { systemClock } from '../core/clock.ts';
import { openStore } from './store.ts';

const store = await openStore({ url: process.argv[2] ?? '', role: 'command', clock: systemClock });
await store.close();
