/**
 * Many transactions, one COMMIT. A durable commit waits for the disk; transactions that arrive meanwhile are run inside
 * one shared outer transaction and are told their end together, once it is durable. Everything that a transaction did or
 * saw is told only then, so nobody acts on rows that may still vanish. Where the outer commit fails, all of them fail.
 *
 * A transaction that may well have to be undone runs as a savepoint. Those that only a fault can end half-way do without,
 * as SQLite copies every page that a savepoint touches; after such a fault the group is undone, and all of it runs again
 * as savepoints.
 */
import { performance } from 'node:perf_hooks';
import type { Connection } from './connection.ts';
import { DatabaseError } from '../database-error.ts';
import { describeError } from './describe-error.ts';
import type { Message, Reply, Statement } from './protocol.ts';
import type { PostReplies } from './serve-thread.ts';

/** Limits of one group: a caller's wait for the others, and another process's wait for the write lock, stay short. */
const GROUP_TRANSACTIONS_MAX = 256;
const GROUP_MS_MAX = 20;

/** Under steady load the write lock is left free this long, this often, for other processes. */
const PAUSE_MS = 3;
const BUSY_MS_MAX = 150;

type Waiting = Extract<Message, { type: 'statement' | 'write-if' | 'begin' }>;

export class GroupCommit {
  readonly #connection: Connection;
  readonly #post: PostReplies;
  readonly #transactionIdleMsMax: number;
  /** Transactions that wait for their turn. */
  readonly #queue: Waiting[] = [];
  /** The ends of this group's transactions, told once the group is durable. */
  #ends: Reply[] = [];
  /** This group's transactions, while they may run again; null where they must be savepoints. */
  #repeatable: Waiting[] | null = [];
  /** The transaction whose savepoint is open. */
  #current: number | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #openedAt: number | null = null;
  #freeSince = 0;
  #lastPauseAt = 0;
  #advancing = false;

  constructor(connection: Connection, transactionIdleMsMax: number, post: PostReplies) {
    this.#connection = connection;
    this.#transactionIdleMsMax = transactionIdleMsMax;
    this.#post = post;
  }

