import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { AppError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/log.ts';
import type { TestJob } from './pool.test-worker.ts';
import { createPool, type Pool, type PoolOptions, type RunOptions } from './pool.ts';

const MEBIBYTE = 1_048_576;

function createTestPool(options: Partial<PoolOptions> = {}): Pool {
  return createPool({
    entry: new URL('./pool.test-worker.js', import.meta.url),
    name: 'test',
    size: 1,
    setup: { fails: false },
    jobsMax: 1,
    memoryBytesMax: 1_000 * MEBIBYTE,
    cpuMsBetweenNotesMax: Infinity,
    jobMsMax: 60_000,
    cancelGraceMs: 10_000,
    crashCode: 'audio_not_decodable',
    niceness: 0,
    log: silentLogger,
    ...options,
  });
}

function run<Result>(pool: Pool, job: TestJob, options: Partial<RunOptions> = {}): Promise<Result> {
  return pool.run<Result>(job, { signal: new AbortController().signal, ...options });
}

async function workerOf(pool: Pool): Promise<number> {
  return (await run<{ pid: number }>(pool, { kind: 'identify' })).pid;
}

/** Runs a job up to its first note, then aborts it. */
async function abortWhenRunning(pool: Pool, job: TestJob): Promise<unknown> {
  const controller = new AbortController();
  const outcome = run(pool, job, {
    signal: controller.signal,
    onNote: () => controller.abort(new Error('The caller is gone.')),
  });
  return outcome.catch((error: unknown) => error);
}

test('a job runs in another process and its result comes back, typed arrays included', async () => {
  await using pool = createTestPool();
  await pool.started;
  assert.ok(pool.ready());
  assert.notEqual(await workerOf(pool), process.pid);
  const value = { samples: Float32Array.of(0.25, -1), text: 'ä' };
  assert.deepEqual(await run(pool, { kind: 'echo', value }), value);
});

test('a worker sees nothing of the environment or the flags of its parent', async () => {
  await using pool = createTestPool();
  const seen = await run<{ environment: string[]; flags: string[] }>(pool, { kind: 'identify' });
  assert.deepEqual(
    seen.environment.filter((name) => !name.startsWith('MALLOC_')),
    [],
  );
  assert.deepEqual(
    seen.flags.filter((flag) => !flag.startsWith('--max-semi-space-size=')),
    ['--expose-gc'],
  );
});

test('jobs beyond the number of processes wait and then run in order', async () => {
  await using pool = createTestPool({ size: 2 });
  const ended: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      ended.push(await run<number>(pool, { kind: 'echo', value: index }));
    }),
  );
  assert.deepEqual(
    ended.toSorted((a, b) => a - b),
    [...Array(20).keys()],
  );
  assert.equal(pool.pids().length, 2);
});

test('each of the jobs of one process is told its own messages and has its own end', async () => {
  await using pool = createTestPool({ size: 2, jobsMax: 2 });
  await pool.started;
  const told: string[] = [];
  const stops = Array.from({ length: 4 }, () => new AbortController());
  const sends: ((message: unknown) => void)[] = [];
  const jobs = stops.map(({ signal }, job) =>
    run<string[]>(
      pool,
      { kind: 'collect-messages' },
      {
        signal,
        onStart: (send) => void (sends[job] = send),
        onNote: (note) => void told.push(String(note)),
      },
    ),
  );
  const fifth = workerOf(pool);
  const outcomes = Promise.allSettled(jobs);
  assert.equal(sends.length, 4);
  for (const [job, send] of sends.entries()) send(`for ${job}`);
  for (const send of sends) send('end');
  assert.deepEqual(
    (await outcomes).map((outcome) => outcome.status === 'fulfilled' && outcome.value),
    [0, 1, 2, 3].map((job) => [`for ${job}`]),
  );
  assert.deepEqual(told.toSorted(), ['for 0', 'for 1', 'for 2', 'for 3']);
  assert.ok(pool.pids().includes(await fifth));
});

