import { pino } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export type Log = pino.Logger;

/** A logger that writes JSON lines to standard error, `level` and above. */
export function createLog(level: LogLevel, name: string): Log {
  return pino({ name, level, base: { name } }, pino.destination({ dest: 2, sync: true }));
}
