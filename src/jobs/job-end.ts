/** How a job ends: once, and in one transaction with its result, the end of its input, and the webhook that it owes. */
import { sql, type CompiledQuery } from 'kysely';
import { newId } from '../core/ids.ts';
import type { Db } from '../store/store.ts';

/** Which job may end: that of a caller who cancels it, or the very try that a process works on. */
export type Ending =
  | { readonly jobId: string; readonly accountId: string }
  | { readonly jobId: string; readonly instanceId: string; readonly attempts: number };

export interface End {
  readonly status: 'completed' | 'failed' | 'canceled';
  readonly result: string | null;
  readonly error: string | null;
  readonly now: number;
  readonly expiresAt: number;
}

/** Changes no row where the job has ended already, or where another process has it by now. */
export function endJob(db: Db, ending: Ending, { now, expiresAt, ...end }: End): CompiledQuery {
  const update = db
    .updateTable('job')
    .set({ ...end, instance_id: null, input_bytes: 0, completed_at: now, expires_at: expiresAt })
    .where('job_id', '=', ending.jobId);
  if ('accountId' in ending) {
    return update.where('account_id', '=', ending.accountId).where('status', 'in', ['queued', 'running']).compile();
  }
  return update
    .where('status', '=', 'running')
    .where('instance_id', '=', ending.instanceId)
    .where('attempts', '=', ending.attempts)
    .compile();
}

export function dropInput(db: Db, jobId: string): CompiledQuery {
  return db.deleteFrom('job_input').where('job_id', '=', jobId).compile();
}

/** Changes no row for a job without a webhook. */
export function oweWebhook(db: Db, jobId: string, now: number): CompiledQuery {
  return sql`
    insert into webhook_delivery (delivery_id, job_id, account_id, state, tries, next_at, created_at)
    select ${newId('dlv')}, job_id, account_id, 'pending', 0, ${now}, ${now}
    from job where job_id = ${jobId} and webhook_url is not null`.compile(db);
}
