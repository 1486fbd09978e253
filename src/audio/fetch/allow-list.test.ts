import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllowList } from './allow-list.ts';

test('an entry opens its host and port and nothing else', () => {
  const list = parseAllowList(['Audio.Example:8080', '10.0.0.5:80', '[FD00::0:1]:9000']);
  assert.equal(list.has('audio.example', 8080), true);
  assert.equal(list.has('10.0.0.5', 80), true);
  assert.equal(list.has('[fd00::1]', 9000), true);
  assert.equal(list.has('audio.example', 8081), false);
  assert.equal(list.has('audio.example', 80), false);
  assert.equal(list.has('audio.example.', 8080), false);
  assert.equal(list.has('x.audio.example', 8080), false);
  assert.equal(list.has('10.0.0.5', 8080), false);
  assert.equal(list.has('10.0.0.50', 80), false);
});

test('an empty list opens nothing', () => {
  assert.equal(parseAllowList([]).has('localhost', 80), false);
});

test('an entry that is not one host and one port is named', () => {
  for (const entry of [
    '',
    'host',
    'host:',
    ':80',
    'host:0',
    'host:65536',
    'host:80/x',
    'http://host:80',
    'fd00::1:80',
    'a b:80',
    'u@h:80',
    '256.1.1.1:80',
  ])
    assert.throws(
      () => parseAllowList(['good:80', entry]),
      (error: Error) => error.message.startsWith(`"${entry}" is not host:port`),
      entry,
    );
});
