/**
 * Tells open pages what happens while they look: calls as they end, at once where that is here and soon where it is on
 * another server; engines as they change; and, from the audit log, what anybody changed, on this server or another, by the
 * dashboard or by a command.
 */
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { Reports } from '../../reports/reports.ts';
import type { DashboardEvents, EngineHealth } from './contract.ts';

export interface Listener {
  readonly userId: string;
  /** Null hears of every account. */
  readonly accountId: string | null;
  send<Name extends keyof DashboardEvents>(name: Name, data: DashboardEvents[Name]): void;
  /** Asked now and then whether it may still listen: a session may have ended. */
  mayListen(): Promise<boolean>;
  end(): void;
}

export interface EventHub extends AsyncDisposable {
  /** Makes room for one more page of a user, whose oldest is ended where they have many; false where all places are taken. */
  makeRoom(userId: string): boolean;
  add(listener: Listener): void;
  remove(listener: Listener): void;
  /** A call has ended, and its row is written. */
  callEnded(call: EndedCall): void;
  /** Something was changed here: the log is read at once. */
  changed(): void;
  /** Ends every stream: the server stops. */
  close(): void;
}

export interface EndedCall {
  readonly requestId: string;
  readonly accountId: string;
}

export interface EventHubOptions {
  readonly reports: Pick<Reports, 'auditSince' | 'newestCalls' | 'requestRow'>;
  /** Whether other servers answer calls too. */
  readonly isOneOfSeveral: boolean;
  readonly engines: () => readonly EngineHealth[];
  readonly clock: Clock;
  readonly log: Logger;
}

const TURN_MS = 1_000;
const ENGINES_MS = 15_000;
const OVERVIEW_MS = 5_000;
const LISTENERS_MAX = 200;

/** One user, in however many sessions, takes a tenth of all places. */
const USER_LISTENERS_MAX = 20;

/** Changes after which somebody may no longer listen; a session that ends by its age is found out in `ENGINES_MS`. */
const ENDS_SESSIONS = new Set(['user.logout', 'user.setup', 'user.remove']);

/** Rows of the log are looked at again for so long: another server's may be committed later than they were made. */
const LATE_MS = 10_000;

export function createEventHub(options: EventHubOptions): EventHub {
  const { engines, log } = options;
  const listeners = new Set<Listener>();
  const teller = createTeller(listeners, options);
  let timer: NodeJS.Timeout | null = null;
  let turning: Promise<void> = Promise.resolve();

  const takeTurn = (): void => {
    turning = turning
      .then(() => teller.turn())
      .catch((error: unknown) => log.warn({ cause: String(error) }, 'dashboard-events-failed'));
  };

  return {
    makeRoom(userId) {
      const theirs = [...listeners].filter((listener) => listener.userId === userId);
      if (theirs.length >= USER_LISTENERS_MAX) theirs[0]?.end();
      return listeners.size < LISTENERS_MAX;
    },
    add(listener) {
      listeners.add(listener);
      listener.send('engines', engines());
      if (timer !== null) return;
      timer = setInterval(takeTurn, TURN_MS).unref();
      takeTurn();
    },
    remove(listener) {
      listeners.delete(listener);
      if (listeners.size > 0 || timer === null) return;
      clearInterval(timer);
      timer = null;
      teller.rest();
    },
    callEnded(call) {
      teller.tellCall(call).catch((error: unknown) => log.warn({ cause: String(error) }, 'dashboard-events-failed'));
    },
    changed: takeTurn,
    close() {
      for (const listener of listeners) listener.end();
    },
    async [Symbol.asyncDispose]() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      listeners.clear();
      await turning;
    },
  };
}

/** Those who see an account; what is nobody's in particular is for operators. */
function concerned(listeners: ReadonlySet<Listener>, accountId: string | null): Listener[] {
  return [...listeners].filter((listener) => listener.accountId === null || listener.accountId === accountId);
}

/** What is told from time to time, while anybody listens. */
function createTeller(listeners: ReadonlySet<Listener>, { reports, isOneOfSeveral, engines, clock }: EventHubOptions) {
  const freshChanges = readFreshChanges(reports, clock);
  /** The newest calls at the last look; null where nobody watched until now. */
  let known: Set<string> | null = null;
  /** Those that were new at the last look: a server writes the times of a call a moment after its row. */
  let seen: readonly EndedCall[] = [];
  /** Accounts whose sums have changed since their pages were told. */
  const stale = new Set<string>();
  let told = { overview: 0, engines: 0, shownEngines: '' };

  async function tellCall({ requestId, accountId }: EndedCall): Promise<void> {
    known?.add(requestId);
    if (concerned(listeners, accountId).length === 0) return;
    stale.add(accountId);
    const row = await reports.requestRow(requestId);
    if (row !== null) for (const listener of concerned(listeners, accountId)) listener.send('request', row);
  }

  async function tellCallsElsewhere(): Promise<void> {
    const newest = await reports.newestCalls();
    const fresh = known === null ? [] : newest.filter(({ requestId }) => known?.has(requestId) === false);
    known = new Set(newest.map(({ requestId }) => requestId));
    const complete = seen;
    seen = fresh.toReversed();
    for (const call of complete) await tellCall(call);
  }

  async function tellChanges(): Promise<void> {
    const all = await freshChanges();
    if (all.some(({ action }) => ENDS_SESSIONS.has(action))) await letGo();
    const fresh = all.filter(({ action }) => !action.startsWith('user.'));
    const touched = new Set(fresh.filter(({ action }) => action.startsWith('key.')).map((row) => row.account_id));
    for (const accountId of touched) for (const listener of concerned(listeners, accountId)) listener.send('keys', {});
    // A price is everybody's.
    for (const { account_id: accountId } of fresh)
      for (const each of accountId === null ? listeners : [{ accountId }]) stale.add(each.accountId ?? '');
  }

  function tellOverview(now: number): void {
    if (stale.size === 0 || now - told.overview < OVERVIEW_MS) return;
    for (const listener of listeners)
      if (listener.accountId === null || stale.has(listener.accountId)) listener.send('overview', {});
    stale.clear();
    told.overview = now;
  }

  async function tellEngines(now: number): Promise<void> {
    const healths = engines();
    const shown = JSON.stringify(healths);
    const isDue = now - told.engines >= ENGINES_MS;
    if (shown === told.shownEngines && !isDue) return;
    for (const listener of listeners) listener.send('engines', healths);
    told = { ...told, engines: isDue ? now : told.engines, shownEngines: shown };
    if (isDue) await letGo();
  }

  /** Ends the streams of those who may no longer listen. */
  async function letGo(): Promise<void> {
    for (const listener of listeners) if (!(await listener.mayListen())) listener.end();
  }

  return {
    tellCall,
    /** Nobody listens any more. */
    rest: (): void => {
      known = null;
      seen = [];
    },
    async turn(): Promise<void> {
      if (listeners.size === 0) return;
      await tellChanges();
      if (isOneOfSeveral) await tellCallsElsewhere();
      tellOverview(clock.now());
      await tellEngines(clock.now());
    },
  };
}

/** Gives each row of the log once. */
function readFreshChanges(
  reports: Pick<Reports, 'auditSince'>,
  clock: Clock,
): () => Promise<Awaited<ReturnType<Reports['auditSince']>>> {
  let seen = new Set<string>();
  return async () => {
    const rows = await reports.auditSince(clock.now() - LATE_MS);
    const fresh = rows.filter(({ audit_id: id }) => !seen.has(id));
    seen = new Set(rows.map(({ audit_id: id }) => id));
    return fresh;
  };
}