test('a job goes to the process that has the fewest', async () => {
  await using pool = createTestPool({ size: 2, jobsMax: 2 });
  await pool.started;
  const stop = new AbortController();
  let waits: Promise<unknown> = Promise.resolve();
  const busy = await new Promise<unknown>((onNote) => {
    waits = run(pool, { kind: 'wait' }, { signal: stop.signal, onNote });
  });
  assert.notEqual(await workerOf(pool), busy);
  assert.notEqual(await workerOf(pool), busy);
  stop.abort();
  await assert.rejects(waits);
});

test('an abort ends one job of a process and leaves the other', async () => {
  await using pool = createTestPool({ jobsMax: 2 });
  await pool.started;
  let finish: (message: unknown) => void = () => {};
  const kept = run<unknown[]>(pool, { kind: 'collect-messages' }, { onStart: (send) => (finish = send) });
  const left = await abortWhenRunning(pool, { kind: 'wait' });
  assert.ok(left instanceof Error && left.message === 'The caller is gone.');
  finish('end');
  assert.deepEqual(await kept, []);
});

const WORK = { kind: 'work-on', turns: 20, cpuMsEach: 10, withNotes: false } as const;

for (const size of [1, 2]) {
  test(`a job that ends its process takes none with it that shares it (${size} in all)`, async () => {
    await using pool = createTestPool({ size, jobsMax: 2 });
    await pool.started;
    const innocent = Array.from({ length: size }, () => run(pool, WORK));
    const guilty = run(pool, { kind: 'exit', code: 3 });
    await assert.rejects(guilty, { code: 'audio_not_decodable', detail: /ended while it worked \(3\)/ });
    assert.deepEqual(
      await Promise.all(innocent),
      innocent.map(() => WORK.turns),
    );
  });
}

test('a job whose process is killed for the job beside it begins anew', async () => {
  await using pool = createTestPool({ jobsMax: 2, cancelGraceMs: 50 });
  await pool.started;
  const controller = new AbortController();
  let starts = 0;
  const beside = run(pool, WORK, { onStart: () => (starts += 1) });
  const blocks = run(pool, { kind: 'block' }, { signal: controller.signal, onNote: () => controller.abort() });
  await assert.rejects(blocks);
  assert.equal(await beside, WORK.turns);
  assert.equal(starts, 2);
});

test('of two jobs in a process above its memory limit only the one that holds too much fails', async () => {
  await using pool = createTestPool({ jobsMax: 2, memoryBytesMax: 200 * MEBIBYTE });
  await pool.started;
  const beside = run(pool, { ...WORK, turns: 60 });
  await assert.rejects(run(pool, { kind: 'hold-memory', bytes: 300 * MEBIBYTE }), { code: 'audio_not_decodable' });
  assert.equal(await beside, 60);
});

test('a pool that ends takes along the jobs that would have begun anew', async () => {
  const pool = createTestPool({ jobsMax: 2 });
  await pool.started;
  const ends = Promise.allSettled([run(pool, { kind: 'wait' }), run(pool, { kind: 'wait' })]);
  const [pid = 0] = pool.pids();
  process.kill(pid, 'SIGKILL');
  await pool[Symbol.asyncDispose]();
  for (const end of await ends) assert.equal(end.status === 'rejected' && end.reason.code, 'shutting_down');
});

test('a refusal keeps its code, sentence, param and detail on the way to the parent', async () => {
  await using pool = createTestPool();
  await assert.rejects(run(pool, { kind: 'refuse' }), (error) => {
    assert.ok(error instanceof AppError);
    const { code, message, param, detail } = error;
    assert.deepEqual(
      { code, message, param, detail },
      { code: 'audio_not_decodable', message: 'A public sentence.', param: 'a.b', detail: 'inside' },
    );
    return true;
  });
});

