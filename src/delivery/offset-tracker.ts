/* OffsetTracker: which offset of one topic-partition may be committed. Records are opened in the order in
 * which they were read and settled in any; what may be committed is the offset behind the last record
 * before which nothing is open. Main thread only.
 *
 *      first               first + count
 *   ... | open | settled | settled | open |          a record's number is its place, modulo 2^32
 *         ^ the offset of this one is what a restart reads first
 *
 * 1. `next` never passes a record that is open (invariant 4 of the design).
 * 2. Offsets have gaps (compaction, transactions), and fall where a topic was made anew or a partition has
 *    lost its end: so a record is known by its number, not its offset, and `next` falls with them.
 * 3. What is held is bounded by the ring that the records lie in: its frames are what is counted here.
 */
import { assert } from '../base/assert.js';

const CAPACITY_MIN = 64;

export class OffsetTracker {
  #offsets = new Float64Array(CAPACITY_MIN);
  #settled = new Uint8Array(CAPACITY_MIN);
  /** The number of the oldest record that is held. */
  #first = 0;
  #count = 0;
  #openCount = 0;
  #last = -1;
  #next = -1;

  /** The offset to commit: the next one to read; -1 while nothing before it is settled. */
  get next(): number {
    return this.#next;
  }

  /** The offset of the record that was read last; -1 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Records that are not settled. */
  get openCount(): number {
    return this.#openCount;
  }

  /** A record was read; returns the number to settle it by. */
  open(offset: number): number {
    if (this.#count === this.#offsets.length) this.#grow();
    const number = (this.#first + this.#count) >>> 0;
    const at = number & (this.#offsets.length - 1);
    this.#offsets[at] = offset;
    this.#settled[at] = 0;
    this.#last = offset;
    this.#count++;
    this.#openCount++;
    return number;
  }

  /** The record is done with. True: `next` is another. */
  settle(number: number): boolean {
    const mask = this.#offsets.length - 1;
    assert((number - this.#first) >>> 0 < this.#count, `record ${number} is not held`);
    assert(this.#settled[number & mask] === 0, `record ${number} was settled before`);
    this.#settled[number & mask] = 1;
    this.#openCount--;
    if (number !== this.#first) return false;
    while (this.#count > 0 && this.#settled[this.#first & mask] === 1) {
      this.#next = (this.#offsets[this.#first & mask] as number) + 1;
      this.#first = (this.#first + 1) >>> 0;
      this.#count--;
    }
    return true;
  }

  #grow(): void {
    const offsets = new Float64Array(2 * this.#offsets.length);
    const settled = new Uint8Array(offsets.length);
    for (let i = 0; i < this.#count; i++) {
      const number = (this.#first + i) >>> 0;
      const from = number & (this.#offsets.length - 1);
      offsets[number & (offsets.length - 1)] = this.#offsets[from] as number;
      settled[number & (offsets.length - 1)] = this.#settled[from] as number;
    }
    this.#offsets = offsets;
    this.#settled = settled;
  }
}