  handle(message: Message): void {
    switch (message.type) {
      case 'statement':
      case 'write-if':
      case 'begin':
        this.#queue.push(message);
        break;
      case 'query':
        if (this.#isCurrent(message)) this.#query(message);
        break;
      case 'commit':
      case 'rollback':
        if (this.#isCurrent(message)) this.#end(message);
        break;
    }
    if (this.#current === null) this.#advanceSoon();
  }

  #isCurrent(message: { readonly id: number; readonly transaction: number }): boolean {
    if (message.transaction === this.#current) return true;
    this.#post([refusal(message.id, TRANSACTION_GONE)]);
    return false;
  }

  /** Later in the same turn of the event loop: messages that have already arrived join the group first. */
  #advanceSoon(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    setImmediate(() => this.#advance());
  }

  #advance(): void {
    this.#advancing = false;
    while (this.#current === null) {
      if (this.#openedAt !== null && (this.#queue.length === 0 || this.#isFull())) this.#commit();
      if (this.#queue.length === 0) return;
      if (this.#openedAt === null && (this.#pauses() || !this.#open())) return;
      const next = this.#queue.shift();
      if (next !== undefined) this.#start(next);
    }
  }

  #isFull(): boolean {
    const age = performance.now() - (this.#openedAt ?? 0);
    return this.#ends.length >= GROUP_TRANSACTIONS_MAX || age >= GROUP_MS_MAX;
  }

  #pauses(): boolean {
    const now = performance.now();
    if (now - this.#freeSince >= PAUSE_MS) this.#lastPauseAt = now;
    if (now - this.#lastPauseAt < BUSY_MS_MAX) return false;
    this.#lastPauseAt = now;
    this.#advancing = true;
    setTimeout(() => this.#advance(), PAUSE_MS);
    return true;
  }

  /** Opens the outer transaction; where another process keeps the lock, all that wait are refused. */
  #open(): boolean {
    try {
      this.#connection.executeWhenFree('begin immediate');
    } catch (error) {
      this.#post(this.#queue.splice(0).map((waiting) => refusal(waiting.id, error)));
      return false;
    }
    this.#openedAt = performance.now();
    return true;
  }

  #start(message: Waiting): void {
    if (message.type === 'begin') {
      // What it is told on its way cannot be taken back.
      this.#repeatable = null;
      this.#connection.execute('savepoint member');
      this.#current = message.transaction;
      return this.#query(message);
    }
    const savepoint = this.#repeatable === null || mayWellBeUndone(message);
    if (savepoint) this.#connection.execute('savepoint member');
    const reply =
      message.type === 'write-if' ? this.#runConditionally(message) : this.#run(message.id, message.statement);
    if (!this.#connection.inTransaction) return this.#fail(reply, message.id);
    if (savepoint) {
      if (!reply.ok || reply.changes === 0) this.#connection.execute('rollback to member');
      this.#connection.execute('release member');
    } else if (!reply.ok && message.type === 'write-if') {
      return this.#startAgain(message);
    }
    this.#repeatable?.push(message);
    this.#ends.push(reply);
  }

  /** Nothing of this group has been told yet. */
  #startAgain(failed: Waiting): void {
    this.#connection.execute('rollback');
    this.#queue.unshift(...(this.#repeatable ?? []), failed);
    this.#takeEnds();
    this.#repeatable = null;
  }

  #query(message: Extract<Message, { type: 'begin' | 'query' }>): void {
    this.#watchIdle();
    const reply = this.#run(message.id, message.statement);
    if (!this.#connection.inTransaction) return this.#fail(reply, message.id);
    this.#post([reply]);
  }

  #end(message: Extract<Message, { type: 'commit' | 'rollback' }>): void {
    if (message.type === 'rollback') this.#connection.execute('rollback to member');
    this.#connection.execute('release member');
    this.#ends.push(success(message.id));
    this.#leave();
  }

  #run(id: number, statement: Statement): Reply {
    try {
      return { id, ok: true, ...this.#connection.run(statement) };
    } catch (error) {
      return refusal(id, error);
    }
  }

  #runConditionally({ id, conditions, rest }: Extract<Message, { type: 'write-if' }>): Reply {
    let decided = success(id);
    for (const condition of conditions) {
      decided = this.#run(id, condition);
      if (!decided.ok || decided.changes === 0) return decided;
    }
    for (const statement of rest) {
      const reply = this.#run(id, statement);
      if (!reply.ok) return reply;
    }
    return decided;
  }

  #commit(): void {
    try {
      this.#connection.execute('commit');
    } catch (error) {
      if (this.#connection.inTransaction) this.#connection.execute('rollback');
      return this.#closeGroup((end) => refusal(end.id, error));
    }
    this.#closeGroup((end) => end);
  }

  /** Some errors, such as a full disk, make SQLite give up the whole outer transaction: then nothing of it remains. */
  #fail(reply: Reply, id: number): void {
    this.#leave();
    this.#closeGroup((end) => refusal(end.id, GROUP_GONE));
    this.#post([reply.ok ? refusal(id, GROUP_GONE) : reply]);
  }

  #closeGroup(toReply: (end: Reply) => Reply): void {
    this.#repeatable = [];
    this.#post(this.#takeEnds().map(toReply));
  }

  /** The outer transaction is over, and the lock free. */
  #takeEnds(): readonly Reply[] {
    const ends = this.#ends;
    this.#ends = [];
    this.#openedAt = null;
    this.#freeSince = performance.now();
    return ends;
  }

  #leave(): void {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    this.#current = null;
  }

  /** A transaction that says nothing for long holds up every other: it is rolled back, and told so when it speaks again. */
  #watchIdle(): void {
    if (this.#idleTimer !== null) return void this.#idleTimer.refresh();
    this.#idleTimer = setTimeout(() => {
      this.#connection.execute('rollback to member');
      this.#connection.execute('release member');
      this.#leave();
      this.#advanceSoon();
    }, this.#transactionIdleMsMax);
  }
}

const TRANSACTION_GONE = new DatabaseError(
  'The transaction has ended already: it was idle for too long, or the database gave it up.',
  'TRANSACTION_GONE',
);
const GROUP_GONE = new DatabaseError(
  'The database gave up the group of transactions that this one belonged to.',
  'GROUP_GONE',
);

/** A later condition undoes what an earlier one changed; a single statement is undone by SQLite itself. */
function mayWellBeUndone(message: Waiting): boolean {
  return message.type === 'write-if' && message.conditions.length > 1;
}

function success(id: number): Reply {
  return { id, ok: true, rows: [], changes: 0 };
}

function refusal(id: number, error: unknown): Reply {
  return { id, ok: false, ...describeError(error) };
}
