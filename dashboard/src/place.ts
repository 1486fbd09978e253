/** Where in the dashboard one is: a path below `/dashboard` and a query, both in the address of the page. */
import { useMemo, useSyncExternalStore } from 'react';

const BASE = '/dashboard';

export type Query = Readonly<Record<string, string>>;

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

/** `/keys`; `/` for the overview. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => {
    const path = location.pathname.slice(BASE.length).replace(/\/+$/, '');
    return path === '' ? '/' : path;
  });
}

export function placeNow(): string {
  return location.pathname + location.search;
}

/** Path and query as they are in the address. */
export function usePlace(): string {
  return useSyncExternalStore(subscribe, placeNow);
}

export function useQueryString(): Query {
  const search = useSyncExternalStore(subscribe, () => location.search);
  return useMemo(() => Object.fromEntries(new URLSearchParams(search)), [search]);
}

/** The account that an operator looks at goes along wherever one goes. */
export function hrefOf(path: string, query: Readonly<Record<string, string | null | undefined>> = {}): string {
  const account = new URLSearchParams(location.search).get('account');
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries({ account, ...query })) {
    if (value !== null && value !== undefined && value !== '') words.set(name, value);
  }
  const text = words.toString();
  return `${BASE}${path}${text === '' ? '' : `?${text}`}`;
}

function moved(): void {
  for (const listener of listeners) listener();
}

/** To another screen. The focus goes there too: what was pressed may be gone. */
export function go(path: string, query: Readonly<Record<string, string | null | undefined>> = {}): void {
  goBeside(path, query);
  document.getElementById('main')?.focus({ preventScroll: true });
}

/** To another part of the same screen, such as a tab, which keeps the focus. */
export function goBeside(path: string, query: Readonly<Record<string, string | null | undefined>> = {}): void {
  history.pushState(null, '', hrefOf(path, query));
  window.scrollTo(0, 0);
  moved();
}

/** Changes the query of this page; null takes a word out of it. */
export function changeQuery(changes: Readonly<Record<string, string | null>>): void {
  const words = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') words.delete(name);
    else words.set(name, value);
  }
  const text = words.toString();
  history.replaceState(null, '', `${location.pathname}${text === '' ? '' : `?${text}`}`);
  moved();
}
