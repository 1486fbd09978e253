/** The dashboard in a real Chromium, against a real server with real calls in it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import {
  goOnTo,
  invite,
  logIn,
  needsChromium,
  openPage,
  PASSWORD,
  SCREENS,
  setUp,
  show,
  startBrowser,
} from './browser.ts';
import {
  bodyOf,
  FIXTURES,
  serveRecordings,
  startServer,
  type RecordingServer,
  type RunningServer,
} from './running-server.ts';

const OPERATOR = 'operator@example.com';
const RECORDING = 'sense-leisure.mp3';
/** Every place that takes a text gets this one. */
const HOSTILE = '<img src=x onerror=alert(1)>"\'><script>alert(2)</script>{{7*7}}';

let server: RunningServer;
let recordings: RecordingServer;
let browser: Browser;

before(async () => {
  if (needsChromium.skip !== false) return;
  recordings = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: recordings.hostAndPort } });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  await recordings?.[Symbol.asyncDispose]();
});

/** The link that the first start prints. */
async function setUpLink(): Promise<string> {
  for (;;) {
    const link = /^(?:.*\s)?(http\S+\/dashboard\/setup\?token=\S+)$/m.exec(server.printed())?.[1];
    if (link !== undefined) return link;
    await new Promise((wait) => setTimeout(wait, 50));
  }
}

async function createKey(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'Create a key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Monthly cap in US dollars').fill('2.50');
  if (await dialog.getByLabel('Account').isVisible())
    await dialog.getByLabel('Account').selectOption({ label: 'Acme' });
  await dialog.getByRole('button', { name: 'Create the key' }).click();
  return takeKey(page);
}

/** The text of a key, which is shown once. */
async function takeKey(page: Page): Promise<string> {
  const dialog = page.getByRole('dialog', { name: 'Your new key' });
  const key = (await dialog.locator('pre').first().textContent()) ?? '';
  assert.match(key, /^esw_\w+$/);
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  await dialog.waitFor({ state: 'detached' });
  return key;
}

