/**
 * Random histories of jobs, of processes that work on them and die, and of callers who cancel, told to the database and to a
 * model of a few lines. After each step both must give the same answer; at the end each completed job has been charged
 * once, no other job was charged, and each that ended owes its webhook once.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { meteredAt, openTemporaryLedger, type TemporaryLedger } from '../billing/temporary-ledger.ts';
import { verifyLedger } from '../billing/verify.ts';
import { AppError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { ATTEMPTS_MAX, createJobClaims, type ClaimedJob, type JobClaims } from '../jobs/job-claims.ts';
import { createJobStore, type JobStore } from '../jobs/job-store.ts';
import { deferredCall } from '../jobs/temporary-jobs.ts';
import { testOnEach } from '../store/test-on-each.ts';

const RUNS =
  process.env['EARSHOT_TEST_FULL'] === undefined ? { sqlite: 200, postgres: 60 } : { sqlite: 2_000, postgres: 300 };

const RESULT_MS = 3_600_000_000;
const PROCESSES = 2;
const RETRY_MS = 1_000;

const of = <Name extends string>(name: Name) => fc.record({ do: fc.constant(name), who: fc.nat(), which: fc.nat() });
const step = fc.oneof(
  { weight: 5, arbitrary: of('add') },
  { weight: 6, arbitrary: of('claim') },
  { weight: 4, arbitrary: of('complete') },
  { weight: 2, arbitrary: of('fail') },
  { weight: 2, arbitrary: of('retry') },
  { weight: 1, arbitrary: of('give-back') },
  { weight: 2, arbitrary: of('cancel') },
  { weight: 2, arbitrary: of('crash') },
  { weight: 3, arbitrary: of('recover') },
  { weight: 2, arbitrary: of('pass') },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface ModelJob {
  readonly jobId: string;
  status: string;
  attempts: number;
  nextAt: number;
  owner: string | null;
}

/** A claim as its process has it; that may be dead by now, or have lost the job. */
interface ModelClaim {
  readonly process: ModelProcess;
  readonly claimed: ClaimedJob;
}

interface ModelProcess {
  readonly instanceId: string;
  readonly claims: JobClaims;
  live: boolean;
}

class History {
  readonly #money: TemporaryLedger;
  readonly #key: { accountId: string; keyId: string };
  readonly #store: JobStore;
  readonly #jobs: ModelJob[] = [];
  readonly #claims: ModelClaim[] = [];
  readonly #processes: ModelProcess[] = [];

  constructor(money: TemporaryLedger, key: { accountId: string; keyId: string }) {
    this.#money = money;
    this.#key = key;
    const limits = { waitingMax: 1_000, waitingBytesMax: 2 ** 30, resultMs: RESULT_MS };
    this.#store = createJobStore({ ...money, limits });
  }

  async begin(): Promise<void> {
    for (let index = 0; index < PROCESSES; index += 1) this.#processes.push(await this.#newProcess());
  }

  async take({ do: what, who, which }: Step): Promise<void> {
    const process = this.#processes[who % PROCESSES];
    const job = this.#jobs[which % Math.max(this.#jobs.length, 1)];
    const claim = this.#claims[which % Math.max(this.#claims.length, 1)];
    assert.ok(process !== undefined);
    if (what === 'add') return this.#add();
    if (what === 'claim') return this.#claim(process);
    if (what === 'crash') return this.#crash(who % PROCESSES);
    if (what === 'recover') return this.#recover(process);
    if (what === 'pass') return this.#money.pass(RETRY_MS / 2);
    if (what === 'cancel') return job === undefined ? undefined : this.#cancel(job);
    if (claim !== undefined) await this.#end(what, claim);
  }

