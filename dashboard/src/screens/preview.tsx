import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import type { ChangePreview } from '../../../src/http/api/contract.ts';
import { post } from '../api.ts';
import { fromNano, showCount, showMonth, toNano } from '../format.ts';
import { ErrorNote } from '../ui/notes.tsx';
import { Money } from '../ui/values.tsx';
import { t } from '../words/words.ts';

const PAUSE_MS = 400;
const ACCOUNTS_MAX = 5;

/** What last month would have come to, once somebody has paused in typing. */
export function usePreview(path: string, request: unknown, complete: boolean): UseQueryResult<ChangePreview> {
  const wanted = JSON.stringify(request);
  const [asked, setAsked] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [wanted]);
  return useQuery({
    queryKey: [path, asked],
    queryFn: () => post<ChangePreview>(path, JSON.parse(asked)),
    enabled: complete && asked === wanted,
    placeholderData: keepPreviousData,
  });
}

export function Preview({ preview: { data, error } }: { preview: UseQueryResult<ChangePreview> }): ReactNode {
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <div className="h-28 rounded-lg bg-raised" />;
  return (
    <section className="min-h-28 rounded-lg bg-raised p-3.5" aria-live="polite">
      <h3 className="font-medium">{t('Had it counted in {month}', { month: showMonth(data.month) })}</h3>
      {data.requests === 0 ? (
        <p className="mt-1 text-muted">{t('Nothing was called in that month: there is nothing to compare with.')}</p>
      ) : (
        <table className="data-table mt-1">
          <thead>
            <tr>
              <th scope="col">{t('{amount} requests', { amount: showCount(data.requests) })}</th>
              <th scope="col" className="number">
                {t('was')}
              </th>
              <th scope="col" className="number">
                {t('would have been')}
              </th>
              <th scope="col" className="number">
                {t('difference')}
              </th>
            </tr>
          </thead>
          <tbody>
            <Row name={t('Cost')} before={data.cost_usd_before} after={data.cost_usd_after} />
            <Row name={t('At list price')} before={data.list_usd_before} after={data.list_usd_after} />
            {data.accounts.slice(0, ACCOUNTS_MAX).map((account) => (
              <Row
                key={account.account_id}
                name={account.name}
                before={account.cost_usd_before}
                after={account.cost_usd_after}
              />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Row({ name, before, after }: { name: string; before: string; after: string }): ReactNode {
  const difference = toNano(after) - toNano(before);
  return (
    <tr>
      <td className="max-w-40 truncate">{name}</td>
      <td className="number">
        <Money usd={before} />
      </td>
      <td className="number">
        <Money usd={after} />
      </td>
      <td className={`number ${difference === 0n ? 'text-muted' : ''}`}>
        {difference > 0n && '+'}
        <Money usd={fromNano(difference)} />
      </td>
    </tr>
  );
}
