/** What an operator does for customers in the dashboard: prices, contracts, credit, statements, webhooks. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { goOnTo, invite, needsChromium, openPage, setUp, startBrowser } from './browser.ts';
import { eventually, makeJob } from './job-calls.ts';
import {
  bodyOf,
  oneOfEachWith,
  serveRecordings,
  startServer,
  type RecordingServer,
  type RunningServer,
} from './running-server.ts';
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.ts';

const OPERATOR = 'operator@example.com';
const RECORDING = 'go-forward.wav';
/** In pixels, upright, without the margins of 1 cm. */
const A4 = { width: 718, height: 1_047 };

let folder: string;
let server: RunningServer;
let recordings: RecordingServer;
let receiver: WebhookReceiver;
let browser: Browser;
let page: Page;
let complaints: string[];

before(async () => {
  if (needsChromium.skip !== false) return;
  recordings = await serveRecordings();
  receiver = await receiveWebhooks();
  folder = await mkdtemp(join(tmpdir(), 'earshot-business-'));
  const config = join(folder, 'config.json');
  await writeFile(config, oneOfEachWith({}, { keep: { urls: true, transcripts: true } }));
  server = await startServer({
    environment: {
      EARSHOT_FETCH_ALLOW: `${recordings.hostAndPort},${receiver.hostAndPort}`,
      EARSHOT_CONFIG: config,
    },
  });
  browser = await startBrowser();
  // Somebody whose system speaks a third language reads English, and its numbers.
  ({ page, complaints } = await openPage(browser, { locale: 'de-DE' }));
  await setUp(page, await invite(server, OPERATOR, 'operator'));
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
  await recordings?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function costOfCall(key: string): Promise<number> {
  const response = await server.run(key, recordings.url(RECORDING));
  assert.equal(response.status, 200);
  return Number((await bodyOf<{ cost_usd: string }>(response)).cost_usd);
}

/** Sends the form of the open dialog, which closes once that is done. */
async function send(dialog: Locator, button: string): Promise<void> {
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

test(
  'a price and a contract are changed with a look at their effect, and hold from the next call on',
  needsChromium,
  async () => {
    const { key, account_id: accountId } = await server.createKey();
    const atFirst = await costOfCall(key);

    await goOnTo(page, '/models');
    await page.getByRole('button', { name: 'Change the price' }).first().click();
    const price = page.getByRole('dialog', { name: /^Change the price of glm/ });
    await price.getByLabel('US dollars per 1M input tokens').fill('0.06');
    await price.getByLabel('US dollars per 1M output tokens').fill('0.06');
    await price.getByText(/there is nothing to compare with/).waitFor();
    await send(price, 'Change it now');
    const dearer = await costOfCall(key);
    assert.ok(Math.abs(dearer - 2 * atFirst) < 2e-9, `${atFirst} became ${dearer}`);

    await goOnTo(page, '/operator/accounts');
    await page.getByRole('button', { name: 'Actions for test' }).click();
    await page.getByRole('menuitem', { name: 'Change the contract' }).click();
    const contract = page.getByRole('dialog', { name: 'Contract of test' });
    await contract.getByLabel('Discount in percent').fill('50');
    await contract.getByText(/^Had it counted in/).waitFor();
    await send(contract, 'Change it now');
    await page.getByRole('cell', { name: '50%' }).waitFor();
    const halved = await costOfCall(key);
    assert.ok(Math.abs(halved - atFirst) < 2e-9, `${dearer} became ${halved}`);

    await goOnTo(page, `/billing?account=${accountId}`);
    const paid = await page.locator('main dl data').first().getAttribute('value');
    assert.equal(Number(paid), Number((atFirst + dearer + halved).toFixed(9)));
    assert.deepEqual(complaints, []);
  },
);

test(
  'a day’s bar leads to its requests, by a press with the filters of now and by the keyboard',
  needsChromium,
  async () => {
    const today = new Date().toISOString().slice(0, 10);
    await goOnTo(page, '/usage?range=7d');
    const bars = page.locator('.u-over');
    await bars.waitFor();
    // Nothing but this model was called: the bars stay as they are.
    await page.getByLabel('Model', { exact: true }).selectOption('glm/glm-asr-2512');
    await page.waitForURL(/model=glm/);
    const { width, height } = (await bars.boundingBox()) ?? { width: 0, height: 0 };
    await bars.click({ position: { x: width * (6.6 / 7.2), y: height / 2 } });
    await page.waitForURL((url) => url.pathname.endsWith('/requests'));
    const asked = new URL(page.url()).searchParams;
    assert.deepEqual([asked.get('from'), asked.get('model')], [today, 'glm/glm-asr-2512']);

    await goOnTo(page, '/');
    const days = page.getByRole('list', { name: 'Requests of a day' }).getByRole('button');
    await days.last().waitFor();
    await page.getByRole('button', { name: 'By key' }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight');
    const focused = String(await page.evaluate('document.activeElement.textContent'));
    assert.match(focused, new RegExp(`^Requests of ${today}: `));
    const { width: seen } = (await days.last().boundingBox()) ?? { width: 0 };
    assert.ok(seen > 50, 'what has the focus is seen');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('from') === today);
    assert.deepEqual(complaints, []);
  },
);

test('people are invited, given another link, and removed while they look at a page', needsChromium, async () => {
  await goOnTo(page, '/operator/users');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const invitation = page.getByRole('dialog', { name: 'Invite somebody' });
  await invitation.getByLabel('E-mail address').fill('kim@example.com');
  await invitation.getByLabel('Role').selectOption('operator');
  await send(invitation, 'Make the link');
  const linkIn = (dialog: Locator): Promise<string> => dialog.getByText(/\/dashboard\/setup\?token=/).innerText();
  const first = page.getByRole('dialog', { name: 'A one-time link for kim@example.com' });
  const lost = await linkIn(first);
  await send(first, 'I have kept it');

  const choose = async (item: string): Promise<void> => {
    await page.getByRole('button', { name: 'Actions for kim@example.com' }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await choose('New link');
  await send(page.getByRole('dialog', { name: 'A new link for kim@example.com' }), 'Make the link');
  const second = page.getByRole('dialog', { name: 'A one-time link for kim@example.com' });
  const link = await linkIn(second);
  assert.notEqual(link, lost);
  await send(second, 'I have kept it');

  const theirs = await openPage(browser);
  await theirs.page.goto(lost);
  await theirs.page.getByText(/unknown, was used already, or has expired/).waitFor();
  await setUp(theirs.page, link);
  await choose('Remove');
  await send(page.getByRole('dialog', { name: 'Remove kim@example.com' }), 'Remove');
  await page.getByRole('cell', { name: 'kim@example.com', exact: true }).waitFor({ state: 'detached' });
  await theirs.page.getByRole('button', { name: 'Log in' }).waitFor();

  await page.getByRole('button', { name: `Actions for ${OPERATOR}` }).click();
  assert.equal(await page.getByRole('menuitem', { name: 'Remove' }).count(), 0, 'nobody removes themselves');
  await page.keyboard.press('Escape');
  assert.deepEqual(complaints, []);
});

test(
  'credit is added and taken on the page of the statement, which prints without the rest of the page',
  needsChromium,
  async () => {
    const { key, account_id: accountId } = await server.createKey();
    const cost = await costOfCall(key);
    // Where points and commas are the other way round, money is still written in one way.
    await page.evaluate("Object.defineProperty(navigator, 'languages', { value: ['en-DE'], configurable: true })");
    await goOnTo(page, `/billing?account=${accountId}`);
    for (const [kind, usd, note] of [
      ['prepaid', '5000', 'invoice 7'],
      ['debit', '1.5', 'a mistake'],
    ] as const) {
      await page.getByRole('button', { name: 'Add or take credit' }).click();
      const dialog = page.getByRole('dialog', { name: 'Add or take credit' });
      await dialog.getByLabel('What').selectOption(kind);
      const begins = dialog.getByText(/^What was charged before counts: the balance stands at [-−]\$0\.0/);
      assert.equal(await begins.count(), kind === 'prepaid' ? 1 : 0);
      await dialog.getByLabel('Amount in US dollars').fill(usd);
      await dialog.getByLabel('Note').fill(note);
      await send(dialog, 'Write it down');
      await page.getByRole('cell', { name: note }).waitFor();
    }
    const { stdout } = await server.earshot('account', 'list', '--json');
    const { data } = JSON.parse(stdout) as { data: { account_id: string; balance_usd: string }[] };
    const balance = data.find((account) => account.account_id === accountId)?.balance_usd;
    assert.equal(Number(balance), Number((4_998.5 - cost).toFixed(9)));

    await page.getByText('$4,998.50').waitFor();
    await page.evaluate('delete navigator.languages');
    await goOnTo(page, `/requests?account=${accountId}`);
    await goOnTo(page, `/billing?account=${accountId}`);

    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize(A4);
    const shown = await page.locator('button:visible, select:visible, aside:visible, nav:visible').count();
    assert.equal(shown, 0, 'nothing to press on is printed');
    const month = new Date().toLocaleDateString('en', { month: 'long', year: 'numeric', timeZone: 'UTC' });
    assert.equal(await page.getByRole('heading', { name: month }).isVisible(), true);
    const line = page.getByRole('table', { name: 'The lines of the statement' }).getByRole('row').last();
    assert.equal(await line.locator('td:visible').count(), 9, 'every column is printed');
    assert.match(await line.innerText(), /\t\d\.\d+ s\t/);
    const { x = 0, width = 0 } = (await line.boundingBox()) ?? {};
    assert.ok(width > 0 && x + width <= A4.width, 'the columns fit on the paper');
    const total = page.locator('main dl data').first();
    assert.equal(Number(await total.getAttribute('value')), cost);
    assert.equal(await total.isVisible(), true);
    assert.ok((await page.pdf()).length > 10_000);
    await page.emulateMedia({ media: 'screen' });
    await page.setViewportSize({ width: 1280, height: 860 });
  },
);

test(
  'a delivery is sent again by hand with its id, and the signing secret is rotated and shown once',
  needsChromium,
  async () => {
    const { key, account_id: accountId } = await server.createKey();
    await makeJob(server, key, recordings.url(RECORDING), { webhook_url: receiver.url() });
    await eventually(() => receiver.received.length === 1, 'the webhook never came');
    await goOnTo(page, `/jobs?account=${accountId}`);
    await page.getByRole('table', { name: 'Jobs' }).getByText('completed').waitFor();
    await page.getByRole('button', { name: 'Send again' }).click();
    await eventually(() => receiver.received.length === 2, 'it was not sent again');
    const [first, again] = receiver.received;
    assert.equal(again?.headers['webhook-id'], first?.headers['webhook-id']);

    // One that nobody has seen is shown; the next is a new one.
    const secrets = [];
    for (const step of ['Show the secret', 'Rotate']) {
      await page.getByRole('button', { name: step, exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: step, exact: true }).click();
      const issued = page.getByRole('dialog', { name: 'Your new signing secret' });
      secrets.push(await issued.locator('pre').textContent());
      await send(issued, 'I have kept it');
    }
    assert.match(secrets.join(' '), /^whsec_\S+ whsec_\S+$/);
    assert.notEqual(secrets[0], secrets[1]);
    await page.getByText(/the one before it signs for another/).waitFor();
    await page.reload();
    await page.getByText(/the one before it signs for another/).waitFor();
    assert.doesNotMatch(await page.content(), /whsec_/);
    assert.deepEqual(complaints, []);
  },
);

test(
  'where the operator has them kept, a request’s page shows where its audio came from and what was said',
  needsChromium,
  async () => {
    const { key, account_id: accountId } = await server.createKey();
    const response = await server.run(key, recordings.url(RECORDING));
    const { id, text } = await bodyOf<{ id: string; text: string }>(response);
    assert.match(text, /forward/i);
    await eventually(async () => {
      await goOnTo(page, `/requests?account=${accountId}`);
      await page.getByText('What was said is kept for 30 days.').waitFor();
      await goOnTo(page, `/requests/${id}?account=${accountId}`);
      return page.getByText(text, { exact: true }).isVisible();
    }, 'the text is not shown');
    await page.getByText(recordings.url(RECORDING), { exact: true }).waitFor();
    assert.deepEqual(complaints, []);
  },
);
