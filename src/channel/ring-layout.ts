/* The memory of one ring between the main thread and a worker: one writer, one reader.
 * src/native/ring.h is the same layout for the addon and states the invariants.
 *
 *   byte 0    head     bytes ever published, modulo 2^32; its own cache line
 *   byte 64   tail     bytes ever released; its own cache line
 *   byte 128  waiting  1 while the reader is idle and wants its doorbell rung
 *   byte 132  blocked  1 while the writer has no room and wants its doorbell rung; record ring only
 *   byte 192  data, a power of two
 */
import { assert } from '../base/assert.js';

export const HEAD_WORD = 0;
export const TAIL_WORD = 16;
export const WAITING_WORD = 32;
export const BLOCKED_WORD = 33;
export const RING_DATA_BYTES = 192;

/** Memory for a ring of `capacityBytes` (a power of two from 64 to 2^30), with nobody waiting. */
export function createRingMemory(capacityBytes: number): SharedArrayBuffer {
  assert(
    Number.isInteger(Math.log2(capacityBytes)) && capacityBytes >= 64 && capacityBytes <= 2 ** 30,
    `a ring holds a power of two from 64 to 2^30 bytes, not ${capacityBytes}`,
  );
  return new SharedArrayBuffer(RING_DATA_BYTES + capacityBytes);
}
