/* Restarts: how long a shard waits for its next worker, and when it is not to have one any more: a cause
 * that ends every worker soon is not mended by another one. Main thread only.
 */
import { OperatingError } from '../base/errors.js';

const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 10_000;
/** A worker that lived this long did not die of its start. */
const HEALTHY_MS = 60_000;
/** So many deaths of workers that did not, within the window: a crash loop. With the waits between them
 * that takes most of a minute at least. */
const CRASHES_MAX = 10;
const CRASH_WINDOW_MS = 300_000;

export class Restarts {
  #waitMs = RESTART_MS_MIN;
  /** When workers died that had not lived long, within the window. */
  #crashes: number[] = [];

  /**
   * A worker died at `nowMs` (of a clock that only rises), after `livedMs`. Returns how long to wait
   * for the next; undefined: it is a crash loop.
   */
  onDied(nowMs: number, livedMs: number): number | undefined {
    if (livedMs > HEALTHY_MS) {
      this.#crashes = [];
      this.#waitMs = RESTART_MS_MIN;
      return this.#waitMs;
    }
    this.#crashes = this.#crashes.filter((atMs) => nowMs - atMs < CRASH_WINDOW_MS);
    this.#crashes.push(nowMs);
    if (this.#crashes.length >= CRASHES_MAX) return undefined;
    this.#waitMs = Math.min(this.#waitMs * 2, RESTART_MS_MAX);
    return this.#waitMs;
  }
}

/** What ends the process then; `last` is what the last worker died of. */
export function crashLoop(shard: number, last: Error): OperatingError {
  return new OperatingError(
    'ERR_WORKER_CRASH_LOOP',
    `workers of shard ${shard} died ${CRASHES_MAX} times within ${CRASH_WINDOW_MS / 60_000} minutes, ` +
      `the last time of: ${last.message}. Another one would die too: report it, with the log`,
  );
}

/** One that dies before it is a shard's worker. */
export function neverBegan(cause: Error): OperatingError {
  return new OperatingError(
    'ERR_WORKER_CRASH_LOOP',
    `a worker died before it began, of: ${cause.message}. Another one would die too: look for memory and ` +
      'threads that the process may have, or report it, with the log',
  );
}

/** A worker that does not end when it is ended: its memory cannot be used again, nor its shard replaced. */
export function unendable(shard: number, seconds: number, hasBegun: boolean): OperatingError {
  const what = hasBegun
    ? `has been stuck for ${seconds} s outside of JavaScript, and cannot be ended but with the process`
    : `has not begun within ${seconds} s`;
  return new OperatingError(
    'ERR_WORKER_STUCK',
    `the worker of shard ${shard} ${what}: report it, with the log`,
  );
}