test('a bug in a job is an error without a code, and the process goes on', async () => {
  await using pool = createTestPool();
  const pid = await workerOf(pool);
  await assert.rejects(run(pool, { kind: 'stumble' }), (error) => {
    return error instanceof Error && !(error instanceof AppError) && error.message.startsWith('TypeError: a bug');
  });
  assert.equal(await workerOf(pool), pid);
});

test('a crash ends its job with the crash code, and a new process takes the next job', async () => {
  await using pool = createTestPool();
  const pid = await workerOf(pool);
  const crash = run(pool, { kind: 'exit', code: 3 });
  const next = workerOf(pool);
  await assert.rejects(crash, { code: 'audio_not_decodable', detail: /ended while it worked \(3\)/ });
  assert.notEqual(await next, pid);
});

test('a process above its memory limit is killed', async () => {
  await using pool = createTestPool({ memoryBytesMax: 200 * MEBIBYTE });
  await assert.rejects(run(pool, { kind: 'hold-memory', bytes: 300 * MEBIBYTE }), {
    code: 'audio_not_decodable',
    detail: /held more than/,
  });
});

test('a job above its time limit is killed', async () => {
  await using pool = createTestPool({ jobMsMax: 100 });
  await assert.rejects(run(pool, { kind: 'block' }), { code: 'audio_not_decodable', detail: /took more than 100 ms/ });
});

test('a job that works on and on without a note is killed, with notes it may go on', async () => {
  await using pool = createTestPool({ cpuMsBetweenNotesMax: 400 });
  const job = { kind: 'work-on', turns: 12, cpuMsEach: 50 } as const;
  assert.equal(await run(pool, { ...job, withNotes: true }), 12);
  await assert.rejects(run(pool, { ...job, turns: Infinity, withNotes: false }), {
    code: 'audio_not_decodable',
    detail: /worked for 400 ms without a note/,
  });
  await assert.rejects(run(pool, { kind: 'block' }), { detail: /worked for 400 ms without a note/ });
});

test('waiting is not work: a job may wait as long as it likes', async () => {
  await using pool = createTestPool({ cpuMsBetweenNotesMax: 400 });
  const pid = await workerOf(pool);
  // The second process does its work while the first one waits.
  await using other = createTestPool();
  const controller = new AbortController();
  const waiting = run(pool, { kind: 'wait' }, { signal: controller.signal });
  await run(other, { kind: 'work-on', turns: 12, cpuMsEach: 50, withNotes: false });
  controller.abort(new Error('Enough.'));
  await assert.rejects(waiting, { message: 'Enough.' });
  assert.equal(await workerOf(pool), pid);
});

test('an aborted job that listens stops by itself and its process goes on', async () => {
  await using pool = createTestPool();
  const pid = await workerOf(pool);
  assert.equal(String(await abortWhenRunning(pool, { kind: 'wait' })), 'Error: The caller is gone.');
  assert.equal(await workerOf(pool), pid);
});

test('an aborted job that does not listen ends with its process after the grace time', async () => {
  await using pool = createTestPool({ cancelGraceMs: 20 });
  const pid = await workerOf(pool);
  assert.equal(String(await abortWhenRunning(pool, { kind: 'block' })), 'Error: The caller is gone.');
  assert.ok(!pool.pids().includes(pid));
  assert.notEqual(await workerOf(pool), pid);
});

test('a job that is aborted while it waits never starts and disturbs no other', async () => {
  await using pool = createTestPool();
  const first = new AbortController();
  const second = new AbortController();
  let secondStarted = false;
  const running = run(pool, { kind: 'wait' }, { signal: first.signal });
  const waiting = run(pool, { kind: 'wait' }, { signal: second.signal, onStart: () => (secondStarted = true) });
  const third = workerOf(pool);
  second.abort(new Error('Second thoughts.'));
  await assert.rejects(waiting, { message: 'Second thoughts.' });
  first.abort(new Error('Enough.'));
  await assert.rejects(running, { message: 'Enough.' });
  assert.deepEqual(pool.pids(), [await third]);
  assert.equal(secondStarted, false);
  await assert.rejects(run(pool, { kind: 'wait' }, { signal: first.signal }), { message: 'Enough.' });
});

