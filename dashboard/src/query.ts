/** What was read from the server, and when it is read again. */
import { QueryClient, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { Me, Page } from '../../src/http/api/contract.ts';
import { ApiError, get, type Asked } from './api.ts';
import { useQueryString } from './place.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
    mutations: { retry: false },
  },
});

/** What was there stays until the answer comes, unless it is another account's. */
function sameAccount({ account }: Asked) {
  return <Data>(before: Data | undefined, asked?: { queryKey: readonly unknown[] }): Data | undefined =>
    (asked?.queryKey[1] as Asked | undefined)?.['account'] === account ? before : undefined;
}

export function useApi<Reply>(
  path: string,
  query: Asked = {},
  more: { enabled?: boolean; refetchInterval?: number } = {},
) {
  return useQuery({
    queryKey: [path, query],
    queryFn: ({ signal }) => get<Reply>(path, query, signal),
    placeholderData: sameAccount(query),
    ...more,
  });
}

/** A list that is read page by page, as far as somebody scrolls. */
export function usePages<Row>(
  path: string,
  query: Asked = {},
  more: { enabled?: boolean; refetchInterval?: number } = {},
) {
  const pages = useInfiniteQuery({
    queryKey: [path, query],
    queryFn: ({ pageParam, signal }) => get<Page<Row>>(path, { ...query, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: sameAccount(query),
    ...more,
  });
  return { ...pages, rows: pages.data?.pages.flatMap(({ data }) => data) };
}

/** Everything below a path is read again. */
export function readAgain(...paths: string[]): void {
  for (const path of paths) void queryClient.invalidateQueries({ queryKey: [path] });
}

/** The same for whoever waits until it is read. */
export async function untilReadAgain(path: string): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: [path] });
}

/** Who looks at the page; the shell shows nothing before it is known. */
export function useMe(): Me {
  const { data } = useApi<Me>('/me');
  if (data === undefined) throw new Error('Nobody is logged in yet.');
  return data;
}

/** The account that everything is about: one's own, or the one that an operator has chosen; null for all. */
export function useAccount(): string | null {
  const { account } = useQueryString();
  const me = useMe();
  return me.role === 'operator' ? (account ?? null) : (me.account?.account_id ?? null);
}

/** What a request asks for besides: nothing where the session decides by itself. */
export function useAccountQuery(): { account?: string } {
  const account = useAccount();
  const me = useMe();
  return me.role === 'operator' && account !== null ? { account } : {};
}
