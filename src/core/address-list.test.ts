import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressList, isAddressRange } from './address-list.ts';

test('a list holds its addresses and ranges of both families, and nothing beside them', () => {
  const list = createAddressList(['10.0.0.0/8', '203.0.113.7', '2001:db8::/32', '::1']);
  for (const inside of ['10.255.0.1', '203.0.113.7', '2001:db8:1::2', '::1']) assert.ok(list.contains(inside), inside);
  for (const outside of ['11.0.0.1', '203.0.113.8', '2001:db9::1', '', 'localhost']) {
    assert.equal(list.contains(outside), false, outside);
  }
});

test('what is no address and no range is told apart', () => {
  for (const good of ['10.0.0.0/8', '0.0.0.0/0', '203.0.113.7', '::/0', '2001:db8::1/128'])
    assert.ok(isAddressRange(good));
  for (const bad of ['', '10.0.0.0/33', '10.0.0/8', '::1/129', '1.2.3.4/-1', '1.2.3.4/8/8', 'host']) {
    assert.equal(isAddressRange(bad), false, bad);
  }
});
