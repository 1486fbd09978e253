/**
 * Holds and settlements by 64 callers, each with a key of its own and all with one, beside the bare commit rate of the same
 * database on the same disk in the same run: one connection that inserts one row for each commit.
 */
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import pg from 'pg';
import { callOf, meteredAt, openTemporaryLedger, type TemporaryLedger } from '../billing/temporary-ledger.ts';
import { DATABASES, postgresUrl, temporaryDatabase, type DatabaseName } from '../store/temporary-store.ts';
import { percentile, type Bench, type Figure } from './figure.ts';

const CALLERS = 64;
const MEASURE_MS = 5_000;
const WARM_UP_MS = 1_000;

export const ledgerBench: Bench = {
  name: 'ledger',
  async run() {
    // Whoever asks first decides how it is started: the ledger's own database below lies in this one too.
    const postgres = await postgresUrl('--durable');
    const figures: Figure[] = [];
    for (const database of DATABASES) figures.push(...(await measure(database, postgres)));
    return figures;
  },
};

async function measure(database: DatabaseName, postgres: string): Promise<Figure[]> {
  const commitsPerSecond = await (database === 'sqlite' ? bareSqlite() : barePostgres(postgres));
  await using money = await openTemporaryLedger(database);
  const keys = await Promise.all(Array.from({ length: CALLERS }, async () => (await money.newKey(null)).keyId));
  await callers(money, keys, WARM_UP_MS);
  const apart = await callers(money, keys, MEASURE_MS);
  const oneKey = await callers(money, keys.slice(0, 1), MEASURE_MS);
  const figure = (quantity: string, value: number, unit: string): Figure => ({
    subject: database,
    quantity,
    value,
    unit,
  });
  return [
    figure('bare commits', commitsPerSecond, '1/s'),
    ...[apart, oneKey].flatMap(({ holdMs, settleMs, seconds }, index) => {
      const how = index === 0 ? `${CALLERS} keys` : 'one key';
      const perSecond = (holdMs.length + settleMs.length) / seconds;
      return [
        figure(`holds + settlements, ${how}`, perSecond, '1/s'),
        figure(`for each bare commit, ${how}`, perSecond / commitsPerSecond, ''),
        figure(`hold, ${how}, p50`, percentile(holdMs, 0.5), 'ms'),
        figure(`hold, ${how}, p99`, percentile(holdMs, 0.99), 'ms'),
        figure(`settlement, ${how}, p50`, percentile(settleMs, 0.5), 'ms'),
        figure(`settlement, ${how}, p99`, percentile(settleMs, 0.99), 'ms'),
      ];
    }),
  ];
}

/** @param keys dealt out to the callers in turn. */
async function callers(money: TemporaryLedger, keys: readonly string[], ms: number) {
  const holdMs: number[] = [];
  const settleMs: number[] = [];
  const start = performance.now();
  const caller = async (keyId: string): Promise<void> => {
    while (performance.now() - start < ms) {
      const asked = performance.now();
      const hold = await money.ledger.hold(callOf(keyId), 100n);
      const held = performance.now();
      await money.ledger.settle(hold, meteredAt(7n));
      holdMs.push(held - asked);
      settleMs.push(performance.now() - held);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => caller(keys[index % keys.length] ?? '')));
  return { holdMs, settleMs, seconds: (performance.now() - start) / 1000 };
}

async function bareSqlite(): Promise<number> {
  await using empty = await temporaryDatabase('sqlite');
  const database = new Database(empty.url.slice('sqlite:'.length));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('create table bare (id integer primary key, value text) strict');
  const insert = database.prepare('insert into bare (value) values (?)');
  const perSecond = await rate(async () => void insert.run('one row'));
  database.close();
  return perSecond;
}

async function barePostgres(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('create table bare (id bigserial primary key, value text)');
  const insert = { name: 'insert', text: 'insert into bare (value) values ($1)', values: ['one row'] };
  const perSecond = await rate(() => client.query(insert));
  await client.query('drop table bare');
  await client.end();
  return perSecond;
}

async function rate(commit: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let commits = 0;
  while (performance.now() - start < MEASURE_MS) {
    await commit();
    commits += 1;
  }
  return commits / ((performance.now() - start) / 1000);
}
