import { useState, type ReactNode } from 'react';
import type { EngineHealth, ModelPrice, Overview as Facts, Price, RequestRow } from '../../../src/http/api/contract.ts';
import { firstCall } from '../first-call.ts';
import { fromNano, showCount, showDiscount, showMonth, showMs, showSeconds, showShare, toNano } from '../format.ts';
import { go } from '../place.ts';
import { useAccountQuery, useApi, useMe } from '../query.ts';
import { Chart } from '../ui/chart.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { Link } from '../ui/link.tsx';
import { CapBar, Dot, Mark, StatusMark } from '../ui/marks.tsx';
import { Empty, ErrorNote, Skeleton } from '../ui/notes.tsx';
import { Card, Figure, PageHead } from '../ui/page.tsx';
import { Distance, Money, Time } from '../ui/values.tsx';
import { t } from '../words/words.ts';
import { buttonClass } from '../ui/button.tsx';

const DAYS = 30;

export function Overview(): ReactNode {
  const { data, error, refetch } = useApi<Facts>('/overview', useAccountQuery(), { refetchInterval: 60_000 });
  return (
    <>
      <PageHead title={t('Overview')} />
      {error !== null && data === undefined && <ErrorNote error={error} again={() => void refetch()} />}
      {data === undefined && error === null && (
        <Card>
          <Skeleton lines={12} />
        </Card>
      )}
      {data !== undefined && <Loaded facts={data} />}
    </>
  );
}

function Loaded({ facts }: { facts: Facts }): ReactNode {
  const me = useMe();
  return (
    <div className="grid gap-4 lg:grid-cols-3">
      {facts.live_keys === 0 && <FirstSteps role={me.role} />}
      <Spend facts={facts} />
      <Traffic facts={facts} />
      <div className="min-w-0 space-y-4 lg:col-span-2">
        <CostByDay facts={facts} />
        <Tail recent={facts.recent} />
      </div>
      <div className="min-w-0 space-y-4">
        <Prices prices={facts.prices} />
        <Engines engines={facts.engines} />
      </div>
    </div>
  );
}

function FirstSteps({ role }: { role: string }): ReactNode {
  return (
    <Card className="lg:col-span-3">
      <Empty title={t('There is no key yet')}>
        {role === 'viewer' ? (
          <p>{t('Whoever owns this account makes the first one.')}</p>
        ) : (
          <>
            <p className="mb-4">
              {t('A key lets a program call the API. Give it a monthly cap, and it can never spend more.')}
            </p>
            <Link to="/keys" query={{ new: '1' }} className={buttonClass('main')}>
              {t('Create a key')}
            </Link>
          </>
        )}
      </Empty>
    </Card>
  );
}

function Spend({ facts }: { facts: Facts }): ReactNode {
  const { spent_usd: spent, held_usd: held, cap_usd: cap } = facts;
  return (
    <Card title={t('Spent in {month}', { month: showMonth(facts.month) })}>
      <div className="px-4 pt-1 pb-4">
        <p className="text-3xl font-semibold tracking-tight">
          <Money usd={spent} />
        </p>
        <div className="mt-3">
          <CapBar spent={spent} held={held} cap={cap} />
        </div>
        <dl className="mt-3 grid grid-cols-2 gap-x-4 gap-y-2">
          <Small name={t('Caps of all keys')}>{cap === null ? t('no cap') : <Money usd={cap} />}</Small>
          <Small name={t('Forecast')}>{facts.forecast_usd === null ? '—' : <Money usd={facts.forecast_usd} />}</Small>
          <Small name={t('Held now')}>
            <Money usd={held} />
          </Small>
          {facts.balance_usd === null ? (
            <Small name={t('Starts anew')}>
              <Distance at={facts.resets_at} />
            </Small>
          ) : (
            <Small name={t('Balance')}>
              <Money usd={facts.balance_usd} />
            </Small>
          )}
        </dl>
      </div>
    </Card>
  );
}

function Small({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="truncate font-medium">{children}</dd>
    </div>
  );
}

