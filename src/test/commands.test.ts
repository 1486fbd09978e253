/** The program as its operator meets it: every command, its help, its exit codes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FIXTURES, ONE_OF_EACH, PROGRAM, runCommand, runProgram, type Finished } from './running-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'earshot-commands-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const environment = { PATH: process.env['PATH'], DATA_DIR: join(folder, 'data'), EARSHOT_CONFIG: ONE_OF_EACH };
const earshot = (...words: string[]): Promise<Finished> => runCommand(words, environment);

async function json<T>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await earshot(...words, '--json');
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim().split('\n').length, 1, 'one JSON document');
  return JSON.parse(stdout) as T;
}

test('--help lists the commands, and each has its own help with an example', async () => {
  const { code, stdout } = await runProgram(['--help'], environment);
  assert.equal(code, 0);
  const names = [...stdout.matchAll(/^ {2}(\S+(?: \S+)?) {2,}/gm)].map(([, name = '']) => name);
  assert.ok(names.length >= 12, stdout);
  await Promise.all(
    names.map(async (name) => {
      const help = await earshot(...name.split(' '), '--help');
      assert.equal(help.code, 0, name);
      assert.match(help.stdout, /^Usage: earshot .*\n[\s\S]*\nExample: /, name);
    }),
  );
});

test('an unknown command, an unknown option and a missing option are said in a sentence, with exit code 2', async () => {
  for (const words of [
    ['sing'],
    ['key', 'set', 'x'],
    ['key', 'create', '--colour', 'red'],
    ['key', 'create'],
    ['ledger', 'verify', '--deep'],
  ]) {
    const { code, stdout, stderr } = await earshot(...words);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
    assert.doesNotMatch(stderr, /\n {4}at /, 'no stack');
  }
});

test('a wrong configuration is reported with every mistake, and exit code 2', async () => {
  const { code, stderr } = await runProgram(['account', 'list'], { ...environment, PORT: 'x', LOG_LEVEL: 'loud' });
  assert.equal(code, 2);
  assert.match(stderr, /PORT[\s\S]*LOG_LEVEL/);
});

test('accounts and keys: made, listed without secrets, rotated, revoked', async () => {
  const { account_id } = await json<{ account_id: string }>('account', 'create', '--name', 'Acme Ltd');
  const list = await runProgram(['account', 'list', '--json'], environment);
  const accounts = JSON.parse(list.stdout) as { data: { account_id: string; name: string }[] };
  assert.ok(accounts.data.some((account) => account.account_id === account_id && account.name === 'Acme Ltd'));
  const made = await json<{ key_id: string; key: string }>(
    'key',
    'create',
    '--account',
    account_id,
    '--cap-usd',
    '12.5',
    '--name',
    'first',
  );
  assert.match(made.key, /^esw_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/);
  const listed = await earshot('key', 'list', '--account', account_id, '--json');
  assert.ok(!listed.stdout.includes(made.key.slice(17)), 'no secret in the list');
  const [row] = (JSON.parse(listed.stdout) as { data: Record<string, unknown>[] }).data;
  assert.deepEqual([row?.['key_id'], row?.['cap_usd'], row?.['last_four']], [made.key_id, '12.5', made.key.slice(-4)]);
  const rotated = await json<{ key_id: string; key: string; old_key_expires_at: string }>(
    'key',
    'rotate',
    made.key_id,
    '--grace',
    '1h',
  );
  assert.notEqual(rotated.key_id, made.key_id);
  assert.ok(Date.parse(rotated.old_key_expires_at) > 0);
  assert.equal((await runProgram(['key', 'revoke', rotated.key_id], environment)).code, 0);
  const unknown = await runProgram(['key', 'revoke', 'key_nothing'], environment);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /no key/i);
});

test('prices, contracts, credits and key options: set by commands, and listed as they are', async () => {
  await json('price', 'set', 'a/b', '--input-usd-per-1m', '0.03', '--output-usd-per-1m', '0.06');
  const later = await json<{ version: number; current: boolean }>(
    'price',
    'set',
    'a/b',
    '--usd-per-second',
    '0.0001',
    '--from',
    '2999-01-01',
  );
  assert.deepEqual([later.version, later.current], [2, false]);
  assert.equal((await earshot('price', 'set', 'a/b', '--usd-per-second', '1', '--from', '2020-01-01')).code, 1);
  assert.equal((await earshot('price', 'set', 'a/b', '--usd-per-second', '1', '--input-usd-per-1m', '1')).code, 2);
  const { account_id: id } = await json<{ account_id: string }>(
    'account',
    'create',
    '--name',
    'Tiered',
    '--discount-bps',
    '100',
    '--tiers',
    '1000:500,10000:1200',
    '--balance-usd',
    '5',
  );
  await json('account', 'credit', id, '--usd', '2.5', '--note', 'thanks');
  const account = await json<Record<string, unknown>>('account', 'set', id, '--discount-bps', '300');
  assert.deepEqual(
    [
      account['tiers'],
      account['discount_bps'],
      account['balance_usd'],
      account['prepaid'],
      account['contract_version'],
    ],
    ['1000:500,10000:1200', 300, '7.5', true, 2],
  );
  assert.equal((await json<Record<string, unknown>>('account', 'set', id, '--balance-usd', 'none'))['prepaid'], false);
  assert.equal((await earshot('account', 'set', id, '--discount-bps', '600')).code, 1);
  assert.equal((await earshot('account', 'set', id, '--tiers', '2:500,3:400')).code, 2);
  assert.equal((await earshot('account', 'credit', id, '--usd', '0', '--note', 'x')).code, 2);
  const { key_id: keyId } = await json<{ key_id: string }>(
    'key',
    'create',
    '--account',
    id,
    '--tiers',
    '10:500',
    '--models',
    'a/b,c',
    '--allow-ip',
    '10.0.0.0/8',
  );
  const changed = await json<Record<string, unknown>>(
    'key',
    'set',
    keyId,
    '--cap-usd',
    '3',
    '--rpm',
    '5',
    '--concurrency',
    '2',
    '--allow-ip',
    'none',
    '--name',
    'new',
    '--expires',
    '2999-01-01',
    '--tiers',
    'none',
  );
  assert.deepEqual(
    ['cap_usd', 'requests_per_minute', 'concurrency', 'models', 'allow_ip', 'name', 'expires_at', 'tiers'].map(
      (name) => changed[name],
    ),
    ['3', 5, 2, ['a/b', 'c'], null, 'new', '2999-01-01T00:00:00.000Z', ''],
  );
  assert.equal((await earshot('key', 'set', 'key_none', '--name', 'x')).code, 1);
  const statement = await json<{ lines: unknown[]; total: Record<string, unknown> }>(
    'statement',
    '--account',
    id,
    '--month',
    '2026-07',
  );
  assert.deepEqual([statement.lines, statement.total['cost_usd']], [[], '0']);
  assert.equal((await earshot('ledger', 'explain', 'req_none')).code, 1);
});

test('values that cannot be read are named', async () => {
  for (const [option, value] of [
    ['--cap-usd', '1,5'],
    ['--expires', 'tomorrow'],
    ['--rpm', '0'],
    ['--kind', 'gold'],
    ['--tiers', '5:x'],
    ['--models', 'a,,b'],
    ['--allow-ip', '10.0.0.0/40'],
  ] as const) {
    const { code, stderr } = await earshot('key', 'create', '--account', 'acc_x', option, value);
    assert.equal(code, 2, option);
    assert.ok(stderr.includes(option), stderr);
  }
});

test('a key is not made with an end that has passed', async () => {
  const { account_id: account } = JSON.parse((await earshot('account', 'create', '--name', 'Late', '--json')).stdout);
  const { code, stderr } = await earshot('key', 'create', '--account', account, '--expires', '2020-01-01');
  assert.equal(code, 1);
  assert.match(stderr, /The end of a key must lie in the future/);
});

test('transcribe reads a file without a server, as JSON and as subtitles', async () => {
  const file = join(FIXTURES, 'go-forward.flac');
  const asJson = await earshot('transcribe', file);
  assert.equal(asJson.code, 0, asJson.stderr);
  const asVtt = await earshot('transcribe', file, '--format', 'vtt');
  const reply = JSON.parse(asJson.stdout) as { text: string; engine: string };
  assert.match(reply.text, /forward/i);
  assert.equal(reply.engine, 'embedded');
  assert.match(asVtt.stdout, /^WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\nGo forward/);
  assert.match(asVtt.stderr, /^Note: No engine for glm\/glm-asr-2512 is configured here/);
  assert.match(asVtt.stderr, /^Note: The engine gives no times/m);
});

test('transcribe says what is wrong with a file that is missing or no audio', async () => {
  const missing = await earshot('transcribe', join(folder, 'nothing.wav'));
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /no such audio file/i);
  const text = await earshot('transcribe', join(FIXTURES, 'README.md'));
  assert.equal(text.code, 1);
  assert.match(text.stderr, /not audio/i);
});

test('doctor finds everything in place', async () => {
  const report = await json<{ ok: boolean; checks: { name: string; ok: boolean }[] }>('doctor');
  assert.deepEqual(
    report.checks.filter(({ ok }) => !ok),
    [],
  );
});

test('what the operator can mend is said in one sentence, without a stack: a port in use', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await runProgram(['serve', '--port', String(port)], {
    PATH: process.env['PATH'],
    DATA_DIR: join(folder, 'port-in-use'),
    LOG_LEVEL: 'silent',
  });
  other.close();
  assert.equal(code, 1);
  assert.match(stderr, /^listen EADDRINUSE: [^\n]*\n$/);
});

test('doctor names a model that has no price, with exit code 1', async () => {
  const config = join(folder, 'unpriced.json');
  writeFileSync(config, JSON.stringify({ models: { 'never/priced': { engines: ['embedded'] } } }));
  const { code, stdout } = await runProgram(['doctor'], { ...environment, EARSHOT_CONFIG: config });
  assert.equal(code, 1);
  assert.match(stdout, /MISSING\s+models: no price for never\/priced; set one with `earshot price set`/);
});

test('a quickstart that is interrupted, even twice, leaves nothing behind', async () => {
  const temporary = mkdtempSync(join(folder, 'temporary-'));
  const child = spawn(process.execPath, [PROGRAM, 'quickstart'], {
    env: { ...environment, TMPDIR: temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  await once(child.stderr, 'data');
  child.kill('SIGINT');
  child.kill('SIGINT');
  assert.deepEqual(await ended, [1, null]);
  assert.deepEqual(readdirSync(temporary), []);
});

test('the quickstart ends with the right transcript and its cost', async () => {
  const { code, stdout, stderr } = await earshot('quickstart');
  assert.equal(code, 0, stderr);
  const reply = JSON.parse(stdout) as { text: string; cost_usd: string; engine: string };
  assert.match(reply.text, /how much there might be prudently in his power to do for them/i);
  assert.ok(Number(reply.cost_usd) > 0);
});
