/**
 * What calls were about: where their audio came from, and what was said in it. Kept for no call, unless the operator turned
 * that on, and then for some days.
 */
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Db } from '../store/store.ts';
import { DAY_MS } from './month.ts';
import type { Call } from './request-log.ts';

export interface CallContent {
  /** The whole URL that the caller gave; null where the audio came with the call, or where URLs are not kept. */
  readonly url: string | null;
  /** Null for a call that was not answered, or where transcripts are not kept. */
  readonly transcript: string | null;
}

export interface KeptContent {
  readonly urls: boolean;
  readonly transcripts: boolean;
  /** How long after the call. */
  readonly days: number;
}

export interface RequestContent {
  /** Keeps what of it is to be kept; what comes later for the same call is added. */
  keep(call: Pick<Call, 'requestId'>, content: Partial<CallContent>): Promise<void>;
  forgetExpired(): Promise<void>;
}

export interface RequestContentOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly kept: KeptContent;
}

export function createRequestContent({ db, clock, kept }: RequestContentOptions): RequestContent {
  return {
    async keep({ requestId }, content) {
      const url = kept.urls ? (content.url ?? null) : null;
      const transcript = kept.transcripts ? (content.transcript ?? null) : null;
      if (url === null && transcript === null) return;
      await sql`
        insert into request_content (request_id, url, transcript, forget_at)
        values (${requestId}, ${url}, ${transcript}, ${clock.now() + kept.days * DAY_MS})
        on conflict (request_id) do update set url = coalesce(excluded.url, request_content.url),
          transcript = coalesce(excluded.transcript, request_content.transcript)`.execute(db);
    },

    async forgetExpired() {
      await db.deleteFrom('request_content').where('forget_at', '<=', clock.now()).execute();
    },
  };
}

/** Null where nothing is kept of the call. */
export async function contentOf(db: Db, requestId: string): Promise<CallContent | null> {
  const row = await db
    .selectFrom('request_content')
    .select(['url', 'transcript'])
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  return row ?? null;
}