function Traffic({ facts }: { facts: Facts }): ReactNode {
  const { day, month_traffic: month } = facts;
  const ms = (value: number | null): string => (value === null ? '—' : showMs(value));
  return (
    <Card title={t('The last 24 hours')} className="lg:col-span-2">
      <dl className="grid grid-cols-2 gap-y-2 sm:grid-cols-3">
        <Figure name={t('Audio')} note={t('{amount} this month', { amount: showSeconds(month.audio_seconds) })}>
          {showSeconds(day.audio_seconds)}
        </Figure>
        <Figure name={t('Requests')} note={t('{amount} this month', { amount: showCount(month.requests) })}>
          {showCount(day.requests)}
        </Figure>
        <Figure name={t('Errors')} note={t('{amount} this month', { amount: showShare(month.errors, month.requests) })}>
          <Link
            to="/requests"
            query={{ status: 'error' }}
            className={day.errors > 0 ? 'text-bad hover:underline' : 'hover:underline'}
          >
            {showShare(day.errors, day.requests)}
          </Link>
        </Figure>
        <Figure name={t('Half answered within')} note={t('the median')}>
          {ms(day.p50_ms)}
        </Figure>
        <Figure name={t('99 of 100 within')} note="p99">
          {ms(day.p99_ms)}
        </Figure>
        <Figure name={t('Live keys')} note={<Link to="/keys">{t('All keys')}</Link>}>
          {showCount(facts.live_keys)}
        </Figure>
      </dl>
    </Card>
  );
}

function CostByDay({ facts }: { facts: Facts }): ReactNode {
  const [by, setBy] = useState<'model' | 'key'>('model');
  const rows = by === 'model' ? facts.cost_by_model : facts.cost_by_key;
  const today = new Date();
  const dayBefore = (days: number): string => new Date(today.getTime() - days * 86_400_000).toISOString().slice(0, 10);
  return (
    <Card
      title={t('Cost per day')}
      about={t('The last 30 days, in UTC. A press on a day shows its requests.')}
      actions={<Choice value={by} onChange={setBy} />}
    >
      {rows.length === 0 ? (
        <Empty title={t('Nothing was called yet')}>{t('Each call of the API shows up here within seconds.')}</Empty>
      ) : (
        <Chart
          bars={rows.map(({ day, group, label, cost_usd: usd }) => ({ day, group, label, usd }))}
          from={dayBefore(DAYS - 1)}
          to={dayBefore(0)}
          label={t('Cost per day of the last 30 days, {sum} in all', {
            sum: `$${fromNano(rows.reduce((sum, { cost_usd: usd }) => sum + toNano(usd), 0n))}`,
          })}
          rest={t('others')}
          onPick={(day) => go('/requests', { from: day, to: nextDay(day) })}
        />
      )}
    </Card>
  );
}

export function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

function Choice({
  value,
  onChange,
}: {
  value: 'model' | 'key';
  onChange: (value: 'model' | 'key') => void;
}): ReactNode {
  return (
    <div role="group" aria-label={t('Stacked by')} className="flex rounded-lg border border-line p-0.5 text-xs">
      {(['model', 'key'] as const).map((by) => (
        <button
          key={by}
          type="button"
          aria-pressed={by === value}
          onClick={() => onChange(by)}
          className={`rounded-md px-2 py-1 ${by === value ? 'bg-accent-soft font-medium text-accent' : 'text-muted hover:text-ink'}`}
        >
          {by === 'model' ? t('By model') : t('By key')}
        </button>
      ))}
    </div>
  );
}

/** One price as text: tokens have two, which are mostly the same. */
export function PriceText({ price }: { price: Price }): ReactNode {
  if ('usd_per_second' in price)
    return (
      <>
        <Money usd={price.usd_per_second} /> <span className="text-muted">{t('per second')}</span>
      </>
    );
  const same = price.input_usd_per_1m === price.output_usd_per_1m;
  return (
    <>
      <Money usd={price.input_usd_per_1m} />
      {!same && (
        <>
          {' / '}
          <Money usd={price.output_usd_per_1m} />
        </>
      )}{' '}
      <span className="text-muted">{same ? t('per 1M tokens') : t('per 1M in / out')}</span>
    </>
  );
}

