import type { ReactNode } from 'react';
import type { ChargeExplained, RequestDetail, TimelineStep } from '../../../src/http/api/contract.ts';
import { showCount, showDiscount, showExactSeconds, showMs } from '../format.ts';
import { useApi } from '../query.ts';
import { CopyButton } from '../ui/copy.tsx';
import { Link } from '../ui/link.tsx';
import { Mark, StatusMark } from '../ui/marks.tsx';
import { Empty, ErrorNote, Skeleton } from '../ui/notes.tsx';
import { Card, Facts, PageHead } from '../ui/page.tsx';
import { Money, Time } from '../ui/values.tsx';
import { codeText, t, warningText, type Sentence } from '../words/words.ts';

export default function OneRequest({ id }: { id: string }): ReactNode {
  const { data, error, refetch } = useApi<RequestDetail>(`/requests/${encodeURIComponent(id)}`);
  return (
    <>
      <p className="mb-2">
        <Link to="/requests" className="text-muted hover:text-accent">
          ← {t('Requests')}
        </Link>
      </p>
      <PageHead title={t('Request')}>
        <code className="font-mono text-xs break-all text-muted">{id}</code>
        <CopyButton text={id} label={t('Copy the id')} />
      </PageHead>
      <ErrorNote error={error} again={() => void refetch()} />
      {data === undefined && error === null && (
        <Card>
          <Skeleton lines={10} />
        </Card>
      )}
      {data !== undefined && (
        <div className="grid gap-4 lg:grid-cols-2">
          <Outcome row={data} />
          <Timeline row={data} />
          <Charge row={data} />
          {data.content !== null && <Content content={data.content} />}
        </div>
      )}
    </>
  );
}

function Outcome({ row }: { row: RequestDetail }): ReactNode {
  return (
    <Card title={t('What was called')}>
      {row.message !== null && (
        <p className="mx-4 mt-2 rounded-lg bg-warn-soft px-3 py-2 text-warn">{codeText(row.code, row.message)}</p>
      )}
      <Facts
        rows={[
          [t('Answer'), <StatusMark key="" status={row.status} code={row.code} />],
          [t('Time'), <Time key="" at={row.started_at} how="second" />],
          [t('Account'), row.account.name],
          [
            t('Key'),
            <Link key="" to="/requests" query={{ key: row.key.key_id }}>
              {row.key.name} …{row.key.last_four}
            </Link>,
          ],
          [t('Model'), row.model ?? '—'],
          [t('Engine'), row.engines.length > 1 ? row.engines.join(', ') : (row.engine ?? '—')],
          [t('Audio'), showExactSeconds(row.audio_seconds)],
          [t('Input tokens'), showCount(row.input_tokens)],
          [
            t('Output tokens'),
            <span key="">
              {showCount(row.output_tokens)} {row.estimated && <Mark>{t('counted here')}</Mark>}
            </span>,
          ],
          ...(row.warnings.length > 0
            ? [
                [
                  t('Warnings'),
                  <span key="" className="flex flex-wrap gap-x-2 gap-y-1">
                    {row.warnings.map((code) => (
                      <span key={code}>
                        <Mark tone="warn">{code}</Mark> {warningText(code)}
                      </span>
                    ))}
                  </span>,
                ] as const,
              ]
            : []),
          ...(row.client_request_id === null ? [] : [[t("The caller's label"), row.client_request_id] as const]),
          ...(row.user_id === null ? [] : [[t("The caller's user"), row.user_id] as const]),
          ...(row.job_id === null
            ? []
            : [
                [
                  t('Job'),
                  <code key="" className="font-mono text-xs">
                    {row.job_id}
                  </code>,
                ] as const,
              ]),
        ]}
      />
    </Card>
  );
}

const STEPS: readonly (readonly [TimelineStep, Sentence, string])[] = [
  ['download', 'download', 'var(--chart-3)'],
  ['decode', 'decode', 'var(--chart-6)'],
  ['detect', 'find speech', 'var(--chart-5)'],
  ['queue', 'wait for an engine', 'var(--chart-7)'],
  ['engine', 'recognise', 'var(--chart-1)'],
  ['settle', 'settle the charge', 'var(--chart-2)'],
];

/** The steps one after the other, each as long as it took. */
function Timeline({ row }: { row: RequestDetail }): ReactNode {
  const total = STEPS.reduce((sum, [step]) => sum + (row.timeline[step] ?? 0), 0);
  let before = 0;
  return (
    <Card
      title={t('Where the time went')}
      {...(row.took_ms === null ? {} : { about: t('{time} in all', { time: showMs(row.took_ms) }) })}
    >
      {total === 0 && STEPS.every(([step]) => row.timeline[step] === null) ? (
        <Empty title={t('No step was timed')}>{t('The call ended before its audio was opened.')}</Empty>
      ) : (
        <ol className="space-y-2.5 px-4 py-3">
          {STEPS.map(([step, name, colour]) => {
            const ms = row.timeline[step];
            const start = before;
            before += ms ?? 0;
            const share = (value: number): number => (total === 0 ? 0 : (value / total) * 100);
            return (
              <li key={step} className="grid grid-cols-[8.5rem_1fr_4.5rem] items-center gap-3">
                <span className={ms === null ? 'text-muted' : ''}>{t(name)}</span>
                <span className="relative h-4 rounded bg-raised">
                  {ms !== null && (
                    <span
                      className="absolute inset-y-0 min-w-[2px] rounded"
                      style={{ left: `${share(start)}%`, width: `${share(ms)}%`, background: colour }}
                    />
                  )}
                </span>
                <span className="text-right text-muted">{ms === null ? '—' : showMs(ms)}</span>
              </li>
            );
          })}
        </ol>
      )}
    </Card>
  );
}