  /** What must be true after every history. */
  async check(): Promise<void> {
    const { db } = this.#money;
    const rows = await db.selectFrom('job').selectAll().where('account_id', '=', this.#key.accountId).execute();
    const charged = await db
      .selectFrom('transfer')
      .innerJoin('hold', 'hold.hold_id', 'transfer.hold_id')
      .select('hold.request_id')
      .where('kind', '=', 'settle')
      .where('hold.account_id', '=', this.#key.accountId)
      .execute();
    const completed = rows.filter(({ status }) => status === 'completed');
    assert.deepEqual(
      charged.map(({ request_id: id }) => id).toSorted(),
      completed.map(({ request_id: id }) => id).toSorted(),
    );
    const ended = rows.filter(({ completed_at: at }) => at !== null).map(({ job_id: id }) => id);
    const owed = await db
      .selectFrom('webhook_delivery')
      .select('job_id')
      .where('account_id', '=', this.#key.accountId)
      .execute();
    assert.deepEqual(owed.map(({ job_id: id }) => id).toSorted(), ended.toSorted());
    const inputs = await db
      .selectFrom('job_input')
      .innerJoin('job', 'job.job_id', 'job_input.job_id')
      .select('job.completed_at')
      .where('account_id', '=', this.#key.accountId)
      .execute();
    assert.deepEqual(
      [inputs.length, inputs.every(({ completed_at: at }) => at === null)],
      [rows.length - ended.length, true],
    );
    const seen = rows.map((row) => [
      row.job_id,
      { status: row.status, attempts: row.attempts, owner: row.instance_id },
    ]);
    const expected = this.#jobs.map(({ jobId, status, attempts, owner }) => [jobId, { status, attempts, owner }]);
    assert.deepEqual(Object.fromEntries(seen), Object.fromEntries(expected));
  }

  async #newProcess(): Promise<ModelProcess> {
    const instanceId = newId('ins');
    const lease = { instance_id: instanceId, lease_until: Number.MAX_SAFE_INTEGER };
    await this.#money.db.insertInto('instance').values(lease).execute();
    return { instanceId, claims: createJobClaims({ ...this.#money, instanceId, resultMs: RESULT_MS }), live: true };
  }

  async #add(): Promise<void> {
    let jobId = '';
    const nextAt = this.#money.clock.now();
    await this.#store.add(deferredCall(this.#key, 'https://example.com/hook'), (id) => (jobId = id));
    this.#jobs.push({ jobId, status: 'queued', attempts: 0, nextAt, owner: null });
    this.#money.pass(1);
  }

  async #claim(process: ModelProcess): Promise<void> {
    const due = this.#jobs
      .filter(({ status, nextAt }) => status === 'queued' && nextAt <= this.#money.clock.now())
      .toSorted((one, other) => one.nextAt - other.nextAt || (one.jobId < other.jobId ? -1 : 1));
    const claimed = await process.claims.claim();
    const [next] = due;
    assert.equal(claimed?.jobId, next?.jobId);
    if (claimed === null || next === undefined) return;
    Object.assign(next, { status: 'running', attempts: next.attempts + 1, owner: process.instanceId });
    assert.equal(claimed.attempts, next.attempts);
    this.#claims.push({ process, claimed });
  }

  async #end(what: 'complete' | 'fail' | 'retry' | 'give-back', { process, claimed }: ModelClaim): Promise<void> {
    const job = this.#jobs.find(({ jobId }) => jobId === claimed.jobId);
    assert.ok(job !== undefined);
    const { claims } = process;
    const isOwn = job.status === 'running' && job.owner === process.instanceId && job.attempts === claimed.attempts;
    const now = this.#money.clock.now();
    switch (what) {
      case 'complete':
        assert.equal(await this.#settle(claims, claimed), isOwn);
        if (isOwn) Object.assign(job, { status: 'completed', owner: null });
        return;
      case 'fail':
        assert.equal(await claims.fail(claimed, new AppError('engine_failed')), isOwn);
        if (isOwn) Object.assign(job, { status: 'failed', owner: null });
        return;
      case 'retry':
        assert.equal(await claims.putBack(claimed, RETRY_MS, true), isOwn);
        if (isOwn) Object.assign(job, { status: 'queued', owner: null, nextAt: now + RETRY_MS });
        return;
      case 'give-back':
        assert.equal(await claims.putBack(claimed, 0, false), isOwn);
        if (isOwn) Object.assign(job, { status: 'queued', owner: null, nextAt: now, attempts: job.attempts - 1 });
    }
  }

  /** Also a process that is dead by now may still come to its settlement. */
  async #settle(claims: JobClaims, claimed: ClaimedJob): Promise<boolean> {
    await using hold = await this.#money.ledger.hold(claimed.call, 10n);
    const reply = { keeper: claims.keeper(claimed), render: () => '{"text":""}' };
    // Awaited here: the hold is voided as soon as this function returns.
    return await this.#money.ledger.settle(hold, meteredAt(3n), reply).then(
      () => true,
      (error: AppError) => {
        assert.match(error.detail ?? '', /had ended/);
        return false;
      },
    );
  }

  async #cancel(job: ModelJob): Promise<void> {
    const isOpen = job.status === 'queued' || job.status === 'running';
    const canceled = await this.#store.cancel(this.#key.accountId, job.jobId).then(
      () => true,
      (error: AppError) => {
        assert.equal(error.code, 'job_not_cancelable');
        return false;
      },
    );
    assert.equal(canceled, isOpen);
    if (isOpen) Object.assign(job, { status: 'canceled', owner: null });
  }

  /** Another process takes its place; what the dead one claimed is left as it is. */
  async #crash(index: number): Promise<void> {
    const dead = this.#processes[index];
    assert.ok(dead !== undefined);
    dead.live = false;
    await this.#money.db.deleteFrom('instance').where('instance_id', '=', dead.instanceId).execute();
    this.#processes[index] = await this.#newProcess();
  }

