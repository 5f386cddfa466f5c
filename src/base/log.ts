import { writeSync } from 'node:fs';
import { pino } from 'pino';
import { LineSink } from './line-sink.js';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
export type Log = pino.Logger;

const WAITING_BYTES_MAX = 1024 * 1024;
const RETRY_MS = 20;

/** One for all loggers, so that lines keep their order. */
const standardError = new LineSink({
  write: (bytes) => writeSync(2, bytes),
  bytesMax: WAITING_BYTES_MAX,
  later: (callback) => {
    setTimeout(callback, RETRY_MS).unref();
  },
});

/** A logger that writes JSON lines to standard error, `level` and above. */
export function createLog(level: LogLevel, name: string): Log {
  return pino({ name, level, base: { name } }, standardError);
}
