/** What goes wrong while somebody works at the dashboard, in a real Chromium: nothing is lost, and nothing is mistaken. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page, Request } from 'playwright-core';
import type { IssuedKey, KeyRow, Page as Rows, RequestRow } from '../http/api/contract.ts';
import { goOnTo, needsChromium, openPage, show, startBrowser, type Watched } from './browser.ts';
import { openDashboard, PASSWORD, type Dashboard, type Person } from './dashboard-session.ts';
import { eventually } from './job-calls.ts';
import { FIXTURES, serveRecordings, type RecordingServer } from './running-server.ts';

let recordings: RecordingServer;
let dashboard: Dashboard;
let browser: Browser;
/** The operator's page, which goes from screen to screen. */
let shown: Watched;
let page: Page;

before(async () => {
  if (needsChromium.skip !== false) return;
  recordings = await serveRecordings();
  recordings.serve('never-ends.mp3', (_, response) => void response.writeHead(200).write('ID3'));
  dashboard = await openDashboard({ EARSHOT_FETCH_ALLOW: recordings.hostAndPort });
  browser = await startBrowser();
  shown = await openAs(dashboard.operator);
  page = shown.page;
  await show(page, dashboard.server, '/');
});

after(async () => {
  await browser?.close();
  await dashboard?.[Symbol.asyncDispose]();
  await recordings?.[Symbol.asyncDispose]();
});

async function openAs({ cookie }: Person): Promise<Watched> {
  const opened = await openPage(browser);
  const [name = '', value = ''] = cookie.split('=');
  await opened.context.addCookies([{ name, value, url: dashboard.server.url }]);
  return opened;
}

async function createKey(accountId: string, name: string): Promise<KeyRow> {
  const request = { name, kind: 'wholesale', account_id: accountId, cap_usd: '5' };
  return (await dashboard.operator.post<IssuedKey>('/api/keys', request)).body.row;
}

async function callsOf(accountId: string): Promise<readonly RequestRow[]> {
  return (await dashboard.operator.get<Rows<RequestRow>>(`/api/requests?account=${accountId}`)).body.data;
}

/** Goes to an address that may not be a screen. */
async function goTo(path: string): Promise<void> {
  const address = JSON.stringify(`/dashboard${path}`);
  await page.evaluate(`history.pushState(null, '', ${address}); dispatchEvent(new PopStateEvent('popstate'))`);
}

async function chooseAccount(name: string): Promise<void> {
  await page.getByLabel('Account', { exact: true }).selectOption({ label: name });
}

const dialog = (name: string) => page.getByRole('dialog', { name });

async function focusComesTo(accessible: string): Promise<void> {
  const focused = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()";
  await eventually(
    async () => (await page.evaluate(focused)) === accessible,
    `the focus never came to ${accessible}`,
    5,
  );
}

async function focusComesToMain(): Promise<void> {
  await eventually(async () => (await page.evaluate('document.activeElement.id')) === 'main', 'the focus is lost', 5);
}

/** What would close a dialog that may be closed. */
async function tryToClose(name: string): Promise<void> {
  await page.keyboard.press('Escape');
  await page.mouse.click(4, 500);
  assert.equal(await dialog(name).count(), 1, name);
}

test(
  'the playground charges the key that is shown, and a call ends with what it was made for',
  needsChromium,
  async () => {
    const { ours, theirs } = dashboard;
    const first = await createKey(ours, 'first');
    const second = await createKey(ours, 'second');
    const their = await createKey(theirs, 'their key');
    const transcribe = page.getByRole('button', { name: 'Transcribe' });
    const key = page.getByLabel('Key', { exact: true });
    const start = async (): Promise<Request> => {
      await page.getByLabel('The URL of a recording').fill(recordings.url('never-ends.mp3'));
      const sent = page.waitForRequest('**/api/playground');
      await transcribe.click();
      return sent;
    };
    const keyOf = (request: Request): unknown => (request.postDataJSON() as { key_id: string }).key_id;
    const stopped = async (accountId: string, count: number): Promise<void> => {
      await eventually(async () => (await callsOf(accountId)).length === count, 'the server goes on', 20);
      for (const call of await callsOf(accountId)) assert.deepEqual([call.status, call.cost_usd], [499, '0']);
    };

    await goOnTo(page, '/playground');
    await key.locator('option', { hasText: `Theirs: their key (…${their.last_four})` }).waitFor({ state: 'attached' });
    await chooseAccount('Ours');
    await key.selectOption(first.key_id);
    await chooseAccount('Theirs');
    assert.equal(keyOf(await start()), their.key_id, 'another account was chosen');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await stopped(theirs, 1);

    await chooseAccount('Ours');
    await key.selectOption(first.key_id);
    await dashboard.operator.post(`/api/keys/${first.key_id}/revoke`);
    await key.locator(`option[value=${first.key_id}]`).waitFor({ state: 'detached' });
    assert.equal(keyOf(await start()), second.key_id, 'the chosen one was revoked');
    await page.locator('input[type=file]').setInputFiles(join(FIXTURES, 'sense-leisure.mp3'));
    await transcribe.waitFor({ timeout: 5_000 });
    await stopped(ours, 1);

    await start();
    await goOnTo(page, '/billing');
    await stopped(ours, 2);
  },
);

