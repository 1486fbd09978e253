import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { FairQueue, type Flow, type Places } from './fair-queue.ts';

const SECOND = 16_000;
const { signal } = new AbortController();

function flowOf(keyId: string): Flow {
  return { keyId, given: 0 };
}

/** Asks for turns and notes in which order they come; each ends as soon as `next` is called. */
function setUp(places: Places = { concurrency: 1 }) {
  const queue = new FairQueue(places);
  const order: string[] = [];
  const turns: Disposable[] = [];
  return {
    queue,
    order,
    ask: (name: string, flow: Flow, size: number, start = 0, abort: AbortSignal = signal): Promise<void> =>
      queue.turn(flow, { start, end: start + size }, abort).then((turn) => {
        order.push(name);
        turns.push(turn);
      }),
    /** Ends the oldest turn and lets the queue go on. */
    next: async (): Promise<void> => {
      turns.shift()?.[Symbol.dispose]();
      await setImmediate();
    },
  };
}

/** Turns of a time that is counted instead of passing: each takes as long as its piece. */
function setUpTimed(concurrency: number) {
  const queue = new FairQueue({ concurrency });
  const order: string[] = [];
  const running: { readonly endsAt: number; readonly turn: Disposable }[] = [];
  let time = 0;
  return {
    queue,
    order,
    now: () => time,
    ask: (name: string, flow: Flow, size: number, start = 0): Promise<void> =>
      queue.turn(flow, { start, end: start + size }, signal).then((turn) => {
        order.push(name);
        running.push({ endsAt: time + size, turn });
      }),
    endFirst: async (): Promise<void> => {
      await setImmediate();
      const first = running.reduce((best, other) => (other.endsAt < best.endsAt ? other : best));
      running.splice(running.indexOf(first), 1);
      time = first.endsAt;
      first.turn[Symbol.dispose]();
      await setImmediate();
    },
  };
}

test('a short call of one key is next after the piece that runs, however long the line of another key', async () => {
  const { ask, next, order } = setUp();
  const long = flowOf('long');
  for (let piece = 0; piece < 50; piece += 1) void ask(`long ${piece}`, long, 28, piece * 28);
  await next();
  await next();
  void ask('short', flowOf('short'), 5);
  await next();
  assert.deepEqual(order, ['long 0', 'long 1', 'short']);
});

test('keys share evenly by audio, not by calls or pieces', async () => {
  const { ask, next, order } = setUp();
  for (let call = 0; call < 20; call += 1) void ask('many', flowOf('many'), 10);
  const few = flowOf('few');
  for (let piece = 0; piece < 20; piece += 1) void ask('few', few, 20, piece * 20);
  for (let count = 0; count < 30; count += 1) await next();
  const given = { many: 0, few: 0 };
  order.slice(1, 28).forEach((name) => (given[name as 'many' | 'few'] += name === 'many' ? 10 : 20));
  assert.ok(Math.abs(given.many - given.few) <= 20, JSON.stringify(given));
});

test('within a key the call that was given least goes first, and earlier stretches of a call before later ones', async () => {
  const { ask, next, order } = setUp();
  const long = flowOf('key');
  for (const piece of [0, 3, 1, 2]) void ask(`long ${piece}`, long, 28, piece * 28);
  void ask('short', flowOf('key'), 5);
  for (let count = 0; count < 5; count += 1) await next();
  assert.deepEqual(order, ['long 0', 'short', 'long 1', 'long 2', 'long 3']);
});

test('a key that was away has no claim on the time before', async () => {
  const { ask, next, order } = setUp();
  const busy = flowOf('busy');
  for (let piece = 0; piece < 10; piece += 1) void ask('busy', busy, 28, piece * 28);
  for (let count = 0; count < 5; count += 1) await next();
  order.length = 0;
  const back = flowOf('back');
  for (let piece = 0; piece < 5; piece += 1) void ask('back', back, 28, piece * 28);
  for (let count = 0; count < 6; count += 1) await next();
  assert.deepEqual(order, ['back', 'busy', 'back', 'busy', 'back', 'busy']);
});

test('as many turns at once as there are places, which may change', async () => {
  const places = { concurrency: 2 };
  const { ask, next, order, queue } = setUp(places);
  const flow = flowOf('key');
  for (let piece = 0; piece < 6; piece += 1) void ask(String(piece), flow, 28, piece * 28);
  await setImmediate();
  assert.deepEqual([order.length, queue.waiting], [2, 4]);
  places.concurrency = 1;
  await next();
  assert.equal(order.length, 2);
  places.concurrency = 3;
  await next();
  assert.deepEqual([order.length, queue.waiting], [5, 1]);
});

