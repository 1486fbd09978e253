/** What the server tells while a page is open: requests as they end, engines as they change, and what to read again. */
import { useEffect } from 'react';
import type { DashboardEvents, Overview, RequestRow } from '../../src/http/api/contract.ts';
import { addressOf } from './api.ts';
import { queryClient, readAgain, useAccountQuery } from './query.ts';

const RECENT_MAX = 20;
const AGAIN_MS = 3_000;

export function useEvents(): void {
  const { account } = useAccountQuery();
  useEffect(() => {
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    function listen(): void {
      const opened = new EventSource(addressOf('/events', { account }));
      source = opened;
      on(opened, 'request', addRequest);
      on(opened, 'engines', (engines) => changeOverview((overview) => ({ ...overview, engines })));
      on(opened, 'overview', () => readAgain('/overview'));
      on(opened, 'keys', () => readAgain('/keys', '/overview'));
      opened.addEventListener('error', () => {
        // A connection that was refused stays closed: the session may have ended, which `/me` finds out.
        if (opened.readyState !== EventSource.CLOSED) return;
        timer = setTimeout(() => {
          readAgain('/me');
          listen();
        }, AGAIN_MS);
      });
    }
    listen();
    return () => {
      clearTimeout(timer);
      source?.close();
    };
  }, [account]);
}

function on<Name extends keyof DashboardEvents>(
  source: EventSource,
  name: Name,
  handle: (data: DashboardEvents[Name]) => void,
): void {
  source.addEventListener(name, ({ data }: MessageEvent<string>) => handle(JSON.parse(data) as DashboardEvents[Name]));
}

function changeOverview(change: (overview: Overview) => Overview): void {
  queryClient.setQueriesData<Overview>({ queryKey: ['/overview'] }, (overview) =>
    overview === undefined ? undefined : change(overview),
  );
}

function addRequest(row: RequestRow): void {
  changeOverview((overview) => ({
    ...overview,
    recent: [row, ...overview.recent.filter(({ request_id: id }) => id !== row.request_id)].slice(0, RECENT_MAX),
  }));
}
