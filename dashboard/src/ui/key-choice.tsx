/** The keys that one chooses from: the newest, and any other by a search for it. */
import { useState, type ReactNode } from 'react';
import type { KeyRow } from '../../../src/http/api/contract.ts';
import { useAccount, useAccountQuery, usePages } from '../query.ts';
import { t } from '../words/words.ts';
import { SearchBox } from './search-box.tsx';

const OFFERED_MAX = 100;

export interface OfferedKeys {
  /** Undefined until they are read. */
  readonly rows: readonly KeyRow[] | undefined;
  /** There is no such key at all, however one searches. */
  readonly isNone: boolean;
  /** Null where all of them are offered. */
  readonly search: ReactNode;
}

export function useOfferedKeys(asked: { state: 'live' | 'all'; kind?: 'wholesale' }): OfferedKeys {
  const [q, setQ] = useState('');
  const { rows, hasNextPage } = usePages<KeyRow>('/keys', { ...useAccountQuery(), ...asked, q, limit: OFFERED_MAX });
  const isSearched = q !== '';
  return {
    rows,
    isNone: rows?.length === 0 && !isSearched,
    search: isSearched || hasNextPage ? <SearchBox label={t('Find a key')} value={q} onChange={setQ} /> : null,
  };
}

/** Where the keys of all accounts are together, each is named with its account. */
export function useKeyNames(): (key: KeyRow) => string {
  const account = useAccount();
  return ({ account: { name: owner }, name, last_four: end }) =>
    account === null ? `${owner}: ${name} (…${end})` : `${name} (…${end})`;
}