test('headroom is for calls that have no turn, one for each key, and leaves the places within the concurrency as they are', async () => {
  const { ask, next, order } = setUp({ concurrency: 2, headroom: 2 });
  const long = flowOf('long');
  for (let piece = 0; piece < 6; piece += 1) void ask(`long ${piece}`, long, 28, piece * 28);
  void ask('short 0', flowOf('short'), 5);
  void ask('short 1', flowOf('short'), 5);
  await setImmediate();
  assert.deepEqual(order, ['long 0', 'long 1', 'short 0']);
  await next();
  assert.deepEqual(order.slice(3), ['short 1']);
  await next();
  assert.deepEqual(order.slice(4), ['long 2']);
  void ask('third', flowOf('third'), 28);
  void ask('fourth', flowOf('fourth'), 28);
  await setImmediate();
  assert.deepEqual(order.slice(5), ['third']);
  await next();
  assert.deepEqual(order.slice(6), ['fourth']);
});

test('headroom is for short pieces, of the same key as a long recording too', async () => {
  const { ask, order } = setUp({ concurrency: 1, headroom: 2 });
  const long = flowOf('one');
  for (let piece = 0; piece < 3; piece += 1) void ask(`long ${piece}`, long, 28 * SECOND, piece * 28 * SECOND);
  void ask('another long', flowOf('other'), 28 * SECOND);
  void ask('short', flowOf('one'), 5 * SECOND);
  await setImmediate();
  assert.deepEqual(order, ['long 0', 'short']);
});

for (const longKeys of [1, 2, 3, 6, 10]) {
  test(`beside long recordings of ${longKeys} keys a short call waits for the end of one piece at most`, async () => {
    const { queue, ask, order, endFirst, now } = setUpTimed(2);
    for (let key = 0; key < longKeys; key += 1) {
      const flow = flowOf(`long ${key}`);
      for (let piece = 0; piece < 100; piece += 1) void ask('long', flow, 28 - (piece % 5), piece * 28);
    }
    let longest = 0;
    for (let call = 0; call < 20; call += 1) {
      for (let count = 0; count < 3 * longKeys; count += 1) await endFirst();
      const askedAt = now();
      let begun = false;
      void ask('short', flowOf('short'), 2).then(() => (begun = true));
      for (await setImmediate(); !begun; await endFirst());
      longest = Math.max(longest, now() - askedAt);
    }
    assert.ok(longest <= 28, `${longest}`);
    assert.ok(queue.waiting > 0 && order.includes('long'));
  });
}

test('a stream of short calls of other keys does not hold up a long recording for longer than their shares', async () => {
  const { ask, endFirst, order } = setUpTimed(1);
  const long = flowOf('long');
  for (let piece = 0; piece < 20; piece += 1) void ask('long', long, 28, piece * 28);
  for (let key = 0; key < 4; key += 1)
    for (let call = 0; call < 100; call += 1) void ask('short', flowOf(`short ${key}`), 2);
  for (let count = 0; count < 300; count += 1) await endFirst();
  const given = { long: 0, short: 0 };
  for (const name of order) given[name as 'long' | 'short'] += name === 'long' ? 28 : 2;
  assert.ok(Math.abs(given.long - given.short / 4) <= 28, JSON.stringify(given));
});

test('a key that headroom helps on uses up its share like any other', async () => {
  const { ask, next, order } = setUp({ concurrency: 1, headroom: 1 });
  const [one, other] = [flowOf('one'), flowOf('other')];
  for (let piece = 0; piece < 20; piece += 1) {
    void ask('one', one, 28, piece * 28);
    void ask('other', other, 28, piece * 28);
  }
  for (let count = 0; count < 30; count += 1) await next();
  const given = order.filter((name) => name === 'one').length;
  assert.ok(Math.abs(given - order.length / 2) <= 1, `${given} of ${order.length}`);
});

test('whoever leaves while waiting is gone from the line', async () => {
  const { ask, next, order, queue } = setUp();
  const controller = new AbortController();
  void ask('first', flowOf('a'), 28);
  const left = ask('gone', flowOf('b'), 28, 0, controller.signal);
  void ask('last', flowOf('c'), 28);
  controller.abort(new Error('The caller is gone.'));
  await assert.rejects(left, { message: 'The caller is gone.' });
  await next();
  await next();
  assert.deepEqual([order, queue.waiting], [['first', 'last'], 0]);
  await assert.rejects(ask('late', flowOf('d'), 1, 0, controller.signal), { message: 'The caller is gone.' });
});

test('a turn that is ended twice frees one place', async () => {
  const queue = new FairQueue({ concurrency: 1 });
  const flow = flowOf('key');
  const first = await queue.turn(flow, { start: 0, end: 1 }, signal);
  const others = [1, 2].map((start) => queue.turn(flow, { start, end: start + 1 }, signal));
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await others[0];
  assert.equal(queue.waiting, 1);
});
