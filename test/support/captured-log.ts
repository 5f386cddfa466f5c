import { pino } from 'pino';
import type { Log } from '../../src/base/log.js';

export interface CapturedLog {
  readonly log: Log;
  readonly lines: Record<string, unknown>[];
}

/** A logger whose lines a test can read. */
export function captureLog(): CapturedLog {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'trace', base: {} }, { write: (line) => lines.push(JSON.parse(line)) });
  return { log, lines };
}
