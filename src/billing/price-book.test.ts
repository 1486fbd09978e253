import assert from 'node:assert/strict';
import { openTemporaryStore } from '../store/temporary-store.ts';
import { createPriceBook } from './price-book.ts';
import type { ListPrice } from './price.ts';
import { testOnEach } from '../store/test-on-each.ts';

const second = (perSecondNanoUsd: bigint): ListPrice => ({ per: 'second', perSecondNanoUsd });
const tokens: ListPrice = { per: 'tokens', inputPer1mNanoUsd: 3n, outputPer1mNanoUsd: 2n ** 60n };

testOnEach('a model without a price gets the configured one, and one that has a price keeps it', async (database) => {
  const clock = { now: () => 1_000 };
  await using store = await openTemporaryStore({ database, clock });
  const book = createPriceBook({ store, clock });
  await book.ensure([{ model: 'a', listPrice: tokens }]);
  await book.ensure([
    { model: 'a', listPrice: second(9n) },
    { model: 'b', listPrice: second(0n) },
  ]);
  assert.deepEqual(await book.at('a', 1_000), { model: 'a', version: 1, validFrom: 1_000, listPrice: tokens });
  assert.deepEqual(await book.at('b', 1_000), { model: 'b', version: 1, validFrom: 1_000, listPrice: second(0n) });
});

testOnEach(
  'the price with the latest date up to an instant holds, and of two from one date the later version',
  async (database) => {
    const clock = { now: () => 1_000 };
    await using store = await openTemporaryStore({ database, clock });
    const book = createPriceBook({ store, clock });
    await book.ensure([{ model: 'a', listPrice: second(1n) }]);
    for (const [version, validFrom] of [
      [2, 3_000],
      [3, 2_000],
      [4, 3_000],
    ] as const) {
      await store.db
        .insertInto('price')
        .values({
          model: 'a',
          version,
          valid_from: validFrom,
          input_per_1m_nano_usd: null,
          output_per_1m_nano_usd: null,
          per_second_nano_usd: BigInt(version),
        })
        .execute();
    }
    const versions = await Promise.all([999, 1_000, 1_999, 2_000, 2_999, 3_000].map((at) => book.at('a', at)));
    assert.deepEqual(
      versions.map((found) => found?.version),
      [undefined, 1, 1, 3, 3, 4],
    );
    assert.equal(await book.at('unknown', 9_000), null);
  },
);

testOnEach(
  'a price is set from now or from a later date, as a new version, and none from a date that has passed',
  async (database) => {
    let now = 1_000;
    const clock = { now: () => now };
    await using store = await openTemporaryStore({ database, clock });
    const book = createPriceBook({ store, clock });
    await book.set({ model: 'a', listPrice: tokens, validFrom: null });
    await book.set({ model: 'a', listPrice: second(2n), validFrom: 5_000 });
    now = 2_000;
    await assert.rejects(book.set({ model: 'a', listPrice: second(3n), validFrom: 1_999 }), {
      code: 'invalid_parameter',
    });
    await book.set({ model: 'a', listPrice: second(3n), validFrom: 2_000 });
    assert.deepEqual(
      (await book.list()).map(({ version, validFrom }) => [version, validFrom]),
      [
        [1, 1_000],
        [3, 2_000],
        [2, 5_000],
      ],
    );
    const versions = await Promise.all([1_999, 4_999, 5_000].map((at) => book.at('a', at)));
    assert.deepEqual(
      versions.map((found) => found?.version),
      [1, 3, 2],
    );
  },
);
