/** What the main thread and the database threads say to each other. Every message to a thread gets exactly one reply. */

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export type Order =
  /** One statement: alone on the reader, a transaction of its own on the writer. */
  | ({ readonly type: 'statement' } & Statement)
  /** A whole transaction in one message: where one of `conditions` changes no row, nothing happens. The reply is that of the last that ran. */
  | { readonly type: 'write-if'; readonly conditions: readonly Statement[]; readonly rest: readonly Statement[] }
  /** Opens a transaction with its first statement: a turn of its own would cost everyone who waits a message's way. */
  | ({ readonly type: 'begin'; readonly transaction: number } & Statement)
  | ({ readonly type: 'query'; readonly transaction: number } & Statement)
  | { readonly type: 'commit'; readonly transaction: number }
  | { readonly type: 'rollback'; readonly transaction: number };

export type Message = Order & { readonly id: number };

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
