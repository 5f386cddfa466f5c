/* BytesCache: values by bytes of theirs, such as topics by their names, found without a string being made.
 * Open addressing over a power of two that doubles up to a capacity; when that is full it is emptied,
 * which costs each value in use one miss. Main thread only.
 *
 * The hash is seeded at random: whoever chooses the bytes cannot choose ones that collide.
 */
/** Slots at first: what few topics there are at most sites fit, and so do their hashes in the CPU's cache. */
const SLOTS_AT_FIRST = 2048;

export interface WithBytes {
  readonly bytes: Uint8Array;
}

export class BytesCache<T extends WithBytes> {
  readonly #capacity: number;
  readonly #seed: number;
  #mask: number;
  #hashes: Int32Array;
  #values: (T | undefined)[];
  #size = 0;

  /** @param capacity how many values are kept, a power of two */
  constructor(capacity: number, seed: number) {
    this.#capacity = capacity;
    // Half full at most, so that probes stay short.
    const slots = Math.min(capacity * 2, SLOTS_AT_FIRST);
    this.#mask = slots - 1;
    this.#seed = seed | 0;
    this.#hashes = new Int32Array(slots);
    this.#values = new Array<T | undefined>(slots).fill(undefined);
  }

  /** The value whose bytes are `bytes[start..end)`. */
  find(bytes: Uint8Array, start: number, end: number): T | undefined {
    const hash = this.#hash(bytes, start, end);
    let slot = hash & this.#mask;
    for (;;) {
      const value = this.#values[slot];
      if (value === undefined) return undefined;
      if (this.#hashes[slot] === hash && sameBytes(value.bytes, bytes, start, end)) return value;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** Whether the next `add` empties it. */
  get full(): boolean {
    return this.#size === this.#capacity;
  }

  /** Forgets everything, each told to `onForgotten`. */
  empty(onForgotten: (value: T) => void = () => {}): void {
    for (const value of this.#values) if (value !== undefined) onForgotten(value);
    this.#values = new Array<T | undefined>(this.#mask + 1).fill(undefined);
    this.#size = 0;
  }

  /** Keeps a value whose bytes are not found. */
  add(value: T): void {
    if (this.full) this.empty();
    else if (this.#size * 2 > this.#mask) this.#grow();
    this.#put(value, this.#hash(value.bytes, 0, value.bytes.length));
    this.#size++;
  }

  #put(value: T, hash: number): void {
    let slot = hash & this.#mask;
    while (this.#values[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#values[slot] = value;
    this.#hashes[slot] = hash;
  }

  #grow(): void {
    const values = this.#values;
    const hashes = this.#hashes;
    const slots = values.length * 2;
    this.#mask = slots - 1;
    this.#hashes = new Int32Array(slots);
    this.#values = new Array<T | undefined>(slots).fill(undefined);
    for (const [slot, value] of values.entries()) {
      if (value !== undefined) this.#put(value, hashes[slot] as number);
    }
  }

  #hash(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.#seed;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    // FNV's low bits mix poorly.
    return hash ^ (hash >>> 15);
  }
}

function sameBytes(own: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (own.length !== end - start) return false;
  for (let i = 0; i < own.length; i++) if (own[i] !== bytes[start + i]) return false;
  return true;
}
