import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useSyncExternalStore, type ReactNode } from 'react';
import type { Me, RequestRow } from '../../../src/http/api/contract.ts';
import { showMs, showSeconds } from '../format.ts';
import { changeQuery, useQueryString } from '../place.ts';
import { useAccountQuery, useMe, usePages } from '../query.ts';
import { Button } from '../ui/button.tsx';
import { Filter } from '../ui/field.tsx';
import { Warning } from '../ui/icons.tsx';
import { Link } from '../ui/link.tsx';
import { StatusMark } from '../ui/marks.tsx';
import { Empty, ErrorNote, Skeleton } from '../ui/notes.tsx';
import { Card, PageHead } from '../ui/page.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import { Money, Time } from '../ui/values.tsx';
import { t, warningText } from '../words/words.ts';
import { DayBox, KeyFilter, ModelFilter } from './usage.tsx';

const FILTERS = ['from', 'to', 'status', 'key', 'model', 'engine', 'code', 'slow_ms', 'warnings'] as const;
const ROW_HEIGHT = 44;
const NARROW_ROW_HEIGHT = 62;

/** The columns of the log, on a wide page. */
const GRID = 'md:grid-cols-[8.5rem_11.5rem_minmax(6rem,1fr)_minmax(6rem,0.8fr)_minmax(4rem,0.5fr)_4rem_4.5rem_6rem]';

export default function Requests(): ReactNode {
  const query = useQueryString();
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, query[name]]));
  const pages = usePages<RequestRow>('/requests', { ...useAccountQuery(), ...chosen, limit: 100 });
  // A filter that few calls pass may give an empty page and yet a next one: the server looks for a bounded time.
  const looksOn = pages.rows?.length === 0 && pages.hasNextPage;
  const { fetchNextPage, isFetchingNextPage } = pages;
  useEffect(() => {
    if (looksOn && !isFetchingNextPage) void fetchNextPage();
  }, [looksOn, isFetchingNextPage, fetchNextPage]);
  const isFiltered = FILTERS.some((name) => query[name] !== undefined);
  const clear = (): void => changeQuery(Object.fromEntries(FILTERS.map((name) => [name, null])));
  return (
    <>
      <PageHead
        title={t('Requests')}
        about={`${t('Every authenticated call, the newest first.')} ${keptText(useMe().keeps)}`}
      >
        <Button onClick={() => void pages.refetch()} busy={pages.isRefetching}>
          {t('Read again')}
        </Button>
      </PageHead>
      <Filters />
      <ErrorNote error={pages.error} again={() => void pages.refetch()} />
      <Card>
        {((pages.rows === undefined && pages.error === null) || looksOn) && <Skeleton lines={12} />}
        {pages.rows?.length === 0 && !looksOn && (
          <Empty title={isFiltered ? t('No request is like this') : t('No call yet')}>
            {isFiltered ? (
              <Button onClick={clear}>{t('Take the filters away')}</Button>
            ) : (
              <p>{t('Each call of the API shows up here within seconds.')}</p>
            )}
          </Empty>
        )}
        {pages.rows !== undefined && pages.rows.length > 0 && (
          <Log
            rows={pages.rows}
            hasMore={pages.hasNextPage}
            busy={pages.isFetchingNextPage}
            load={pages.fetchNextPage}
          />
        )}
      </Card>
    </>
  );
}

function keptText({ urls, transcripts, days }: Me['keeps']): string {
  if (transcripts) return t('What was said is kept for {days} days.', { days });
  if (urls) return t('Addresses of audio are kept for {days} days; what was said is not kept.', { days });
  return t('What was said is not kept.');
}

function Filters(): ReactNode {
  const query = useQueryString();
  const clears = FILTERS.some((name) => query[name] !== undefined);
  return (
    <div className="mb-3 grid grid-cols-2 gap-2 sm:flex sm:flex-wrap">
      <Filter label={t('Answer')} value={query['status'] ?? ''} onChange={(status) => changeQuery({ status })}>
        <option value="">{t('all')}</option>
        <option value="ok">{t('answered')}</option>
        <option value="error">{t('refused or failed')}</option>
      </Filter>
      <KeyFilter value={query['key'] ?? ''} />
      <ModelFilter value={query['model'] ?? ''} />
      <Filter label={t('Took')} value={query['slow_ms'] ?? ''} onChange={(slow) => changeQuery({ slow_ms: slow })}>
        <option value="">{t('any time')}</option>
        <option value="1000">{t('over {time}', { time: '1 s' })}</option>
        <option value="5000">{t('over {time}', { time: '5 s' })}</option>
        <option value="30000">{t('over {time}', { time: '30 s' })}</option>
      </Filter>
      <Filter label={t('Warnings')} value={query['warnings'] ?? ''} onChange={(warnings) => changeQuery({ warnings })}>
        <option value="">{t('with or without')}</option>
        <option value="any">{t('with')}</option>
      </Filter>
      <div className="col-span-2 grid grid-cols-2 gap-2 sm:flex">
        <SearchBox
          key={`engine ${query['engine'] ?? ''}`}
          label={t('Engine')}
          value={query['engine'] ?? ''}
          onChange={(engine) => changeQuery({ engine })}
        />
        <SearchBox
          key={`code ${query['code'] ?? ''}`}
          label={t('Code, such as rate_limited')}
          value={query['code'] ?? ''}
          onChange={(code) => changeQuery({ code })}
        />
      </div>
      {query['from'] !== undefined && (
        <DayBox label={t('From (UTC)')} value={query['from'].slice(0, 10)} onChange={(from) => changeQuery({ from })} />
      )}
      {query['to'] !== undefined && (
        <DayBox
          label={t('Until before (UTC)')}
          value={query['to'].slice(0, 10)}
          onChange={(to) => changeQuery({ to })}
        />
      )}
      {clears && (
        <Button small look="quiet" onClick={() => changeQuery(Object.fromEntries(FILTERS.map((name) => [name, null])))}>
          {t('Take the filters away')}
        </Button>
      )}
    </div>
  );
}

