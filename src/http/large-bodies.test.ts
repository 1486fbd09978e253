import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLargeBodies } from './large-bodies.ts';

const HOUR_MS = 3_600_000;
const forever = (): AbortSignal => new AbortController().signal;

test('a place is given back to the one that has waited longest', async () => {
  const bodies = createLargeBodies({ places: 1, waitMsMax: HOUR_MS });
  const first = bodies.room(forever());
  await first.take();
  const order: string[] = [];
  const second = bodies.room(forever());
  const third = bodies.room(forever());
  const both = [second.take().then(() => order.push('second')), third.take().then(() => order.push('third'))];
  first[Symbol.dispose]();
  await both[0];
  assert.deepEqual(order, ['second']);
  second[Symbol.dispose]();
  await both[1];
  assert.deepEqual(order, ['second', 'third']);
  third[Symbol.dispose]();
  await bodies.room(forever()).take();
});

test('who waits too long is refused as overloaded, and who leaves makes room for others', async () => {
  const bodies = createLargeBodies({ places: 1, waitMsMax: 1 });
  const first = bodies.room(forever());
  await first.take();
  await assert.rejects(bodies.room(forever()).take(), { code: 'overloaded' });
  const caller = new AbortController();
  const leaving = bodies.room(caller.signal).take();
  caller.abort(new Error('gone'));
  await assert.rejects(leaving, /gone/);
  first[Symbol.dispose]();
  await bodies.room(forever()).take();
});

test('a room that was never taken gives nothing back', async () => {
  const bodies = createLargeBodies({ places: 1, waitMsMax: 1 });
  bodies.room(forever())[Symbol.dispose]();
  await bodies.room(forever()).take();
  await assert.rejects(bodies.room(forever()).take(), { code: 'overloaded' });
});