  async #recover(process: ModelProcess): Promise<void> {
    const living = new Set(this.#processes.map(({ instanceId }) => instanceId));
    const own = this.#jobs.filter(({ status, owner }) => status === 'running' && owner === process.instanceId);
    const failed = await process.claims.recover(new Set(own.map(({ jobId }) => jobId)));
    const now = this.#money.clock.now();
    let failures = 0;
    for (const job of this.#jobs) {
      if (job.status !== 'running' || living.has(job.owner ?? '')) continue;
      const isLast = job.attempts >= ATTEMPTS_MAX;
      if (isLast) failures += 1;
      Object.assign(job, { status: isLast ? 'failed' : 'queued', owner: null, nextAt: now });
    }
    assert.equal(failed.length, failures);
  }
}

testOnEach(
  'whatever crashes between, a job ends once, is charged once or not at all, and owes its webhook once',
  async (database) => {
    await using money = await openTemporaryLedger(database);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
        // Each history has an account of its own; what an earlier one left open must not be met here.
        await money.db
          .updateTable('job')
          .set({ status: 'queued', instance_id: null, next_at: Number.MAX_SAFE_INTEGER })
          .where('completed_at', 'is', null)
          .execute();
        const history = new History(money, await newAccount(money));
        await history.begin();
        for (const one of steps) await history.take(one);
        await history.check();
      }),
      { numRuns: RUNS[database] },
    );
    assert.deepEqual((await verifyLedger(money.db)).differences, []);
  },
);

async function newAccount({ db, clock }: TemporaryLedger): Promise<{ accountId: string; keyId: string }> {
  const [accountId, keyId, capGroupId] = [newId('acc'), newId('key'), newId('cap')];
  await db.insertInto('account').values({ account_id: accountId, name: '', created_at: clock.now() }).execute();
  await db.insertInto('cap_group').values({ cap_group_id: capGroupId, cap_nano_usd: null }).execute();
  const key = { key_id: keyId, account_id: accountId, cap_group_id: capGroupId, kind: 'wholesale' as const };
  await db
    .insertInto('api_key')
    .values({ ...key, name: '', secret_digest: '', last_four: '', created_at: clock.now() })
    .execute();
  return { accountId, keyId };
}