test('what is shown once goes by its own button alone, and the focus goes back', needsChromium, async () => {
  const { ours } = dashboard;
  await goOnTo(page, `/keys?account=${ours}`);
  await page.getByRole('button', { name: 'Create a key' }).click();
  await dialog('Create a key').getByLabel('Name').fill('kept');
  await page.keyboard.press('Control+k');
  assert.equal(await dialog('Search and commands').count(), 0);
  await page.getByRole('button', { name: 'Create the key' }).click();
  await dialog('Your new key').waitFor();
  await tryToClose('Your new key');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await focusComesTo('Create a key');

  await page.getByRole('button', { name: 'Actions for kept' }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await page.locator('[role=dialog] input:focus').waitFor();
  await page.keyboard.type('typed');
  assert.match(await dialog('Edit kept').getByLabel('Name').inputValue(), /typed/);
  await page.keyboard.press('Escape');
  await focusComesTo('Actions for kept');

  await goOnTo(page, '/operator/users');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await dialog('Invite somebody').getByLabel('E-mail address').fill('new@example.com');
  await page.mouse.click(4, 500);
  await dialog('Invite somebody').getByLabel('Role').selectOption('operator');
  await page.getByRole('button', { name: 'Make the link' }).click();
  await dialog('A one-time link for new@example.com').waitFor();
  await tryToClose('A one-time link for new@example.com');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await focusComesTo('Invite somebody');

  await page.getByRole('button', { name: 'Actions for new@example.com' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await dialog('Remove new@example.com').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('cell', { name: 'new@example.com' }).waitFor({ state: 'detached' });
  await focusComesToMain();

  await goOnTo(page, `/jobs?account=${ours}`);
  await page.getByRole('button', { name: 'Make a secret' }).click();
  await dialog('Make a signing secret').getByRole('button', { name: 'Make a secret' }).click();
  await dialog('Your new signing secret').waitFor();
  await tryToClose('Your new signing secret');
  await page.getByRole('button', { name: 'I have kept it' }).click();
});

test('the palette shows what is chosen, and the focus goes along to another screen', needsChromium, async () => {
  await page.keyboard.press('Control+k');
  await dialog('Search and commands').waitFor();
  await page.keyboard.press('ArrowUp');
  const inSight =
    "(() => { const [list, row] = ['[role=listbox]', '[role=option][aria-selected=true]'].map((one) => document.querySelector(one)" +
    '.getBoundingClientRect()); return row.top >= list.top && row.bottom <= list.bottom + 1; })()';
  await page.getByRole('option', { name: 'Log out', selected: true }).waitFor();
  assert.equal(await page.evaluate(inSight), true);
  await page.keyboard.type('models and');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dashboard/models*');
  await focusComesToMain();
  const link = page.getByRole('link', { name: 'Usage' });
  await link.click();
  await focusComesToMain();
});

test('a screen that fails leaves the page, and what is not an address is not found', needsChromium, async () => {
  await goTo('/requests/%E0%A4%A');
  await page.getByText('There is nothing at this address').waitFor();
  await goOnTo(page, '/usage?range=custom&from=yesterday');
  assert.equal(await page.getByLabel('Time').inputValue(), 'month');
  await page.route('**/assets/billing-*.js', (route) => route.abort());
  await page.reload();
  await page.getByRole('link', { name: 'Billing' }).click();
  await page.getByRole('alert').waitFor();
  await page.unroute('**/assets/billing-*.js');
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByRole('link', { name: 'Billing' }).click();
  await page.getByRole('button', { name: 'Load again' }).click();
  await page.getByRole('heading', { name: 'Billing' }).waitFor();
});

test('a call of one account does not arrive among those of another', needsChromium, async () => {
  const { ours, theirs, operator, server } = dashboard;
  const { key } = (
    await operator.post<IssuedKey>('/api/keys', { name: 'live', kind: 'wholesale', account_id: ours, cap_usd: '5' })
  ).body;
  await goOnTo(page, `/?account=${theirs}`);
  const list = page.getByRole('list', { name: 'Requests, live' });
  await list.waitFor();
  await chooseAccount('Ours');
  await list.getByText('second').first().waitFor();
  await server.run(key, 'https://recordings.invalid/one.mp3', { model: 'no/such-model' });
  await list.getByText('live').waitFor();
  // What was read of the other one is shown until it can be read again.
  await page.route('**/api/overview*', (route) => route.abort());
  await chooseAccount('Theirs');
  await list.getByText('their key').first().waitFor();
  assert.equal(await list.getByText('live').count(), 0);
  await page.unroute('**/api/overview*');
});

test('every key is found where there are more than are offered', needsChromium, async () => {
  const { theirs } = dashboard;
  for (let count = 0; count < 10; count += 1)
    await Promise.all(Array.from({ length: 10 }, (_, index) => createKey(theirs, `bulk ${count}${index}`)));
  await goOnTo(page, `/playground?account=${theirs}`);
  await page.getByRole('searchbox', { name: 'Find a key' }).fill('their');
  const key = page.getByLabel('Key', { exact: true });
  await key.locator('option:checked', { hasText: 'their key' }).waitFor({ state: 'attached' });
  const id = await key.inputValue();
  await goOnTo(page, `/usage?account=${theirs}&key=${id}`);
  await key.locator('option:checked', { hasText: 'their key' }).waitFor({ state: 'attached' });
});

test('what happened while no events came is read once they come again', needsChromium, async () => {
  const { ours } = dashboard;
  // A hidden page holds no connection: a browser has six to a server.
  const visibility = (state: string): Promise<unknown> =>
    page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
      document.dispatchEvent(new Event('visibilitychange'))`,
    );
  await goOnTo(page, `/keys?account=${ours}`);
  const ended = page.waitForEvent('requestfailed', (request) => request.url().includes('/api/events'));
  await visibility('hidden');
  await ended;
  // Streams that open and end at once, and tell nothing.
  await page.route('**/api/events*', (route) =>
    route.fulfill({ status: 200, contentType: 'text/event-stream', body: 'retry: 200\n\n' }),
  );
  await createKey(ours, 'while hidden');
  const opened = page.waitForRequest('**/api/events*');
  await visibility('visible');
  await opened;
  await page.getByRole('cell', { name: /^while hidden/ }).waitFor();
  await createKey(ours, 'while away');
  await page.getByRole('cell', { name: /^while away/ }).waitFor({ timeout: 10_000 });
  await page.unroute('**/api/events*');
});

test('who is removed has to log in at once, and their page no longer listens', needsChromium, async () => {
  const { page: their, asked, context } = await openAs(dashboard.owner);
  await show(their, dashboard.server, '/keys');
  await eventually(() => asked.some((url) => url.includes('/api/events')), 'it never listened');
  await dashboard.server.earshot('user', 'remove', '--email', dashboard.owner.email);
  await their.getByRole('dialog', { name: 'Log in again' }).waitFor({ timeout: 4_000 });
  const listened = asked.filter((url) => url.includes('/api/events')).length;
  await new Promise((wait) => setTimeout(wait, 4_000));
  assert.equal(asked.filter((url) => url.includes('/api/events')).length, listened);
  await context.close();
});

test(
  'a file of a session that has ended comes after the log-in, whose password goes nowhere else',
  needsChromium,
  async () => {
    const { context, asked } = shown;
    await goOnTo(page, `/usage?account=${dashboard.ours}`);
    await context.clearCookies();
    await page.getByRole('link', { name: 'CSV' }).click();
    await dialog('Log in again').waitFor();
    await page.locator('input[name=password]:focus').waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type(PASSWORD);
    const file = page.waitForEvent('download');
    await page.keyboard.press('Enter');
    assert.match((await file).suggestedFilename(), /^usage-.*\.csv$/);
    assert.ok(!asked.some((url) => url.includes('horse')));
  },
);
