/**
 * What the main thread and the database threads say to each other. Every message to a thread gets exactly one reply;
 * messages and replies travel in batches, as each journey between threads costs more than what it carries.
 */

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export type Order<One = Statement> =
  /** One statement: alone on the reader, a transaction of its own on the writer. */
  | { readonly type: 'statement'; readonly statement: One }
  /** A whole transaction in one message: where one of `conditions` changes no row, nothing happens. The reply is that of the last that ran. */
  | { readonly type: 'write-if'; readonly conditions: readonly One[]; readonly rest: readonly One[] }
  /** Opens a transaction with its first statement: a turn of its own would cost everyone who waits a message's way. */
  | { readonly type: 'begin'; readonly transaction: number; readonly statement: One }
  | { readonly type: 'query'; readonly transaction: number; readonly statement: One }
  | { readonly type: 'commit'; readonly transaction: number }
  | { readonly type: 'rollback'; readonly transaction: number };

/** @typeParam One a statement. */
export type Message<One = Statement> = Order<One> & { readonly id: number };

/**
 * A statement as it travels: its text, or the number of one that has been sent before, and its parameters. To copy that
 * from thread to thread takes half of what an object with names takes.
 */
export type Packed = readonly [sql: string | number, ...parameters: readonly unknown[]];

export type Batch = readonly Message<Packed>[];

/** Both sides number the first texts that pass, in their order, so that each of these is sent once only. */
const NUMBERED_TEXTS_MAX = 500;

/** The sender's half. */
export function createPacker(): (statement: Statement) => Packed {
  const numbers = new Map<string, number>();
  return ({ sql, parameters }) => {
    const known = numbers.get(sql);
    if (known === undefined && numbers.size < NUMBERED_TEXTS_MAX) numbers.set(sql, numbers.size);
    return [known ?? sql, ...parameters];
  };
}

/** The receiver's half; it must see every statement in the order of sending. */
export function createUnpacker(): (packed: Packed) => Statement {
  const texts: string[] = [];
  return (packed) => {
    const sql = packed[0];
    const parameters = packed.slice(1);
    if (typeof sql === 'number') return { sql: texts[sql] ?? '', parameters };
    if (texts.length < NUMBERED_TEXTS_MAX) texts.push(sql);
    return { sql, parameters };
  };
}

/** The same message with its statements in another form. */
export function mapStatements<From, To>(message: Message<From>, map: (statement: From) => To): Message<To> {
  switch (message.type) {
    case 'write-if':
      return { ...message, conditions: message.conditions.map(map), rest: message.rest.map(map) };
    case 'commit':
    case 'rollback':
      return message;
    case 'statement':
    case 'begin':
    case 'query':
      return { ...message, statement: map(message.statement) };
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
