import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReadClientAddress } from './client-address.ts';

test('without trusted proxies the peer is the client, whatever it claims', () => {
  const read = createReadClientAddress([]);
  assert.deepEqual(read('203.0.113.7', '127.0.0.1'), { address: '203.0.113.7', loopback: false });
  assert.deepEqual(read('::ffff:127.0.0.1', null), { address: '127.0.0.1', loopback: true });
  assert.deepEqual(read('::1', null), { address: '::1', loopback: true });
});

test('a request that an unknown proxy on this machine forwarded is not on loopback', () => {
  assert.equal(createReadClientAddress([])('127.0.0.1', '203.0.113.7').loopback, false);
});

test('behind trusted proxies the client is the first address from the right that is no proxy', () => {
  const read = createReadClientAddress(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
  assert.equal(read('127.0.0.1', '198.51.100.1, 203.0.113.7, 10.1.2.3').address, '203.0.113.7');
  assert.equal(read('fd00::5', '2001:db8::1').address, '2001:db8::1');
  assert.deepEqual(read('127.0.0.1', null), { address: '127.0.0.1', loopback: true });
  assert.equal(read('127.0.0.1', '127.0.0.1, 203.0.113.7').loopback, false);
});
