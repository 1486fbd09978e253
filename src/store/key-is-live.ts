import { sql, type RawBuilder, type SqlBool } from 'kysely';

/**
 * The one condition on a row of `api_key` under which the key may be used at the instant `nowMs`. A revocation counts
 * whatever the clocks say: the process that made it and the one that asks may differ by seconds.
 */
export function keyIsLive(nowMs: number): RawBuilder<SqlBool> {
  return sql<SqlBool>`api_key.revoked_at is null
    and (api_key.retires_at is null or api_key.retires_at > ${nowMs})
    and (api_key.expires_at is null or api_key.expires_at > ${nowMs})`;
}
