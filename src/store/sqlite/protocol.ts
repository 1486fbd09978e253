/**
 * What the main thread and the database threads say to each other. Every message to a thread gets exactly one reply;
 * messages and replies travel in batches, as each journey between threads costs more than what it carries.
 */

/** @typeParam Sql the text of a statement; on its way, the number of one that has been sent before. */
export interface Statement<Sql = string> {
  readonly sql: Sql;
  readonly parameters: readonly unknown[];
}

export type Order<Sql = string> =
  /** One statement: alone on the reader, a transaction of its own on the writer. */
  | ({ readonly type: 'statement' } & Statement<Sql>)
  /** A whole transaction in one message: where one of `conditions` changes no row, nothing happens. The reply is that of the last that ran. */
  | {
      readonly type: 'write-if';
      readonly conditions: readonly Statement<Sql>[];
      readonly rest: readonly Statement<Sql>[];
    }
  /** Opens a transaction with its first statement: a turn of its own would cost everyone who waits a message's way. */
  | ({ readonly type: 'begin'; readonly transaction: number } & Statement<Sql>)
  | ({ readonly type: 'query'; readonly transaction: number } & Statement<Sql>)
  | { readonly type: 'commit'; readonly transaction: number }
  | { readonly type: 'rollback'; readonly transaction: number };

export type Message<Sql = string> = Order<Sql> & { readonly id: number };

/** As it travels. */
export type Batch = readonly Message<string | number>[];

/** Both sides number the first texts that pass, in their order, so that each of these is sent once only. */
const NUMBERED_TEXTS_MAX = 500;

/** The sender's half. */
export function createTextNumbers(): (sql: string) => string | number {
  const numbers = new Map<string, number>();
  return (sql) => {
    const known = numbers.get(sql);
    if (known === undefined && numbers.size < NUMBERED_TEXTS_MAX) numbers.set(sql, numbers.size);
    return known ?? sql;
  };
}

/** The receiver's half; it must see every text in the order of sending. */
export function createNumberedTexts(): (sql: string | number) => string {
  const texts: string[] = [];
  return (sql) => {
    if (typeof sql === 'number') return texts[sql] ?? '';
    if (texts.length < NUMBERED_TEXTS_MAX) texts.push(sql);
    return sql;
  };
}

/** The same message with other texts. */
export function mapTexts<From, To>(message: Message<From>, map: (sql: From) => To): Message<To> {
  const mapped = ({ sql, parameters }: Statement<From>): Statement<To> => ({ sql: map(sql), parameters });
  switch (message.type) {
    case 'write-if':
      return { ...message, conditions: message.conditions.map(mapped), rest: message.rest.map(mapped) };
    case 'commit':
    case 'rollback':
      return message;
    case 'statement':
    case 'begin':
    case 'query':
      return { ...message, sql: map(message.sql) };
  }
}

export interface Rows {
  readonly rows: Record<string, unknown>[];
  /** Rows changed. */
  readonly changes: number;
}

export type Reply =
  | ({ readonly id: number; readonly ok: true } & Rows)
  | { readonly id: number; readonly ok: false; readonly message: string; readonly code: string };

/** The reply that a thread gives unasked once its database is open, or cannot be. */
export const START_ID = 0;

/** Given to a thread at its start. */
export interface ThreadSettings {
  readonly path: string;
  /** The file whose lock shows that a server lives on this database; null for a process that is no server. */
  readonly serverLockPath: string | null;
  /** How long to wait for another process that is writing. */
  readonly busyMsMax: number;
  /** How long a transaction may stay open between two of its statements. */
  readonly transactionIdleMsMax: number;
}
