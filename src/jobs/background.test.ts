import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../core/log.ts';
import { createPlaces } from '../core/places.ts';
import { startPump } from './pump.ts';

const NEVER = new AbortController().signal;

test('so many have a place at a time, the others wait in their order, and one that leaves takes none', async () => {
  const places = createPlaces(1);
  const first = await places.take(NEVER);
  const order: string[] = [];
  const leaving = new AbortController();
  const second = places.take(NEVER).then((place) => (order.push('second'), place));
  const left = places.take(leaving.signal);
  const third = places.take(NEVER).then((place) => (order.push('third'), place));
  leaving.abort(new Error('left'));
  await assert.rejects(left, /left/);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  assert.deepEqual(order, ['second', 'third']);
  await places.take(NEVER);
});

test('a pump works on as much as it has places for, goes on after failures, and stops what it works on when it ends', async () => {
  const items = [1, 2, 3, 4, 5, 6];
  const done: number[] = [];
  let busy = 0;
  let most = 0;
  let finished = (): void => {};
  const all = new Promise<void>((resolve) => (finished = resolve));
  // The first item waits for the second, so that both places are seen taken, however the turns fall.
  let secondBegan = (): void => {};
  const second = new Promise<void>((resolve) => (secondBegan = resolve));
  let fails = true;
  const pump = startPump<number>({
    places: 2,
    pollMs: 5,
    async chore() {},
    async take() {
      fails = !fails;
      if (fails) throw new Error('the database is away');
      return items.shift() ?? null;
    },
    async work(item, signal) {
      busy += 1;
      most = Math.max(most, busy);
      if (item === 6) {
        finished();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        done.push(item);
      } else {
        if (item === 2) secondBegan();
        await (item === 1 ? second : new Promise((resolve) => setImmediate(resolve)));
        done.push(item);
      }
      busy -= 1;
      if (item === 3) throw new Error('its work failed');
    },
    log: silentLogger,
    failureEvent: 'test',
  });
  await all;
  await pump[Symbol.asyncDispose]();
  assert.deepEqual([new Set(done), done.length, most, busy], [new Set([1, 2, 3, 4, 5, 6]), 6, 2, 0]);
  pump.wake();
});
