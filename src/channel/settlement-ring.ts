/* SettlementRing: a worker's addon writes what became of records, main reads it. Entries of 8 bytes:
 * deliveryId, then the frame's length in units of 8 bytes shifted left by 4, or-ed with the
 * settlement. Main thread only.
 */
import { HEAD_WORD, RING_DATA_BYTES, TAIL_WORD, WAITING_WORD } from './ring-layout.js';

/** What became of a record; the same numbers as in src/native/settlements.h. */
export const DELIVERED = 0;
/** Possibly in Kafka, possibly not: its connection is closed and the redelivery taken. */
export const ABANDONED = 1;
export const EXPIRED = 2;
export type Settlement = typeof DELIVERED | typeof ABANDONED | typeof EXPIRED;

const ENTRY_BYTES = 8;

export type OnSettled = (deliveryId: number, frameBytes: number, settlement: Settlement) => void;

export class SettlementRing {
  readonly #control: Int32Array;
  readonly #entries: Int32Array;
  readonly #mask: number;
  readonly #onSettled: OnSettled;
  #tail = 0;

  constructor(memory: SharedArrayBuffer, onSettled: OnSettled) {
    this.#control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
    this.#entries = new Int32Array(memory, RING_DATA_BYTES);
    this.#mask = memory.byteLength - RING_DATA_BYTES - 1;
    this.#onSettled = onSettled;
    this.#tail = Atomics.load(this.#control, TAIL_WORD) >>> 0;
    Atomics.store(this.#control, WAITING_WORD, 1);
  }

  /** Reports every settlement in the ring, then asks to be woken for the next. Returns how many. */
  readAll(): number {
    let count = 0;
    for (;;) {
      Atomics.store(this.#control, WAITING_WORD, 0);
      const head = Atomics.load(this.#control, HEAD_WORD) >>> 0;
      while (this.#tail !== head) {
        const at = (this.#tail & this.#mask) / 4;
        const word = this.#entries[at + 1] as number;
        const settlement = (word & 0xf) as Settlement;
        this.#onSettled((this.#entries[at] as number) >>> 0, (word >>> 4) * 8, settlement);
        this.#tail = (this.#tail + ENTRY_BYTES) >>> 0;
        count++;
      }
      Atomics.store(this.#control, TAIL_WORD, this.#tail | 0);
      Atomics.store(this.#control, WAITING_WORD, 1);
      if (Atomics.load(this.#control, HEAD_WORD) >>> 0 === this.#tail) return count;
    }
  }
}
