/* PayloadSlab: shared memory for payloads too big for a frame, from the socket to the delivery report.
 * Main thread only: main hands regions out and takes them back; workers read them in between.
 *
 *   0                                                          size
 *   | taken | free | taken | taken |          free             |
 *
 * 1. A region belongs to one PUBLISH from `reserve` to `release`, all parts of its delivery settled.
 * 2. First fit from the bottom, in whole pages: pages that were written to are used again before new
 *    ones, so that memory in use follows the load and not the slab's size. A ring would walk through
 *    all of it, and one region held at its tail would stop it (docs/decisions).
 * 3. Free extents are sorted, never touch, and with the taken regions cover the slab.
 */
import { assert } from '../base/assert.js';

const PAGE_BYTES = 4096;

export class PayloadSlab {
  /** How much of a slab a region for `bytes` takes. */
  static regionBytes(bytes: number): number {
    return roundUp(bytes);
  }

  readonly memory: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  /** Start and length of each free extent, by start. */
  readonly #free: { start: number; bytes: number }[];
  readonly #taken = new Map<number, number>();
  #takenBytes = 0;

  /** @param sizeBytes rounded up to whole pages */
  constructor(sizeBytes: number) {
    const size = roundUp(sizeBytes);
    this.memory = new SharedArrayBuffer(size);
    this.bytes = new Uint8Array(this.memory);
    this.#free = [{ start: 0, bytes: size }];
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Start of a region of at least `bytes`, or -1 when there is none now. */
  reserve(bytes: number): number {
    const needed = roundUp(bytes);
    const index = this.#free.findIndex((extent) => extent.bytes >= needed);
    const extent = this.#free[index];
    if (extent === undefined) return -1;
    const start = extent.start;
    if (extent.bytes === needed) this.#free.splice(index, 1);
    else {
      extent.start += needed;
      extent.bytes -= needed;
    }
    this.#taken.set(start, needed);
    this.#takenBytes += needed;
    return start;
  }

  release(start: number): void {
    const bytes = this.#taken.get(start);
    assert(bytes !== undefined, `no region at ${start} is taken`);
    this.#taken.delete(start);
    this.#takenBytes -= bytes;
    let index = this.#free.findIndex((extent) => extent.start > start);
    if (index < 0) index = this.#free.length;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    const joinsAfter = after !== undefined && start + bytes === after.start;
    if (before !== undefined && before.start + before.bytes === start) {
      before.bytes += bytes + (joinsAfter ? after.bytes : 0);
      if (joinsAfter) this.#free.splice(index, 1);
    } else if (joinsAfter) {
      after.start = start;
      after.bytes += bytes;
    } else {
      this.#free.splice(index, 0, { start, bytes });
    }
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(Math.max(bytes, 1) / PAGE_BYTES) * PAGE_BYTES;
}
