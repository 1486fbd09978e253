/** The message and code that travel to the main thread. */
export function describeError(error: unknown): { message: string; code: string } {
  const { code } = error as { code?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  if (typeof code === 'string' && code.startsWith('SQLITE_BUSY')) {
    return { message: 'The database stayed locked by another process that writes to it. Try again.', code };
  }
  return { message, code: typeof code === 'string' ? code : 'UNKNOWN' };
}
