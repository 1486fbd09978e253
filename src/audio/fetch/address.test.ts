import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../core/seeded-random.ts';
import { isPublicAddress, isSameAddress } from './address.ts';

/*
 * A second classifier that shares nothing with the first: own numbers, own text, the tables of IANA's special-purpose
 * registries and of its multicast and reserved blocks, by plain arithmetic.
 */
const SPECIAL_IPV4: readonly (readonly [number, number])[] = [
  [0x00_00_00_00, 8],
  [0x0a_00_00_00, 8],
  [0x64_40_00_00, 10],
  [0x7f_00_00_00, 8],
  [0xa8_3f_81_10, 32],
  [0xa9_fe_00_00, 16],
  [0xac_10_00_00, 12],
  [0xc0_00_00_00, 24],
  [0xc0_00_02_00, 24],
  [0xc0_1f_c4_00, 24],
  [0xc0_34_c1_00, 24],
  [0xc0_58_63_00, 24],
  [0xc0_a8_00_00, 16],
  [0xc0_af_30_00, 24],
  [0xc6_12_00_00, 15],
  [0xc6_33_64_00, 24],
  [0xcb_00_71_00, 24],
  [0xe0_00_00_00, 4],
  [0xf0_00_00_00, 4],
];
/** By the first 48 bits, which decide in all of these. */
const SPECIAL_IPV6: readonly (readonly [number, number])[] = [
  [0x2001_0000_0000, 23],
  [0x2001_0db8_0000, 32],
  [0x2002_0000_0000, 16],
  [0x2620_004f_8000, 48],
  [0x3fff_0000_0000, 20],
];

function isPublicIpv4(address: number): boolean {
  return !SPECIAL_IPV4.some(([start, bits]) => address >= start && address < start + 2 ** (32 - bits));
}

function isPublicIpv6(first48: number): boolean {
  if (first48 < 0x2000_0000_0000 || first48 >= 0x4000_0000_0000) return false;
  return !SPECIAL_IPV6.some(([start, bits]) => first48 >= start && first48 < start + 2 ** (48 - bits));
}

function writeIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

function writeIpv6(first48: number, rest: number): string {
  const digits = first48.toString(16).padStart(12, '0');
  const low = rest.toString(16).padStart(8, '0');
  return `${digits.slice(0, 4)}:${digits.slice(4, 8)}:${digits.slice(8)}:${low.slice(0, 4)}:${low.slice(4)}::`;
}

/** A million of them in `npm run test:full`. */
const ROUNDS = process.env['EARSHOT_TEST_FULL'] === '1' ? 250_000 : 50_000;

test(`a second classifier finds no difference on ${4 * ROUNDS} random addresses, half of them at the edges of special blocks`, () => {
  const generate = seededRandom(20_251);
  const random = (): number => generate() * 2 ** 32;
  const nearEdge = (blocks: typeof SPECIAL_IPV4, width: number): number => {
    const [start, bits] = blocks[random() % blocks.length] ?? [0, 0];
    const edge = random() % 2 === 0 ? start : start + 2 ** (width - bits);
    const near = edge + (random() % 512) - 256;
    return (near + 2 ** width) % 2 ** width;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const address of [random(), nearEdge(SPECIAL_IPV4, 32)])
      if (isPublicAddress(writeIpv4(address)) !== isPublicIpv4(address)) assert.fail(writeIpv4(address));
    // Seven of eight IPv6 addresses are far from anything public, so half of them are drawn inside the public eighth.
    const anywhere = random() * 2 ** 16 + (random() % 2 ** 16);
    const first48 = round % 2 === 0 ? anywhere : 0x2000_0000_0000 + (anywhere % 0x2000_0000_0000);
    for (const address of [first48, nearEdge(SPECIAL_IPV6, 48)]) {
      const text = writeIpv6(address, random());
      if (isPublicAddress(text) !== isPublicIpv6(address)) assert.fail(text);
    }
  }
});

test('neighbours of special blocks are public', () => {
  for (const address of [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.1',
    '126.255.255.255',
    '128.0.0.0',
    '168.63.129.15',
    '168.63.129.17',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.1',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2000::',
    '2001:200::1',
    '2003::1',
    '2606:4700:4700::1111',
    '3ffe:ffff::1',
    '3fff:1000::1',
  ])
    assert.equal(isPublicAddress(address), true, address);
});

test('addresses that ipaddr.js calls unicast but that are nobody’s on the public Internet are refused', () => {
  for (const address of [
    '::7f00:1',
    '::8.8.8.8',
    '4000::1',
    'fe00::1',
    '168.63.129.16',
    '1fff:ffff::1',
    '::ffff:8.8.8.8',
  ])
    assert.equal(isPublicAddress(address), false, address);
});

test('only the plain spelling of an address counts', () => {
  for (const text of [
    '0x8.8.8.8',
    '010.8.8.8',
    '8.8.2056',
    '134744072',
    'example.com',
    '',
    '[2606::1]',
    '2606:4700::1%eth0',
  ])
    assert.equal(isPublicAddress(text), false, text);
});

test('two spellings of one address are the same', () => {
  assert.equal(isSameAddress('2606:4700::0:1', '2606:4700:0:0::1'), true);
  assert.equal(isSameAddress('8.8.8.8', '8.8.4.4'), false);
  assert.equal(isSameAddress('::ffff:8.8.8.8', '8.8.8.8'), false);
});
