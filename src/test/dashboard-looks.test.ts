/** How the dashboard looks: every screen on phone and desktop, in light and dark, in both languages; and how fast it is there. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
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
import { eventually } from './job-calls.ts';
import { bodyOf, serveRecordings, startServer, type RecordingServer, type RunningServer } from './running-server.ts';

const OPERATOR = 'operator@example.com';
interface ErrorBody {
  readonly error: { readonly request_id: string };
}

const FULL = process.env['EARSHOT_TEST_FULL'] === '1';

let server: RunningServer;
let recordings: RecordingServer;
let browser: Browser;
let answeredId: string;
let refusedId: string;

before(async () => {
  if (needsChromium.skip !== false) return;
  recordings = await serveRecordings();
  server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: recordings.hostAndPort } });
  browser = await startBrowser();
  const { key } = await server.createKey('--name', 'a key with a name that is long enough to be cut', '--cap-usd', '1');
  const answered = await server.run(key, recordings.url('sense-leisure.mp3'));
  answeredId = (await bodyOf<{ id: string }>(answered)).id;
  const refused = await server.run(key, recordings.url('missing.mp3'));
  refusedId = (await bodyOf<ErrorBody>(refused)).error.request_id;
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

/** What the server says in English is said by the page in its own language, and where it belongs. */
async function refusalsAreChinese(page: Page): Promise<void> {
  await goOnTo(page, `/requests/${refusedId}`);
  await page.getByText('无法下载音频，请检查 URL。').waitFor();
  await goOnTo(page, `/requests/${answeredId}`);
  await page.getByText('由另一个引擎代为应答').waitFor();
  await page.getByRole('cell', { name: '输入 token', exact: true }).waitFor();

  await goOnTo(page, '/operator/users');
  await page.getByRole('button', { name: '邀请成员' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').fill(OPERATOR);
  await dialog.getByLabel('角色').selectOption('operator');
  await dialog.getByRole('button', { name: '生成链接' }).click();
  await dialog.getByText(/^已有用户使用此电子邮箱。/).waitFor();
  await page.route('**/api/users', (route) => route.fulfill({ status: 502, body: 'no gateway' }));
  await dialog.getByRole('button', { name: '生成链接' }).click();
  await dialog.getByText('服务器应答 502').waitFor();
  await page.unroute('**/api/users');
  await page.keyboard.press('Escape');

  await goOnTo(page, '/operator/accounts');
  await page.getByRole('button', { name: 'test 的操作' }).click();
  await page.getByRole('menuitem', { name: '更改合同' }).click();
  await dialog.getByLabel('折扣（%）').fill('999');
  await dialog.getByRole('button', { name: '立即更改' }).click();
  await dialog.locator('p[id$=-error]', { hasText: '“discount_bps” 的值不被接受' }).waitFor();
  await page.keyboard.press('Escape');
}

/** The rows of the log are as high as they are wide enough for, also once a phone is turned. */
async function turns(page: Page): Promise<void> {
  await goOnTo(page, '/requests');
  const row = page.locator('[role=row][aria-rowindex="2"]');
  const height = async (): Promise<number> => (await row.boundingBox())?.height ?? 0;
  assert.equal(await height(), 62);
  await page.setViewportSize({ width: 800, height: 360 });
  await eventually(async () => (await height()) === 44, 'the rows stay as high as on a narrow page');
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
      if (look.width === 320) await turns(page);
      if (look.locale === 'zh-CN') await refusalsAreChinese(page);
      findings.push(...complaints);
      await context.close();
    }
    assert.deepEqual(findings, []);
  },
);
