/** The dashboard's pages while they are open, and before anybody is in: what they tell, and what they keep of the server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { IssuedKey } from '../http/api/contract.ts';
import { goOnTo, needsChromium, openPage, show, startBrowser } from './browser.ts';
import {
  listenAs,
  logInAs,
  openDashboard,
  openDatabase,
  openSession,
  PASSWORD,
  send,
  type Dashboard,
  type Person,
} from './dashboard-session.ts';
import type { RunningServer } from './running-server.ts';

let dashboard: Dashboard;
let server: RunningServer;
let ours: string;
let owner: Person;
let viewer: Person;

before(async () => {
  dashboard = await openDashboard();
  ({ server, ours, owner, viewer } = dashboard);
});

after(() => dashboard[Symbol.asyncDispose]());

test('a page that nobody looks at keeps no session, though it listens and reads on', async () => {
  const [person, other] = [await logInAs(server, 'viewer', ours), await logInAs(server, 'viewer', ours)];
  using session = openSession(server, person);
  await using page = await listenAs(server, person);
  await using otherPage = await listenAs(server, other);
  const before = Date.now() - 3_600_000;
  session.set('seen_at', before);
  await other.post('/api/logout');
  await assert.rejects(otherPage.next('never'), /the stream ended/, 'each page was asked whether it may still listen');
  await page.next('engines');
  const headers = { 'x-earshot-unattended': '1' };
  assert.equal((await send(server, 'GET', '/api/me', { cookie: person.cookie, headers })).status, 200);
  await using again = await listenAs(server, person);
  await again.next('engines');
  assert.equal(session.seenAt(), before);
  assert.equal((await person.get('/api/me')).status, 200);
  assert.notEqual(session.seenAt(), before);
});

test('a user with many pages loses the oldest of them, and nobody else any', { timeout: 60_000 }, async () => {
  await using others = await listenAs(server, owner);
  await others.next('engines');
  const person = await logInAs(server, 'viewer', ours);
  const pages = [];
  for (let more = 0; more < 21; more += 1) pages.push(await listenAs(server, person));
  await assert.rejects(pages[0]?.next('never') ?? Promise.resolve(), /the stream ended/);
  const made = await owner.post<IssuedKey>('/api/keys', { name: 'told', kind: 'console' });
  assert.equal(made.status, 200);
  for (const page of [...pages.slice(1), others]) await page.next('keys');
  for (const page of pages) await page[Symbol.asyncDispose]();
});

test('what a page reads while nobody touches it is marked as such', needsChromium, async () => {
  const browser = await startBrowser();
  try {
    const { page } = await openPage(browser);
    const [name, value] = viewer.cookie.split('=');
    await page.context().addCookies([{ name: name ?? '', value: value ?? '', url: server.url }]);
    await page.clock.install();
    await show(page, server, '/');
    const markOn = async (screen: string): Promise<string | undefined> => {
      const asked = page.waitForRequest((request) => request.url().includes(`/api${screen}`));
      await goOnTo(page, screen);
      return (await asked).headers()['x-earshot-unattended'];
    };
    assert.equal(await markOn('/jobs'), undefined);
    await page.clock.fastForward('06:00');
    assert.equal(await markOn('/usage'), '1', 'a script, and no hand, went there');
    await page.keyboard.press('Tab');
    assert.equal(await markOn('/requests'), undefined);
  } finally {
    await browser.close();
  }
});

test('the page tells who cannot get in what to do, and for how long they have to wait', needsChromium, async () => {
  using database = openDatabase(server);
  const inAnHour = Date.now() + 3_600_000;
  const held = `insert into login_delay (subject, failures, retry_at, forget_at) values (?, 9, ?, ?)`;
  database.run(held, 'account waits@example.com', inAnHour, inAnHour);
  const browser = await startBrowser();
  try {
    for (const [locale, wait] of [
      ['en-GB', /Try again in 3[56]\d\d seconds\./],
      ['zh-CN', /请等待 3[56]\d\d 秒后重试。/],
    ] as const) {
      const { page } = await openPage(browser, { locale });
      await page.goto(`${server.url}/dashboard/setup?token=none`);
      await page.getByText('earshot user link', { exact: true }).waitFor();
      await page.goto(`${server.url}/dashboard/`);
      for (const command of ['earshot user create', 'earshot user link'])
        await page.getByText(command, { exact: true }).waitFor();
      await page.locator('input[name=email]').fill('waits@example.com');
      await page.locator('input[name=password]').fill(PASSWORD);
      await page.locator('button[type=submit]').click();
      await page.getByRole('alert').filter({ hasText: wait }).waitFor();
    }
  } finally {
    await browser.close();
  }
});
