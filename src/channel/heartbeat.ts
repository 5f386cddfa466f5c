/* Heartbeat: one word that a worker's loop advances once a second and main reads: the loop turns. Beside
 * it, which thread it is: main finds a worker by that which has not said a word yet.
 *
 *   byte 0    beats        ever counted, modulo 2^32
 *   byte 4    threadId     of the worker; 0 before its task runs
 */
import type { Clock } from '../base/clock.js';

const BEATS_WORD = 0;
const THREAD_WORD = 1;
const MEMORY_BYTES = 64;
/** As often as librdkafka's statistics wake a worker anyway. */
const BEAT_MS = 1000;

export function createHeartbeat(): SharedArrayBuffer {
  return new SharedArrayBuffer(MEMORY_BYTES);
}

/** The worker's: beats now, and for as long as its loop turns, until what comes back is called. */
export function startHeartbeat(
  memory: SharedArrayBuffer,
  threadId: number,
  clock: Pick<Clock, 'after'>,
): () => void {
  const words = new Int32Array(memory);
  let cancel: () => void = () => {};
  const beat = () => {
    Atomics.add(words, BEATS_WORD, 1);
    cancel = clock.after(BEAT_MS, beat);
  };
  Atomics.store(words, THREAD_WORD, threadId);
  beat();
  return () => cancel();
}

/** Main's: how often it has beaten. */
export function beatsOf(memory: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(memory), BEATS_WORD);
}

/** Main's: which thread it is; 0 where that is not known yet. */
export function threadOf(memory: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(memory), THREAD_WORD);
}