function Charge({ row }: { row: RequestDetail }): ReactNode {
  const { charge } = row;
  return (
    <Card title={t('What it cost')} className="lg:col-span-2" {...(charge === null ? {} : { about: termsOf(charge) })}>
      {charge === null ? (
        <Empty title={t('Nothing was charged')}>
          {t('Errors, refusals and cancelled calls cost nothing and leave no hold.')}
        </Empty>
      ) : (
        <Arithmetic charge={charge} />
      )}
    </Card>
  );
}

function Content({ content: { url, transcript } }: { content: NonNullable<RequestDetail['content']> }): ReactNode {
  return (
    <Card
      title={t('What it was about')}
      about={t('The operator of this server keeps it for a while.')}
      className="lg:col-span-2"
    >
      <Facts
        rows={[
          ...(url === null
            ? []
            : [
                [
                  t('Address of the audio'),
                  <code key="" className="font-mono text-xs break-all">
                    {url}
                  </code>,
                ] as const,
              ]),
          ...(transcript === null
            ? []
            : [
                [
                  t('Text'),
                  <p key="" className="whitespace-pre-wrap">
                    {transcript}
                  </p>,
                ] as const,
              ]),
        ]}
      />
    </Card>
  );
}

function termsOf(charge: ChargeExplained): string {
  return [
    t('version {version} of the price', { version: charge.price_version }),
    charge.contract === null ? null : t('version {version} of the contract', { version: charge.contract.version }),
    charge.key_terms === null ? null : t("version {version} of the key's tiers", { version: charge.key_terms.version }),
    charge.list_spend_before_usd === null
      ? null
      : t('${amount} of list spend before it', { amount: charge.list_spend_before_usd }),
  ]
    .filter((part) => part !== null)
    .join(' · ');
}

const ITEMS: Readonly<Record<string, Sentence>> = {
  input_tokens: 'Input tokens',
  output_tokens: 'Output tokens',
  audio_milliseconds: 'Milliseconds of audio',
};

function Arithmetic({ charge }: { charge: ChargeExplained }): ReactNode {
  return (
    <div className="relative overflow-x-auto pb-2" tabIndex={0} role="region" aria-label={t('What it cost')}>
      <table className="data-table">
        <thead>
          <tr>
            <th scope="col">{t('Line')}</th>
            <th scope="col" className="number">
              {t('Quantity')}
            </th>
            <th scope="col" className="number">
              {t('Price')}
            </th>
            <th scope="col" className="number">
              {t('At list price')}
            </th>
            <th scope="col" className="number">
              {t('Discount')}
            </th>
            <th scope="col" className="number">
              {t('Cost')}
            </th>
          </tr>
        </thead>
        <tbody>
          {charge.lines.map((line) => (
            <tr key={line.item}>
              <td>{ITEMS[line.item] === undefined ? line.item : t(ITEMS[line.item] as Sentence)}</td>
              <td className="number">{showCount(line.quantity)}</td>
              <td className="number">
                ${line.price_usd} <span className="text-muted">/ {showCount(line.price_quantity)}</span>
              </td>
              <td className="number">
                <Money usd={line.list_usd} digits={9} />
              </td>
              <td className="number">
                {line.parts.map((part) => (
                  <div key={`${part.discount_bps} ${part.list_usd}`}>
                    {showDiscount(part.discount_bps)}
                    {line.parts.length > 1 && (
                      <span className="text-muted">
                        {' '}
                        {t('of')} ${part.list_usd}
                      </span>
                    )}
                  </div>
                ))}
              </td>
              <td className="number">
                <Money usd={line.cost_usd} digits={9} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="border-t-2 border-line font-semibold">
            <td colSpan={3}>{t('Total')}</td>
            <td className="number">
              <Money usd={charge.list_usd} digits={9} />
            </td>
            <td />
            <td className="number">
              <Money usd={charge.cost_usd} digits={9} />
            </td>
          </tr>
          <tr>
            <td colSpan={5} className="text-muted">
              {t('Held before the engine started')}
            </td>
            <td className="number text-muted">
              <Money usd={charge.held_usd} digits={9} />
            </td>
          </tr>
          <tr>
            <td colSpan={5} className="font-medium">
              {t('Charged, as the ledger has it')}{' '}
              {charge.matches ? (
                <Mark tone="good">{t('the arithmetic agrees')}</Mark>
              ) : (
                <Mark tone="bad">{t('the arithmetic does not agree: run “earshot ledger verify”')}</Mark>
              )}
            </td>
            <td className="number font-semibold">
              <Money usd={charge.charged_usd} digits={9} />
            </td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
