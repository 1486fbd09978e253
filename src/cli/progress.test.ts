import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressLine, startProgress } from './progress.ts';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 200, written, write: (text: string) => written.push(text) };
}

test('the line says how far it is, how fast, and how long it will take', () => {
  const line = progressLine({ done: 25, total: 100, audioSeconds: 300, seconds: 30 });
  assert.equal(line, `${'█'.repeat(6)}${'░'.repeat(18)} 25 %  25/100  10.0 × real time  1:30 left`);
  assert.match(progressLine({ done: 1, total: 1_000, audioSeconds: 1, seconds: 10 }), /2:46:30 left$/);
  assert.match(progressLine({ done: 0, total: 0, audioSeconds: 0, seconds: 0 }), /100 % {2}0\/0$/);
});

test('a terminal is written to at most ten times a second, and cleared at the end', () => {
  let now = 0;
  const stream = terminal(true);
  {
    using progress = startProgress(1_000, stream, { now: () => now });
    for (let count = 0; count < 1_000; count += 1) {
      now += 1;
      progress.advance(1, 2);
    }
  }
  assert.ok(stream.written.length >= 10 && stream.written.length <= 13, String(stream.written.length));
  assert.match(stream.written.at(-2) ?? '', /100 % {2}1000\/1000/);
  assert.equal(stream.written.at(-1), '\r\u001B[2K');
});

test('a file or a pipe gets nothing', () => {
  const stream = terminal(false);
  {
    using progress = startProgress(2, stream, { now: () => 0 });
    progress.advance(1, 1);
  }
  assert.deepEqual(stream.written, []);
});

test('parts of recordings add up, one recording is not counted, and lines of others stand above the bar', () => {
  const line = progressLine({ done: 0.1 + 0.2, total: 1, audioSeconds: 90, seconds: 3 });
  assert.equal(line, `${'█'.repeat(7)}${'░'.repeat(17)} 30 %  30.0 × real time  0:07 left`);
  assert.match(progressLine({ done: 0.9999999, total: 1, audioSeconds: 0, seconds: 3 }), / 100 % {2}0:00 left$/);
  const stream = terminal(true);
  using progress = startProgress(2, stream, { now: () => 0 });
  progress.aside(() => stream.write('A line.\n'));
  assert.deepEqual(stream.written.slice(1, 3), ['\r\u001B[2K', 'A line.\n']);
  assert.match(stream.written[3] ?? '', /0\/2$/);
});
