/** The reference page in a real Chromium: it loads nothing from elsewhere, and its forms call the API. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { needsChromium, startBrowser, watch } from './browser.ts';
import { eventually } from './job-calls.ts';
import { FIXTURES, startServer, type RunningServer } from './running-server.ts';

let server: RunningServer;
let browser: Browser;
let key: string;

before(async () => {
  if (needsChromium.skip !== false) return;
  server = await startServer();
  ({ key } = await server.createKey('--cap-usd', '10'));
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
});

/** The page, with every address that it asks for and everything that it complains of. */
async function open(options: { width: number; colorScheme?: 'light' | 'dark' }) {
  const { width, colorScheme = 'light' } = options;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const watched = watch(page);
  await page.goto(`${server.url}/docs`);
  return { page, ...watched };
}

/** Sends the form of an operation and gives what it shows once the call has ended. */
async function send(page: Page, id: string): Promise<{ outcome: string; headers: string; body: string }> {
  const form = page.locator(`#${id} form`);
  await form.locator('button[type=submit]').click();
  await form.locator('button[type=submit]', { hasText: 'Send' }).waitFor();
  const text = async (name: string): Promise<string> => (await form.locator(`output .${name}`).textContent()) ?? '';
  return { outcome: await text('outcome'), headers: await text('headers'), body: await text('body') };
}

test('at every width and in both colour schemes it loads only itself and fits', needsChromium, async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, asked, complaints } = await open({ width: 1440, colorScheme });
    for (const width of [1440, 800, 360]) {
      await page.setViewportSize({ width, height: 900 });
      // A string, since the types of a browser are not known here.
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
    }
    assert.deepEqual(
      asked.filter((url) => !url.startsWith('data:')),
      [`${server.url}/docs`],
    );
    assert.deepEqual(complaints, []);
    await page.close();
  }
});

test('a form sends the sample recording as JSON and shows status, headers, text and cost', needsChromium, async () => {
  const { page, complaints } = await open({ width: 1440 });
  await page.fill('#key', key);
  await page.click('#run .sample');
  // Not by a condition in the page, whose policy forbids to evaluate one there again and again.
  const filled = async (): Promise<boolean> => (await page.inputValue('#run textarea')).includes('base64');
  await eventually(filled, 'the sample is not there');
  const { outcome, headers, body } = await send(page, 'run');
  assert.match(outcome, /^200 OK · [\d.]+ s · cost \$0\.\d+$/);
  assert.match(headers, /^x-earshot-engine: embedded$/m);
  assert.match(body, /leisure to consider/);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('a form uploads a file, and shows a stream with its cost', needsChromium, async () => {
  const { page } = await open({ width: 1440 });
  await page.fill('#key', key);
  const form = page.locator('#createTranscription form');
  await form.locator('input[type=file]').setInputFiles(join(FIXTURES, 'sense-leisure.mp3'));
  await form.locator('select[name=stream]').selectOption('true');
  const { outcome, body } = await send(page, 'createTranscription');
  assert.match(outcome, /^200 OK · [\d.]+ s · cost \$0\.\d+$/);
  assert.match(body, /transcript\.text\.done/);
  assert.match(body, /leisure to consider/);
  await page.close();
});

test('path and query go where they belong, and a refusal is shown as it is', needsChromium, async () => {
  const { page } = await open({ width: 360 });
  assert.match((await send(page, 'getKey')).outcome, /^401 Unauthorized/);
  await page.fill('#key', key);
  await page.fill('#getModel input[name=id]', 'glm/glm-asr-2512');
  assert.match((await send(page, 'getModel')).body, /"id": "glm\/glm-asr-2512"/);
  await page.selectOption('#getUsage select[name=group_by]', 'model');
  assert.match((await send(page, 'getUsage')).body, /"group_by": "model"/);
  await page.close();
});
