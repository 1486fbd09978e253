import { destination, pino } from 'pino';
import type { Logger } from '../core/log.ts';

/** JSON lines on standard error. */
export function createLogger(level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination({ dest: 2, sync: true }));
}
