/* BytesCache: values by bytes of theirs, such as topics by their names, found without a string being made.
 * Open addressing over a power of two; when it is full it is emptied, which costs each value in use one
 * miss. Main thread only.
 *
 * The hash is seeded at random: whoever chooses the bytes cannot choose ones that collide.
 */
export interface WithBytes {
  readonly bytes: Uint8Array;
}

export class BytesCache<T extends WithBytes> {
  readonly #capacity: number;
  readonly #mask: number;
  readonly #seed: number;
  readonly #hashes: Int32Array;
  #values: (T | undefined)[];
  #size = 0;

  /** @param capacity how many values are kept, a power of two */
  constructor(capacity: number, seed: number) {
    this.#capacity = capacity;
    // Half full at most, so that probes stay short.
    this.#mask = capacity * 2 - 1;
    this.#seed = seed | 0;
    this.#hashes = new Int32Array(capacity * 2);
    this.#values = new Array<T | undefined>(capacity * 2).fill(undefined);
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
    const hash = this.#hash(value.bytes, 0, value.bytes.length);
    let slot = hash & this.#mask;
    while (this.#values[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#values[slot] = value;
    this.#hashes[slot] = hash;
    this.#size++;
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
