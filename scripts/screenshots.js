// Makes docs/images: the main screens of the dashboard, with real calls in them, in a real Chromium. Build first.
//   node scripts/screenshots.js [FOLDER]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const root = resolve(import.meta.dirname, '..');
const folder = resolve(process.argv[2] ?? join(root, 'docs/images'));
const program = join(root, 'dist/main.js');
const recordings = join(root, 'fixtures/audio');
const PASSWORD = 'only for these pictures';
const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
);

const data = mkdtempSync(join(tmpdir(), 'earshot-pictures-'));
const audio = createServer((request, response) => {
  const path = join(recordings, (request.url ?? '/').slice(1));
  if (existsSync(path)) response.end(readFileSync(path));
  else response.writeHead(404).end();
});
await new Promise((listening) => audio.listen(0, '127.0.0.1', listening));
const audioBase = `127.0.0.1:${audio.address().port}`;
const environment = { PATH: process.env.PATH, DATA_DIR: data, EARSHOT_FETCH_ALLOW: audioBase };

/** Days ago, each a day on which somebody calls: the clock of the server is put back, and everything else is as always. */
const DAYS = [29, 27, 25, 24, 22, 20, 18, 17, 15, 13, 11, 10, 8, 6, 4, 3, 1, 0];
const RECORDINGS = ['fabric.mp3', 'library.mp3', 'sense-leisure.mp3', 'sense-married.mp3', 'go-forward.ogg'];

function clockOf(daysAgo) {
  const code = `const now = Date.now; Date.now = () => now() - ${daysAgo * 86_400_000};`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

/** A command of the same installation, and what it prints as JSON. */
function earshot(daysAgo, ...words) {
  const { stdout, stderr } = spawnSync(process.execPath, [...clockOf(daysAgo), program, ...words, '--json'], {
    env: environment,
    encoding: 'utf8',
  });
  if (stdout.length === 0) throw new Error(`earshot ${words.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

/** A server that runs until `work` has ended. */
async function withServer(daysAgo, work) {
  const server = spawn(process.execPath, [...clockOf(daysAgo), program, 'serve', '--port', '0'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await work(await printed(server));
  } finally {
    server.kill('SIGTERM');
    await new Promise((ended) => server.once('exit', ended));
  }
}

function printed(server) {
  return new Promise((found, failed) => {
    let text = '';
    server.stdout.on('data', (chunk) => {
      text += chunk;
      const url = /^earshot listening on (\S+)$/m.exec(text)?.[1];
      if (url !== undefined) found(url);
    });
    server.once('exit', () => failed(new Error('The server ended before it listened.')));
  });
}

async function call(url, { key }, name, more = {}) {
  const reply = await fetch(`${url}/v1/run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio: `http://${audioBase}/${name}` }, ...more }),
  });
  await reply.text();
}

/** Two customers with their keys, and a month of calls, most of which are answered. */
async function makeMonth() {
  const account = (name, ...more) => earshot(DAYS[0], 'account', 'create', '--name', name, ...more).account_id;
  const clinics = account('Northwind Clinics', '--discount-bps', '500', '--tiers', '1000:800,10000:1500');
  const radio = account('Hafen Radio', '--balance-usd', '250');
  const key = (owner, name, ...more) => earshot(DAYS[0], 'key', 'create', '--account', owner, '--name', name, ...more);
  const hotline = key(clinics, 'Support hotline', '--cap-usd', '0.02');
  const archive = key(clinics, 'Archive import', '--cap-usd', '40', '--concurrency', '4');
  const news = key(radio, 'Newsroom', '--cap-usd', '100', '--rpm', '120');
  key(clinics, 'Reports', '--kind', 'console');
  const kiosk = key(clinics, 'Kiosk, second floor', '--cap-usd', '5');
  for (const [index, daysAgo] of DAYS.entries()) {
    await withServer(daysAgo, async (url) => {
      for (let count = 0; count < 2 + ((index * 5) % 4); count += 1) {
        const name = RECORDINGS[(index + count * 2) % RECORDINGS.length];
        await call(url, [hotline, archive, news][(index + count) % 3], name);
      }
      if (index % 5 === 3) await call(url, archive, 'nothing-here.mp3');
    });
  }
  earshot(0, 'key', 'rotate', kiosk.key_id, '--grace', '36h');
  return { clinics, hotline, archive };
}

const SCREENS = [
  ['overview', '/', 1280, 'light'],
  ['overview-dark', '/', 1280, 'dark'],
  ['keys', '/keys', 1280, 'light'],
  ['usage', '/usage?group=key&range=30d', 1280, 'dark'],
  ['playground', '/playground', 1280, 'light'],
  ['phone', '/', 390, 'light'],
];

async function picture(context, url, [name, path, width, colorScheme], account) {
  const page = await context.newPage();
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.setViewportSize({ width, height: width < 600 ? 844 : 860 });
  await page.goto(
    `${url}/dashboard${path}${name.startsWith('overview') || name === 'phone' ? '' : `${path.includes('?') ? '&' : '?'}account=${account}`}`,
  );
  await page.locator('main#main h1').waitFor();
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
  if (name === 'playground') {
    await page.locator('input[type=file]').setInputFiles(join(recordings, 'sense-leisure.mp3'));
    await page.getByRole('button', { name: 'Transcribe' }).click();
    await page.getByRole('button', { name: 'Download as srt' }).waitFor();
  }
  await page.waitForTimeout(800);
  // A machine without a Chinese font would draw boxes.
  await page.getByText('简体中文').evaluateAll((names) => names.forEach((name) => name.remove()));
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await page.close();
}

/** Where a user who may do everything chooses the password. */
function linkFor(url) {
  const { link } = earshot(0, 'user', 'create', '--email', 'ann@example.com', '--role', 'operator');
  return new URL(new URL(link).pathname + new URL(link).search, url).href;
}

async function pictures(url, { clinics, hotline, archive }) {
  await call(url, archive, 'fabric.mp3', { async: true });
  await call(url, hotline, 'fabric.mp3', { model: 'glm/unknown' });
  await call(url, hotline, 'sense-leisure.mp3');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin' });
    const page = await context.newPage();
    await page.goto(linkFor(url));
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.locator('input[name=again]').fill(PASSWORD);
    await page.locator('button[type=submit]').click();
    await page.locator('main#main h1').waitFor();
    await page.close();
    for (const screen of SCREENS) await picture(context, url, screen, clinics);
  } finally {
    await browser.close();
  }
}

try {
  mkdirSync(folder, { recursive: true });
  const made = await makeMonth();
  await withServer(0, (url) => pictures(url, made));
} finally {
  audio.close();
  rmSync(data, { recursive: true, force: true });
}