const WIDE = matchMedia('(min-width: 48rem)');

/** Also once a phone is turned. */
function useWide(): boolean {
  return useSyncExternalStore(
    (listener) => {
      WIDE.addEventListener('change', listener);
      return () => WIDE.removeEventListener('change', listener);
    },
    () => WIDE.matches,
  );
}

interface LogProperties {
  readonly rows: readonly RequestRow[];
  readonly hasMore: boolean;
  readonly busy: boolean;
  readonly load: () => unknown;
}

/** Only the rows in sight are in the page, however many there are. */
function Log({ rows, hasMore, busy, load }: LogProperties): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const wide = useWide();
  const virtual = useVirtualizer({
    count: rows.length + (hasMore ? 1 : 0),
    getScrollElement: () => place.current,
    estimateSize: () => (wide ? ROW_HEIGHT : NARROW_ROW_HEIGHT),
    overscan: 12,
  });
  useEffect(() => virtual.measure(), [virtual, wide]);
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - 20 && hasMore && !busy) void load();
  }, [last, rows.length, hasMore, busy, load]);
  return (
    <div
      ref={place}
      role="table"
      aria-label={t('Requests')}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      tabIndex={0}
      className="h-[calc(100dvh-18rem)] min-h-80 overflow-y-auto rounded-card"
    >
      <div role="rowgroup" className="sticky top-0 z-10 border-b border-line bg-surface max-md:hidden">
        <div role="row" className={`grid gap-x-3 px-4 py-2 text-xs font-medium text-muted ${GRID}`}>
          {[t('Time'), t('Answer'), t('Key'), t('Model'), t('Engine')].map((name) => (
            <span role="columnheader" key={name}>
              {name}
            </span>
          ))}
          {[t('Audio'), t('Took'), t('Cost')].map((name) => (
            <span role="columnheader" key={name} className="text-right">
              {name}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
        {shown.map(({ index, start, size }) => (
          <div
            key={index}
            role="row"
            aria-rowindex={index + 2}
            className="absolute inset-x-0 top-0 border-b border-line/60"
            style={{ height: size, transform: `translateY(${start}px)` }}
          >
            <Row row={rows[index]} />
          </div>
        ))}
      </div>
    </div>
  );
}

function Row({ row }: { row: RequestRow | undefined }): ReactNode {
  if (row === undefined)
    return (
      <span role="cell" className="block p-3 text-center text-muted">
        {t('Loading')}
      </span>
    );
  const warned = row.warnings.map((code) => warningText(code, code)).join(', ');
  return (
    <div
      role="presentation"
      className={`relative grid h-full grid-cols-[minmax(7.5rem,1fr)_minmax(0,auto)] items-center gap-x-3 px-4 hover:bg-raised ${GRID}`}
    >
      <span role="cell" className="truncate">
        <Link to={`/requests/${row.request_id}`} className="after:absolute after:inset-0 hover:text-accent">
          <Time at={row.started_at} how="second" />
          <span className="sr-only">{t('Request {id}', { id: row.request_id })}</span>
        </Link>
      </span>
      <span role="cell" className="flex min-w-0 items-center gap-1">
        <StatusMark status={row.status} code={row.code} />
        {row.warnings.length > 0 && (
          <span className="relative text-warn" title={warned}>
            <Warning />
            <span className="sr-only">{warned}</span>
          </span>
        )}
      </span>
      <span role="cell" className="truncate" title={`${row.account.name} · ${row.key.key_id}`}>
        {row.key.name} <span className="text-muted">…{row.key.last_four}</span>
      </span>
      <span role="cell" className="truncate text-muted max-md:hidden">
        {row.model ?? '—'}
      </span>
      <span role="cell" className="truncate text-muted max-md:hidden">
        {row.engine ?? '—'}
      </span>
      <span role="cell" className="text-right max-md:hidden" title={`${row.audio_seconds} s`}>
        {row.audio_seconds === 0 ? '—' : showSeconds(row.audio_seconds)}
      </span>
      <span role="cell" className="text-right max-md:hidden">
        {row.took_ms === null ? '—' : showMs(row.took_ms)}
      </span>
      <span role="cell" className="relative text-right">
        <Money usd={row.cost_usd} digits={6} />
      </span>
    </div>
  );
}