async function choose(page: Page, keyName: string, item: string): Promise<void> {
  await page
    .getByRole('button', { name: `Actions for ${keyName}` })
    .first()
    .click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

test(
  'set up, create a key, call the API with it, see the request, rotate, revoke; a second browser sees it',
  needsChromium,
  async () => {
    const { page, context, complaints, asked } = await openPage(browser);
    await setUp(page, await setUpLink(), OPERATOR);

    await show(page, server, '/operator/accounts');
    await page.getByRole('button', { name: 'Create an account' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Acme');
    await page.getByRole('button', { name: 'Create the account' }).click();
    await page.getByRole('cell', { name: /^Acme/ }).waitFor();

    await show(page, server, '/keys');
    const key = await createKey(page, 'hotline');
    await page.getByRole('cell', { name: /^hotline/ }).waitFor();

    // The overview is open while the call is made: the call arrives there by itself.
    await show(page, server, '/');
    const response = await server.run(key, recordings.url(RECORDING));
    assert.equal(response.status, 200);
    const reply = await bodyOf<{ id: string; cost_usd: string }>(response);
    const live = page.getByRole('list', { name: 'Requests, live' }).locator(`a[href*="${reply.id}"]`);
    await live.waitFor();
    await live.click();
    await page.getByRole('heading', { name: 'What it cost' }).waitFor();
    assert.equal(await page.locator('main data').last().getAttribute('value'), reply.cost_usd);
    await page.getByText('the arithmetic agrees').waitFor();

    const second = await openPage(browser);
    await logIn(second.page, server, OPERATOR);
    await show(second.page, server, '/keys?state=all');
    const states = second.page.locator('tbody tr td:nth-child(3)');

    await show(page, server, '/keys?state=all');
    await choose(page, 'hotline', 'Rotate');
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    const rotated = await takeKey(page);
    await states.filter({ hasText: 'retiring' }).waitFor();
    assert.equal((await server.run(key, recordings.url(RECORDING))).status, 200);
    assert.equal((await server.run(rotated, recordings.url(RECORDING))).status, 200);

    await choose(page, 'hotline', 'Revoke');
    const dialog = page.getByRole('dialog');
    const revoke = dialog.getByRole('button', { name: 'Revoke the key' });
    assert.equal(await revoke.isDisabled(), true);
    const lastFour = /: (\S+)$/.exec((await dialog.locator('label').textContent()) ?? '')?.[1] ?? '';
    await dialog.getByRole('textbox').fill(lastFour);
    await revoke.click();
    await states.filter({ hasText: 'revoked' }).waitFor({ timeout: 3_000 });
    assert.equal((await states.allTextContents()).filter((text) => text.startsWith('revoked')).length, 1);
    const revoked = [key, rotated].find((text) => text.endsWith(lastFour)) ?? '';
    assert.equal((await server.run(revoked, recordings.url(RECORDING))).status, 401);

    assert.deepEqual([...complaints, ...second.complaints], []);
    assert.deepEqual(
      [...asked, ...second.asked].filter((url) => !url.startsWith(server.url)),
      [],
    );
    await context.close();
    await second.context.close();
  },
);

test(
  'a file in the playground gives waveform, text, subtitles, cost, and the same call elsewhere',
  needsChromium,
  async () => {
    const { page, context, complaints } = await openPage(browser);
    await logIn(page, server, OPERATOR);
    await show(page, server, '/keys');
    await createKey(page, 'playground');
    await show(page, server, '/playground');
    await page.getByLabel('Key', { exact: true }).selectOption({ index: 0 });
    await page.locator('input[type=file]').setInputFiles(join(FIXTURES, RECORDING));
    await page.getByRole('button', { name: 'Transcribe' }).click();
    await page
      .getByText(/leisure to consider/)
      .first()
      .waitFor({ timeout: 60_000 });
    const slider = page.getByRole('slider', { name: 'Place in the recording' });
    assert.ok(Number(await slider.getAttribute('aria-valuemax')) > 0);
    await page.getByText(/^Pieces of speech: [1-9]/).waitFor();

    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download as srt' }).click();
    const srt = await readFile(await (await download).path(), 'utf8');
    assert.match(srt, /^1\r?\n00:00:0\d,\d{3} --> /);

    // The playback moves the place, and the text that is said there is marked.
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.locator('li[aria-current=true]').waitFor();

    for (const name of ['curl', 'Python', 'TypeScript']) {
      await page.getByRole('button', { name, exact: true }).click();
      await page
        .locator('pre', { hasText: '/v1/audio/transcriptions' })
        .or(page.locator('pre', { hasText: 'OpenAI' }))
        .waitFor();
    }
    await page.getByRole('link', { name: 'its arithmetic' }).click();
    await page.getByText('the arithmetic agrees').waitFor();

    // A recording that is elsewhere plays too, though the page loads nothing from there.
    await show(page, server, '/playground');
    await page.getByLabel('The URL of a recording').fill(recordings.url(RECORDING));
    await page.getByRole('button', { name: 'Transcribe' }).click();
    await page.getByRole('button', { name: 'Play', exact: true }).click({ timeout: 60_000 });
    await page.locator('li[aria-current=true]').waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  },
);

test('the microphone makes a recording that is sent like a file', needsChromium, async () => {
  const { page, context, complaints } = await openPage(browser);
  await context.grantPermissions(['microphone']);
  await logIn(page, server, OPERATOR);
  await show(page, server, '/playground');
  await page.getByRole('button', { name: 'Record' }).click();
  await page.getByRole('button', { name: /^Stop, 0:0[1-9]/ }).click();
  await page.getByText('recording.webm').first().waitFor();
  await page.getByRole('button', { name: 'Transcribe' }).click();
  await page.getByRole('button', { name: 'Download as vtt' }).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test('a session that ends loses nothing of what was typed', needsChromium, async () => {
  const { page, context } = await openPage(browser);
  await logIn(page, server, OPERATOR);
  await show(page, server, '/keys?new=1');
  const form = page.getByRole('dialog', { name: 'Create a key' });
  await form.getByLabel('Name').fill('typed before the end');
  await form.getByLabel('Account').selectOption({ label: 'Acme' });
  await context.clearCookies();
  await form.getByRole('button', { name: 'Create the key' }).click();
  const logInAgain = page.getByRole('dialog', { name: 'Log in again' });
  await logInAgain.getByLabel('Password').fill('wrong');
  await logInAgain.getByRole('button', { name: 'Log in' }).click();
  await logInAgain.getByRole('alert').waitFor();
  // A wrong one makes the next wait: until then, the right one is refused as well.
  const shown = page.getByRole('dialog', { name: 'Your new key' });
  while (!(await shown.isVisible())) {
    await logInAgain.getByLabel('Password').fill(PASSWORD);
    await logInAgain.getByRole('button', { name: 'Log in' }).click();
    await shown.or(logInAgain.getByRole('alert')).waitFor();
  }
  const firstCall = (await shown.locator('pre').last().textContent()) ?? '';
  await takeKey(page);
  // The example is one that can be pasted as it is.
  const { stdout } = await promisify(execFile)('bash', ['-c', firstCall]);
  assert.match(stdout, /leisure to consider/);
  await page.getByRole('cell', { name: /^typed before the end/ }).waitFor();
  await context.close();
});

test(
  'an owner has what is theirs, a viewer reads it, and neither sees the operator’s screens',
  needsChromium,
  async () => {
    const { account_id: accountId, key } = await server.createKey('--name', 'of the others', '--cap-usd', '5');
    assert.equal((await server.run(key, recordings.url(RECORDING))).status, 200);
    for (const role of ['owner', 'viewer']) {
      const { page, context, complaints } = await openPage(browser);
      await setUp(page, await invite(server, `${role}@example.com`, role, accountId));
      assert.equal(await page.getByRole('link', { name: 'Operator' }).count(), 0);
      await show(page, server, '/keys');
      // The viewer sees the key that the owner makes below, too.
      assert.equal(await page.locator('tbody tr').count(), role === 'owner' ? 1 : 2);
      assert.equal(await page.getByRole('button', { name: 'Create a key' }).count(), role === 'owner' ? 1 : 0);
      await show(page, server, '/requests');
      await page.getByText('What was said is not kept.').waitFor();
      assert.equal(await page.getByRole('row').count(), 2);
      await show(page, server, '/playground');
      assert.equal(await page.getByText('Your role only reads').count(), role === 'owner' ? 0 : 1);
      await page.goto(`${server.url}/dashboard/operator/users`);
      await page.getByRole('heading', { level: 1, name: 'There is nothing at this address' }).waitFor();
      assert.equal(await page.title(), 'There is nothing at this address · earshot');
      const refused = await page.evaluate(
        `fetch('/api/users').then(async (r) => [r.status, (await r.json()).error.code])`,
      );
      assert.deepEqual(refused, [403, 'role_not_allowed']);
      const keyMade =
        await page.evaluate(`fetch('/api/keys', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'by ${role}', kind: 'console' }) }).then((r) => r.status)`);
      assert.equal(keyMade, role === 'owner' ? 200 : 403);
      assert.deepEqual(complaints, []);
      await context.close();
    }
  },
);

test('hostile texts stay texts on every screen', needsChromium, async () => {
  const { stdout } = await server.earshot('account', 'create', '--name', HOSTILE, '--json');
  const { account_id: accountId } = JSON.parse(stdout) as { account_id: string };
  const made = await server.earshot(
    'key',
    'create',
    '--account',
    accountId,
    '--name',
    HOSTILE,
    '--cap-usd',
    '3',
    '--json',
  );
  const { key } = JSON.parse(made.stdout) as { key: string };
  const hostileModel = await server.run(key, recordings.url(RECORDING), { model: HOSTILE.slice(0, 90) });
  assert.equal(hostileModel.status, 404);
  const answered = await server.run(key, recordings.url(RECORDING), { user_id: HOSTILE });
  const { id } = await bodyOf<{ id: string }>(answered);
  const { page, context, complaints } = await openPage(browser);
  await logIn(page, server, OPERATOR);
  for (const path of [...SCREENS, `/requests/${id}`]) {
    await goOnTo(page, `${path}?account=${accountId}`);
    assert.equal(await page.locator('main img, main script').count(), 0, path);
  }
  for (const path of ['/keys', '/requests', '/operator/accounts']) {
    await goOnTo(page, `${path}?account=${accountId}`);
    await page.locator('main div:not(:has(*)), main span').filter({ hasText: HOSTILE }).first().waitFor();
  }
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('combobox', { name: /A screen/ }).fill('<img');
  await page.getByRole('option', { name: /<img/ }).first().waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test('usage is held in the address, its rows lead to their requests, and it comes as CSV', needsChromium, async () => {
  const { page, context, complaints } = await openPage(browser);
  await logIn(page, server, OPERATOR);
  await show(page, server, '/usage?range=7d&group=model');
  await page.getByRole('link', { name: 'glm/glm-asr-2512' }).waitFor();
  await page.locator('canvas').first().waitFor();
  await page.getByLabel('By', { exact: true }).selectOption('key');
  await page.waitForURL(/group=key/);
  const address = page.url();
  await page.goto(address);
  await page.getByRole('link', { name: 'hotline' }).first().click();
  await page.waitForURL(/requests\?.*key=/);
  await page
    .getByRole('link', { name: /Request req_/ })
    .first()
    .waitFor();
  await page.goBack();
  const csv = page.waitForEvent('download');
  await page.getByRole('link', { name: 'CSV' }).click();
  assert.match(await readFile(await (await csv).path(), 'utf8'), /hotline|key_/);
  assert.deepEqual(complaints, []);
  await context.close();
});

test('the command palette goes anywhere by the keyboard alone', needsChromium, async () => {
  const { page, context } = await openPage(browser);
  await logIn(page, server, OPERATOR);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('bill');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dashboard/billing');
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await context.close();
});