function Prices({ prices }: { prices: readonly ModelPrice[] }): ReactNode {
  return (
    <Card
      title={t('Prices now')}
      actions={
        <Link to="/models" className="text-xs text-accent hover:underline">
          {t('Price book')}
        </Link>
      }
    >
      <ul className="divide-y divide-line">
        {prices.map(({ model, price }) => (
          <li key={model} className="px-4 py-3">
            <div className="flex items-baseline justify-between gap-3">
              <span className="truncate font-medium">{model}</span>
              {price !== null && (
                <span className="whitespace-nowrap">
                  <span className="font-semibold">
                    <Money usd={price.usd_per_minute_of_audio} />
                  </span>{' '}
                  <span className="text-xs text-muted">{t('per minute')}</span>
                </span>
              )}
            </div>
            {price === null ? (
              <p className="text-xs text-muted">{t('It has no price, and so nobody can call it.')}</p>
            ) : (
              <div className="mt-0.5 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs">
                <span>
                  <PriceText price={price.yours} />
                </span>
                {price.discount_bps > 0 && (
                  <>
                    <Mark tone="good">−{showDiscount(price.discount_bps)}</Mark>
                    <s className="text-muted">
                      <PriceText price={price.list} />
                    </s>
                  </>
                )}
                {price.tier !== null && (
                  <span className="text-muted">
                    {t('tier above')} <Money usd={price.tier.above_usd} />
                  </span>
                )}
                {price.next_tier !== null && (
                  <span className="text-muted">
                    {t('next: −{discount} above', { discount: showDiscount(price.next_tier.discount_bps) })}{' '}
                    <Money usd={price.next_tier.above_usd} />
                  </span>
                )}
              </div>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Tail({ recent }: { recent: readonly RequestRow[] }): ReactNode {
  return (
    <Card
      title={t('Requests, live')}
      actions={
        <Link to="/requests" className="text-xs text-accent hover:underline">
          {t('All requests')}
        </Link>
      }
    >
      {recent.length === 0 ? (
        <FirstCall />
      ) : (
        <ol className="max-h-96 divide-y divide-line overflow-y-auto" tabIndex={0} aria-label={t('Requests, live')}>
          {recent.map((row) => (
            <li key={row.request_id} className="arrives">
              <Link
                to={`/requests/${row.request_id}`}
                className="grid grid-cols-[4.5rem_minmax(0,1fr)_auto] items-center gap-x-3 px-4 py-2 hover:bg-raised sm:grid-cols-[4.25rem_9rem_minmax(0,1fr)_4rem_4.5rem_5.5rem]"
              >
                <span className="text-muted">
                  <Time at={row.started_at} how="time" />
                </span>
                <span className="flex min-w-0">
                  <StatusMark status={row.status} code={row.code} />
                </span>
                <span className="truncate max-sm:hidden">
                  {row.key.name} <span className="text-muted max-xl:hidden">{row.model ?? ''}</span>
                </span>
                <span className="text-right text-muted max-sm:hidden">
                  {row.audio_seconds === 0 ? '—' : showSeconds(row.audio_seconds)}
                </span>
                <span className="text-right text-muted max-sm:hidden">
                  {row.took_ms === null ? '—' : showMs(row.took_ms)}
                </span>
                <span className="text-right">
                  <Money usd={row.cost_usd} />
                </span>
              </Link>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function FirstCall(): ReactNode {
  const me = useMe();
  return (
    <Empty title={t('No call yet')}>
      <p className="mb-3">{t('Send one, and watch it arrive here:')}</p>
      <div className="text-left">
        <CodeBlock label="curl" text={firstCall(me.public_url, '$EARSHOT_KEY')} />
      </div>
    </Empty>
  );
}

export function engineTone(engine: EngineHealth): 'good' | 'warn' | 'bad' {
  if (!engine.ready || engine.breaker === 'open') return 'bad';
  return engine.breaker === 'closed' ? 'good' : 'warn';
}

export function engineWord(engine: EngineHealth): string {
  if (engine.breaker === 'open') return t('left alone after failures');
  if (!engine.ready) return t('not ready');
  return engine.breaker === 'half-open' ? t('being tried again') : t('ready');
}

function Engines({ engines }: { engines: readonly EngineHealth[] }): ReactNode {
  return (
    <Card title={t('Engines')}>
      <ul className="divide-y divide-line">
        {engines.map((engine) => (
          <li key={engine.engine} className="flex items-center gap-2.5 px-4 py-2.5">
            <Dot tone={engineTone(engine)} />
            <span className="truncate font-medium">{engine.engine}</span>
            <span className="truncate text-xs text-muted">{engineWord(engine)}</span>
            <span className="ml-auto text-xs whitespace-nowrap text-muted">
              {t('{busy} in flight, full at {all}', { busy: engine.in_flight, all: engine.concurrency })}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
