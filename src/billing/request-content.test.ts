import assert from 'node:assert/strict';
import { newId } from '../core/ids.ts';
import { openTemporaryStore } from '../store/temporary-store.ts';
import { testOnEach } from '../store/test-on-each.ts';
import { DAY_MS } from './month.ts';
import { contentOf, createRequestContent } from './request-content.ts';

const URL_OF_CALL = 'https://example.com/private/call.mp3?token=1';
const ALL = { url: URL_OF_CALL, transcript: 'hello' };

testOnEach('of what a call was about only that is kept which the operator turned on', async (database) => {
  await using store = await openTemporaryStore({ database, clock: { now: () => 0 } });
  const { db } = store;
  for (const [kept, expected] of [
    [{ urls: false, transcripts: false }, null],
    [
      { urls: true, transcripts: false },
      { url: URL_OF_CALL, transcript: null },
    ],
    [
      { urls: false, transcripts: true },
      { url: null, transcript: 'hello' },
    ],
    [{ urls: true, transcripts: true }, ALL],
  ] as const) {
    const content = createRequestContent({ db, clock: { now: () => 0 }, kept: { ...kept, days: 1 } });
    const call = { requestId: newId('req') };
    // They come one after the other, and in either order.
    await Promise.all([content.keep(call, { transcript: 'hello' }), content.keep(call, { url: URL_OF_CALL })]);
    assert.deepEqual(await contentOf(db, call.requestId), expected);
  }
});

testOnEach('it is forgotten after its days, and not before', async (database) => {
  let now = 0;
  const clock = { now: () => now };
  await using store = await openTemporaryStore({ database, clock });
  const { db } = store;
  const content = createRequestContent({ db, clock, kept: { urls: true, transcripts: true, days: 2 } });
  const call = { requestId: newId('req') };
  await content.keep(call, ALL);
  now = 2 * DAY_MS - 1;
  await content.forgetExpired();
  assert.deepEqual(await contentOf(db, call.requestId), ALL);
  now += 1;
  await content.forgetExpired();
  assert.equal(await contentOf(db, call.requestId), null);
});
