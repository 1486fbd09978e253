import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { createSchedule, type Schedule } from './schedule.ts';

const SECOND = 16_000;

function createTestSchedule(audioSecondsMax: number): { schedule: Schedule; pass: (ms: number) => void } {
  let now = 1_000_000;
  return {
    schedule: createSchedule({ audioSecondsMax, clock: { now: () => now } }),
    pass: (ms) => (now += ms),
  };
}

function retryAfter(schedule: Schedule, samples: number): number | undefined {
  try {
    schedule.enter('key', samples)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'overloaded');
    return error.retryAfterSeconds;
  }
}

test('calls enter up to the limit exactly, and one sample more is refused', () => {
  const { schedule } = createTestSchedule(100);
  using _first = schedule.enter('key', 60 * SECOND);
  using _second = schedule.enter('key', 40 * SECOND);
  assert.equal(schedule.audioSeconds(), 100);
  assert.throws(() => schedule.enter('key', 1), { code: 'overloaded' });
  assert.equal(schedule.audioSeconds(), 100);
});

test('a call makes room as it advances, and leaves nothing behind at its end', () => {
  const { schedule } = createTestSchedule(100);
  const place = schedule.enter('key', 100 * SECOND);
  place.advance(30 * SECOND);
  assert.equal(schedule.audioSeconds(), 70);
  schedule.enter('key', 30 * SECOND)[Symbol.dispose]();
  place[Symbol.dispose]();
  place[Symbol.dispose]();
  assert.equal(schedule.audioSeconds(), 0);
});

test('an empty queue takes a call longer than the limit; a second one has to wait', () => {
  const { schedule } = createTestSchedule(10);
  using _long = schedule.enter('key', 3_600 * SECOND);
  assert.throws(() => schedule.enter('key', SECOND), { code: 'overloaded' });
});

test('a call without speech always enters', () => {
  const { schedule } = createTestSchedule(10);
  using _overfull = schedule.enter('key', 20 * SECOND);
  assert.equal(retryAfter(schedule, 0), undefined);
});

test('Retry-After is the time in which the measured speed makes room', () => {
  const { schedule, pass } = createTestSchedule(1_000);
  using place = schedule.enter('key', 1_000 * SECOND);
  // Nothing measured: ten times real time is expected.
  assert.equal(retryAfter(schedule, 200 * SECOND), 20);
  pass(9_000);
  place.advance(390 * SECOND);
  // 400 s of speech in 10 s of time: forty times real time, and 190 s too much.
  assert.equal(retryAfter(schedule, 580 * SECOND), Math.ceil(190 / 40));
});

test('idle time does not slow the measured speed, and standing still does', () => {
  const { schedule, pass } = createTestSchedule(100);
  schedule.enter('key', 100 * SECOND)[Symbol.dispose]();
  pass(3_600_000);
  using _place = schedule.enter('key', 100 * SECOND);
  assert.equal(retryAfter(schedule, 100 * SECOND), 10);
  pass(9_000);
  assert.equal(retryAfter(schedule, 100 * SECOND), 100);
  pass(3_600_000);
  assert.equal(retryAfter(schedule, 100 * SECOND), 600);
});
