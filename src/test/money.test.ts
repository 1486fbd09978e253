/** Money through the real surface: idempotency keys, discounts, statements, the records of calls, and what a kill leaves. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { serveRecordings, startServer, type RunningServer } from './running-server.ts';

const KILLS = process.env['EARSHOT_TEST_FULL'] === undefined ? 2 : 20;

async function start() {
  const files = await serveRecordings();
  const server = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
  return {
    files,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

function post(server: RunningServer, key: string, audio: string, idempotencyKey: string, more = {}): Promise<Response> {
  return fetch(`${server.url}/v1/run`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': idempotencyKey,
    },
    body: JSON.stringify({ model: 'glm/glm-asr-2512', inputs: { audio }, ...more }),
  });
}

async function json(server: RunningServer, ...words: string[]) {
  const { code, stdout, stderr } = await server.earshot(...words, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** Rows of the server's database, which commands don't show. */
function query<Row>({ dataDirectory }: RunningServer, statement: string, ...values: unknown[]): Row[] {
  const database = new Database(join(dataDirectory, 'earshot.db'), { readonly: true });
  try {
    return database.prepare<unknown[], Row>(statement).all(...values);
  } finally {
    database.close();
  }
}

test('of 50 simultaneous calls with one key one is charged; the others are told to wait, and get its very bytes afterwards', async () => {
  await using running = await start();
  const { server, files } = running;
  const { key } = await server.createKey('--concurrency', '100');
  // The first call has its audio only once all the others have been answered.
  const slow = files.url('slow');
  const asked = new Promise<ServerResponse>((resolve) => files.serve('slow', (_, response) => resolve(response)));
  const calls = Array.from({ length: 50 }, () => post(server, key, slow, 'order-7'));
  const others: Response[] = [];
  await new Promise<void>((all) => {
    for (const call of calls) {
      void call.then((response) => {
        if (response.status === 409) others.push(response);
        if (others.length === 49) all();
      });
    }
  });
  assert.ok(others.every((response) => Number(response.headers.get('retry-after')) >= 1));
  for (const response of others) {
    assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'idempotency_in_progress');
  }
  files.send('go-forward.wav', await asked);
  const first = (await Promise.all(calls)).find(({ status }) => status === 200);
  assert.ok(first !== undefined);
  const bytes = Buffer.from(await first.arrayBuffer());
  const again = await Promise.all(Array.from({ length: 5 }, () => post(server, key, slow, 'order-7')));
  for (const response of again) {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-earshot-engine'), 'embedded');
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes));
  }
  const reused = await post(server, key, slow, 'order-7', { user_id: 'somebody' });
  assert.equal(reused.status, 422);
  const { cost_usd: cost } = JSON.parse(bytes.toString()) as { cost_usd: string };
  assert.equal((await server.keyStatus(key)).spent_usd, cost);
  const usage = await fetch(`${server.url}/v1/usage`, { headers: { 'x-api-key': key } });
  const { total } = (await usage.json()) as { total: { requests: number; errors: number; cost_usd: string } };
  assert.deepEqual([total.requests, total.errors, total.cost_usd], [56, 50, cost]);
  assert.deepEqual((await server.verify()).differences, []);
});

test('a call that failed gives its idempotency key free', async () => {
  await using running = await start();
  const { server, files } = running;
  const { key } = await server.createKey();
  let broken = true;
  const flaky = files.serve('flaky', (_, response) => {
    if (broken) response.writeHead(500).end();
    else files.send('go-forward.wav', response);
  });
  assert.equal((await post(server, key, flaky, 'retry-me')).status, 422);
  broken = false;
  assert.equal((await post(server, key, flaky, 'retry-me')).status, 200);
});

