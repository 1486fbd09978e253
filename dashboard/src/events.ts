/** What the server tells while a page is open: requests as they end, engines as they change, and what to read again. */
import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { DashboardEvents, Overview, RequestRow } from '../../src/http/api/contract.ts';
import { addressOf, type Asked } from './api.ts';
import { queryClient, readAgain, useAccountQuery } from './query.ts';
import { useMustLogIn } from './session.ts';

const RECENT_MAX = 20;
const AGAIN_MS = 3_000;

/** Not while the page is hidden: a browser has six connections to a server for all of its pages. Nor for nobody. */
export function useEvents(): void {
  const { account } = useAccountQuery();
  const mayListen = !useMustLogIn();
  const isListening = useVisible() && mayListen;
  const missed = useRef(false);
  useEffect(() => {
    if (!isListening) return undefined;
    const stop = listen(account === undefined ? {} : { account }, missed);
    return () => {
      missed.current = true;
      stop();
    };
  }, [account, isListening]);
}

function useVisible(): boolean {
  return useSyncExternalStore(
    (listener) => {
      document.addEventListener('visibilitychange', listener);
      return () => document.removeEventListener('visibilitychange', listener);
    },
    () => document.visibilityState === 'visible',
  );
}

/** `missed` is set while nobody listens: what happened then is read once the stream is open again. */
function listen(asked: Asked, missed: { current: boolean }): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource;
  function open(): void {
    source = new EventSource(addressOf('/events', asked));
    on(source, 'request', (row) => addRequest(asked, row));
    on(source, 'engines', (engines) =>
      queryClient.setQueriesData<Overview>(
        { queryKey: ['/overview'] },
        (overview) => overview && { ...overview, engines },
      ),
    );
    on(source, 'overview', () => readAgain('/overview'));
    on(source, 'keys', () => readAgain('/keys', '/overview'));
    source.addEventListener('open', () => {
      if (missed.current) readAgain('/keys', '/overview');
      missed.current = false;
    });
    source.addEventListener('error', failed);
  }
  function failed(): void {
    // The session may have ended, which `/me` finds out.
    if (!missed.current) readAgain('/me');
    missed.current = true;
    // A connection that was refused stays closed.
    if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
  }
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

function on<Name extends keyof DashboardEvents>(
  source: EventSource,
  name: Name,
  handle: (data: DashboardEvents[Name]) => void,
): void {
  source.addEventListener(name, ({ data }: MessageEvent<string>) => handle(JSON.parse(data) as DashboardEvents[Name]));
}

/** Only the overview that the stream is about is told: a call of one account is none of another's. */
function addRequest(asked: Asked, row: RequestRow): void {
  queryClient.setQueryData<Overview>(
    ['/overview', asked],
    (overview) =>
      overview && {
        ...overview,
        recent: [row, ...overview.recent.filter(({ request_id: id }) => id !== row.request_id)].slice(0, RECENT_MAX),
      },
  );
}
