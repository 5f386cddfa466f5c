/** Arrivals: which of the messages numbered from 0 have come, each once: a bit a message. */
export class Arrivals {
  /** Each once. */
  count = 0;
  duplicates = 0;
  #bits = new Uint8Array(64 * 1024);

  /** A message has come; true: for the first time. */
  take(sequence: number): boolean {
    const at = sequence >>> 3;
    if (at >= this.#bits.length) this.#grow(at + 1);
    const bit = 1 << (sequence & 7);
    const bits = this.#bits[at] as number;
    if ((bits & bit) !== 0) {
      this.duplicates += 1;
      return false;
    }
    this.#bits[at] = bits | bit;
    this.count += 1;
    return true;
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#bits.length));
    larger.set(this.#bits);
    this.#bits = larger;
  }
}