test('discounts, tiers and prices set by commands are charged, explained, stated and recorded', async () => {
  await using running = await start();
  const { server, files } = running;
  const { account_id: account } = await json(
    server,
    'account',
    'create',
    '--name',
    'Acme, "Ltd"',
    '--discount-bps',
    '2000',
  );
  const { key, key_id: keyId } = await json(server, 'key', 'create', '--account', account, '--name', 'a,b');
  const call = async (): Promise<{ id: string; cost_usd: string }> => {
    const response = await server.run(key, files.url('go-forward.wav'));
    return (await response.json()) as { id: string; cost_usd: string };
  };
  const first = await call();
  const explained = await json(server, 'ledger', 'explain', first.id);
  assert.deepEqual(
    [explained.matches, explained.charged_usd, explained.contract.discount_bps],
    [true, first.cost_usd, 2_000],
  );
  assert.match(
    (await server.earshot('ledger', 'explain', first.id)).stdout,
    /x \(10000 - 2000\) \/ 10000[\s\S]*as computed/,
  );
  await json(server, 'account', 'set', account, '--tiers', '0.0000001:5000');
  await json(server, 'price', 'set', 'glm/glm-asr-2512', '--usd-per-second', '0.001');
  const second = await call();
  const tiered = await json(server, 'ledger', 'explain', second.id);
  assert.deepEqual([tiered.matches, tiered.price_version, tiered.contract.version], [true, 2, 2]);
  assert.equal(tiered.lines[0].parts[0].discount_bps, 5_000);
  const prices = (await json(server, 'price', 'list')).data as { model: string; version: number; current: boolean }[];
  assert.deepEqual(
    prices.filter(({ model }) => model === 'glm/glm-asr-2512').map(({ version, current }) => [version, current]),
    [
      [1, false],
      [2, true],
    ],
  );
  const month = new Date().toISOString().slice(0, 7);
  const stated = await json(server, 'statement', '--account', account, '--month', month);
  const settled = query<{ amount: number }>(
    server,
    "select sum(amount_nano_usd) as amount from transfer where kind = 'settle' and debit_account = ?",
    `account:${account}`,
  );
  assert.equal(BigInt(Math.round(Number(stated.total.cost_usd) * 1e9)), BigInt(settled[0]?.amount ?? -1));
  assert.deepEqual([stated.lines.length, stated.lines[0].key_id, stated.lines[0].requests], [1, keyId, 2]);
  const csv = (await server.earshot('statement', '--account', account, '--month', month, '--csv')).stdout;
  assert.match(csv, /^model,key_id,key_name,requests,.*\r\nglm\/glm-asr-2512,key_\w+,"a,b",2,/);
  const [row] = query<{ engines: string; warnings: string }>(
    server,
    'select * from request where request_id = ?',
    second.id,
  );
  assert.deepEqual([row?.engines, row?.warnings], ['["embedded"]', '["stand_in_engine"]']);
  const [times] = query<Record<string, number | null>>(
    server,
    'select * from request_timing where request_id = ?',
    first.id,
  );
  for (const step of ['download', 'decode', 'detect', 'queue', 'engine', 'settle']) {
    assert.ok(Number(times?.[`${step}_ms`] ?? -1) >= 0, `${step}: ${JSON.stringify(times)}`);
  }
  assert.deepEqual((await server.verify()).differences, []);
});

test(`after ${KILLS} kills under load every acknowledged 200 has one settlement of its amount and its kept reply, and nothing else is settled`, async () => {
  await using files = await serveRecordings();
  await using first = await startServer({ environment: { EARSHOT_FETCH_ALLOW: files.hostAndPort } });
  let server = first;
  const { key } = await server.createKey('--concurrency', '100');
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < KILLS; round += 1) {
    const target = acknowledged.size + 3 + 5 * (round % 3);
    let number = 0;
    const caller = async (): Promise<void> => {
      for (;;) {
        const response = await post(server, key, files.url('go-forward.wav'), `${round}-${(number += 1)}`).catch(
          () => null,
        );
        const body = response?.status === 200 ? await response.text().catch(() => null) : null;
        if (body === null) return;
        acknowledged.set((JSON.parse(body) as { id: string }).id, body);
        if (acknowledged.size === target) server.process.kill('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: 8 }, caller));
    await server.end('SIGKILL');
    server = await server.restart();
  }
  await using _last = server;
  const rows = query<{ request_id: string; amount: number; reply: string | null }>(
    server,
    `select hold.request_id, transfer.amount_nano_usd as amount, idempotency.reply
    from transfer join hold on hold.hold_id = transfer.hold_id
    left join idempotency on idempotency.request_id = hold.request_id where transfer.kind = 'settle'`,
  );
  const settled = new Map(rows.map((row) => [row.request_id, row]));
  assert.equal(settled.size, rows.length, 'no call is settled twice');
  for (const { request_id: id, amount, reply } of rows) {
    assert.ok(reply !== null, `${id} is settled but has no kept reply`);
    const { cost_usd: cost } = JSON.parse(reply) as { cost_usd: string };
    assert.equal(Math.round(Number(cost) * 1e9), amount);
  }
  for (const [id, body] of acknowledged) assert.equal(settled.get(id)?.reply, body);
  const { open_holds, differences } = await server.verify();
  assert.deepEqual([open_holds, differences], [0, []]);
});
