/** How the dashboard looks: every screen on phone and desktop, in light and dark, in both languages; and how fast it is there. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import {
  goOnTo,
  invite,
  logIn,
  needsChromium,
  openPage,
  SCREENS,
  seriousFindings,
  setUp,
  show,
  startBrowser,
  type Looks,
} from './browser.ts';
import { serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';

const OPERATOR = 'operator@example.com';
const FULL = process.env['EARSHOT_TEST_FULL'] === '1';

let server: RunningServer;
let recordings: RecordingServer;
let browser: Browser;

before(async () => {
  if (needsChromium.skip !== false) return;
  recordings = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: recordings.hostAndPort } });
  browser = await startBrowser();
  const { key } = await server.createKey('--name', 'a key with a name that is long enough to be cut', '--cap-usd', '1');
  assert.equal((await server.run(key, recordings.url('sense-leisure.mp3'))).status, 200);
  assert.equal((await server.run(key, recordings.url('missing.mp3'))).status, 422);
  const { page, context } = await openPage(browser);
  await setUp(page, await invite(server, OPERATOR, 'operator'));
  await context.close();
});

after(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  await recordings?.[Symbol.asyncDispose]();
});

test('the first load is small, and the first paint comes within a second', needsChromium, async () => {
  const { page, context } = await openPage(browser);
  await logIn(page, server, OPERATOR);
  const client = await context.newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.setCacheDisabled', { cacheDisabled: true });
  let bytes = 0;
  client.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await show(page, server, '/');
  await page.locator('canvas').waitFor();
  assert.ok(bytes > 10_000 && bytes < 300_000, `${bytes} bytes`);
  const paintMs = Number(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"));
  assert.ok(paintMs < 1_000, `${paintMs} ms`);
  await context.close();
});

/** The tables that have to be moved sideways to see all of them. */
const OUTSIDE = `[...document.querySelectorAll('.data-table')]
  .filter((table) => table.scrollWidth > table.parentElement.clientWidth)
  .map((table) => table.innerText.slice(0, 40) + ': ' + table.scrollWidth)`;

/** By default each screen is looked at on a phone and on a desktop: in the dark and in English there, light and in Chinese here. */
function looks(): readonly (Looks & { readonly paths: readonly string[] })[] {
  const all: Looks[] = [320, 1280].flatMap((width) =>
    (['light', 'dark'] as const).flatMap((colorScheme) =>
      (['en-GB', 'zh-CN'] as const).map((locale) => ({ width, colorScheme, locale })),
    ),
  );
  if (FULL) return [...all, { width: 1920 }, { width: 768 }].map((one) => ({ ...one, paths: SCREENS }));
  return [
    { width: 320, colorScheme: 'dark', locale: 'en-GB', paths: SCREENS },
    { width: 1280, colorScheme: 'light', locale: 'zh-CN', paths: SCREENS },
  ];
}

test(
  'every screen fits, and axe finds nothing serious, on phone and desktop, in light and dark',
  needsChromium,
  async () => {
    const findings: string[] = [];
    for (const { paths, ...look } of looks()) {
      const { page, context, complaints } = await openPage(browser, look);
      await page.goto(`${server.url}/dashboard/`);
      await page.locator('input[name=password]').waitFor();
      findings.push(...(await seriousFindings(page)).map((finding) => `log-in ${JSON.stringify(look)} ${finding}`));
      await logIn(page, server, OPERATOR);
      for (const path of paths) {
        await goOnTo(page, path);
        const where = `${path} ${JSON.stringify(look)}`;
        findings.push(...(await seriousFindings(page)).map((finding) => `${where} ${finding}`));
        const width = await page.evaluate('document.documentElement.scrollWidth');
        if (width !== look.width) findings.push(`${where} is ${String(width)} wide`);
        findings.push(...((await page.evaluate(OUTSIDE)) as string[]).map((what) => `${where} hides ${what}`));
      }
      findings.push(...complaints);
      await context.close();
    }
    assert.deepEqual(findings, []);
  },
);
