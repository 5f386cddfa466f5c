/* PayloadCheck: whether payloads are what was sent, wherever their pieces lie. */
import { STAMP_BYTES, viewOf } from './stamp.js';

/** Up to here it costs less to compare words than to call `compare`. */
const BY_WORDS_BYTES_MAX = 512;

export class PayloadCheck {
  readonly #expected: Buffer;
  readonly #expectedView: DataView;
  #at = 0;
  #isGood = true;

  /** @param expected each payload is the beginning of this, but for its stamp */
  constructor(expected: Buffer) {
    this.#expected = expected;
    this.#expectedView = viewOf(expected);
  }

  /**
   * Whether a whole payload from `at` to `end` is as it was sent; of its stamp nothing is said.
   * @param view of the same bytes
   */
  isGood(bytes: Uint8Array, view: DataView, at: number, end: number): boolean {
    const length = end - at;
    if (length > BY_WORDS_BYTES_MAX)
      return this.#compare(bytes, at + STAMP_BYTES, end, STAMP_BYTES);
    const expected = this.#expected;
    if (length > expected.length) return false;
    let n = STAMP_BYTES;
    for (; n + 4 <= length; n += 4) {
      if (view.getUint32(at + n) !== this.#expectedView.getUint32(n)) return false;
    }
    for (; n < length; n += 1) if (bytes[at + n] !== expected[n]) return false;
    return true;
  }

  /** The byte there of every payload that is as long, but for a stamp. */
  expectedAt(index: number): number {
    return this.#expected[index] as number;
  }

  /** A payload begins that comes in pieces: with its stamp at least. */
  begin(bytes: Uint8Array, at: number, end: number): void {
    this.#isGood = this.#compare(bytes, at + STAMP_BYTES, end, STAMP_BYTES);
    this.#at = end - at;
  }

  /** The next piece of it. */
  goOn(bytes: Uint8Array, at: number, end: number): void {
    this.#isGood = this.#isGood && this.#compare(bytes, at, end, this.#at);
    this.#at += end - at;
  }

  /** Whether all its pieces were as they were sent. */
  get isGoodSoFar(): boolean {
    return this.#isGood;
  }

  #compare(bytes: Uint8Array, at: number, end: number, expectedAt: number): boolean {
    const expectedEnd = expectedAt + end - at;
    if (expectedEnd > this.#expected.length) return false;
    return this.#expected.compare(bytes, at, end, expectedAt, expectedEnd) === 0;
  }
}
