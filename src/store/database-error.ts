/**
 * An error of the database with a stable code: SQLite's own (`SQLITE_CONSTRAINT_UNIQUE`), PostgreSQL's SQLSTATE (`23505`)
 * or one of ours (`SERVER_RUNNING`). Never sent to a caller.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly code: string;
  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