test('five hundred jobs on one signal leave no listener and no warning', async () => {
  const warnings: string[] = [];
  const remember = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', remember);
  const { signal } = new AbortController();
  await using pool = createTestPool({ size: 2 });
  await Promise.all(Array.from({ length: 500 }, (_, value) => run(pool, { kind: 'echo', value }, { signal })));
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', remember);
  assert.deepEqual(warnings, []);
});

test('messages reach the running job in order, those before it listens too, and no later job', async () => {
  await using pool = createTestPool();
  let send: (message: unknown) => void = () => {};
  const collected = run(
    pool,
    { kind: 'collect-messages' },
    {
      onStart: (sendToJob) => {
        send = sendToJob;
        send(1);
        send(2);
      },
      onNote: (note) => {
        if (note === 2) send(3);
        if (note === 3) send('end');
      },
    },
  );
  assert.deepEqual(await collected, [1, 2, 3]);
  const later = run(pool, { kind: 'collect-messages' }, { onStart: (sendToJob) => sendToJob('end') });
  send('late');
  assert.deepEqual(await later, []);
});

test('a job that cannot be sent is refused and the process stays free', async () => {
  await using pool = createTestPool();
  await pool.started;
  await assert.rejects(run(pool, { kind: 'echo', value: () => {} }), /could not be cloned/);
  assert.equal(await run(pool, { kind: 'echo', value: 1 }), 1);
});

test('processes that cannot be set up make the pool unavailable, with their complaint in the log', async () => {
  const complaints: string[] = [];
  const log: Logger = { ...silentLogger, warn: (fields) => complaints.push(String(fields['stderr'])) };
  await using pool = createTestPool({ setup: { fails: true }, log });
  const waiting = run(pool, { kind: 'echo', value: 1 });
  await assert.rejects(waiting, { code: 'engine_unavailable', detail: /the set-up is broken/ });
  await assert.rejects(pool.started, { code: 'engine_unavailable' });
  await assert.rejects(run(pool, { kind: 'echo', value: 1 }), { code: 'engine_unavailable' });
  assert.equal(pool.ready(), false);
  assert.match(complaints[0] ?? '', /the set-up is broken/);
});

test('disposing the pool ends running and waiting jobs and every process', async () => {
  const pool = createTestPool();
  const running = new Promise<unknown>((resolve) => {
    const outcome = run(pool, { kind: 'wait' }, { onNote: resolve });
    outcome.catch(resolve);
  });
  await running;
  const waiting = run(pool, { kind: 'echo', value: 1 });
  const refused = assert.rejects(waiting, { code: 'shutting_down' });
  await pool[Symbol.asyncDispose]();
  await refused;
  assert.deepEqual(pool.pids(), []);
  await assert.rejects(run(pool, { kind: 'echo', value: 1 }), { code: 'shutting_down' });
});

for (const kind of ['connect', 'connect-and-block'] as const) {
  const when = kind === 'connect' ? 'while it waits' : 'even while it is busy and never listens';
  test(`a worker ends when its parent is killed, ${when}`, async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const parent = fork(fileURLToPath(new URL('./pool.test-parent.js', import.meta.url)), [kind, String(port)]);
    const [socket] = (await once(server, 'connection')) as [Socket];
    const [pid] = (await once(socket, 'data')) as [Buffer];
    assert.notEqual(Number(pid.toString()), parent.pid);
    socket.on('error', () => {});
    parent.kill('SIGKILL');
    // The connection is the worker's: it closes with the end of that process.
    await once(socket, 'close');
    server.close();
  });
}
