import { sql } from 'kysely';
import { DAY_MS, monthOf } from '../billing/month.ts';
import { NO_SUMS, type Sums } from '../billing/sums.ts';
import type { Db } from '../store/store.ts';
import { SUMS, toTotals, type UsageTotals } from './usage-chart.ts';

/** What each model was used for in this month. */
export async function monthByModel(
  db: Db,
  accountId: string | null,
  now: number,
): Promise<(model: string) => UsageTotals> {
  const firstDay = Date.parse(`${monthOf(now)}-01`) / DAY_MS;
  const { rows } = await sql<Sums & { errors: number; model: string }>`select model, ${SUMS} from account_day
    where day >= ${firstDay} and ${accountId === null ? sql`true` : sql`account_id = ${accountId}`}
    group by 1`.execute(db);
  const totals = new Map(rows.map((row) => [row.model, toTotals(row)]));
  const nothing = toTotals({ ...NO_SUMS, errors: 0 });
  return (model) => totals.get(model) ?? nothing;
}
