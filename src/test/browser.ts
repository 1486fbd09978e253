/** Pages of a server in a real Chromium, for tests: they keep everything that they ask for and complain of. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { RunningServer } from './running-server.ts';

const CHROMIUM = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

export const needsChromium = {
  skip: CHROMIUM === undefined && 'no Chromium at /usr/bin/chromium; name one by CHROMIUM to run this',
};

export const PASSWORD = 'a sentence that nobody guesses';

export const SCREENS = [
  '/',
  '/keys',
  '/usage',
  '/requests',
  '/playground',
  '/models',
  '/billing',
  '/jobs',
  '/operator/accounts',
  '/operator/users',
  '/operator/engines',
  '/operator/audit',
] as const;

export interface Looks {
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly locale?: 'en-GB' | 'zh-CN' | 'de-DE';
}

export async function startBrowser(): Promise<Browser> {
  assert.ok(CHROMIUM !== undefined);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
}

export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Every address that was asked for. */
  readonly asked: string[];
  /** Errors of scripts, refusals by the Content-Security-Policy, and dialogs that nobody of us opens. */
  readonly complaints: string[];
}

/** A browser profile of its own, in which nobody is logged in. */
export async function openPage(
  browser: Browser,
  { width = 1280, colorScheme = 'light', locale = 'en-GB' }: Looks = {},
): Promise<Watched> {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 740 : 860 },
    colorScheme,
    locale,
    timezoneId: 'Europe/Berlin',
    hasTouch: width < 600,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  return { page, context, ...watch(page) };
}

export function watch(page: Page): { asked: string[]; complaints: string[] } {
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // A refusal that the page shows and deals with is no complaint of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  return { asked, complaints };
}

/** The one-time link of a new user. */
export async function invite(server: RunningServer, email: string, role: string, accountId?: string): Promise<string> {
  const more = accountId === undefined ? [] : ['--account', accountId];
  const { stdout, stderr } = await server.earshot(
    'user',
    'create',
    '--email',
    email,
    '--role',
    role,
    ...more,
    '--json',
  );
  assert.notEqual(stdout, '', stderr);
  const { link } = JSON.parse(stdout) as { link: string };
  return new URL(new URL(link).pathname + new URL(link).search, server.url).href;
}

export async function setUp(page: Page, link: string, email?: string): Promise<void> {
  await page.goto(link);
  if (email !== undefined) await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.locator('input[name=again]').fill(PASSWORD);
  await page.locator('button[type=submit]').click();
  await page.waitForURL('**/dashboard/');
  await page.locator('main h1').waitFor();
}

export async function logIn(page: Page, server: RunningServer, email: string): Promise<void> {
  await page.goto(`${server.url}/dashboard/`);
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.locator('button[type=submit]').click();
  await page.locator('main#main h1').waitFor();
}

/** A screen, once everything that it waits for is there. */
export async function show(page: Page, server: RunningServer, path: string): Promise<void> {
  await page.goto(`${server.url}/dashboard${path}`);
  await untilThere(page);
}

/** The same from another screen, as by one of the page's links: at a part of the cost of loading the page anew. */
export async function goOnTo(page: Page, path: string): Promise<void> {
  const address = JSON.stringify(`/dashboard${path}`);
  await page.evaluate(`history.pushState(null, '', ${address}); dispatchEvent(new PopStateEvent('popstate'))`);
  await untilThere(page);
}

async function untilThere(page: Page): Promise<void> {
  await page.locator('main#main h1').waitFor();
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
}

/** What axe finds that is serious or worse, each with where it is. */
export async function seriousFindings(page: Page): Promise<string[]> {
  if (await page.evaluate("typeof axe === 'undefined'")) await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${String(target)}: ${failureSummary}`),
    );
}
