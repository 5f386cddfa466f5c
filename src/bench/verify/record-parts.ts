/* Parts of a record as it lies in the ring, read by the million: no text is made of them. */
import { HEADER_ENTRY_BYTES } from '../../channel/frame.js';
import { RECORD_VALUE_NULL } from '../../channel/record-frame.js';
import type { RecordRing } from '../../channel/record-ring.js';

const SLASH = 0x2f;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** The decimal number that follows the last slash from `start` to `end`; -1: none does. */
export function numberAtEnd(bytes: Uint8Array, start: number, end: number): number {
  let number = 0;
  let scale = 1;
  for (let n = end - 1; n >= start; n -= 1) {
    const byte = bytes[n] as number;
    if (byte === SLASH) return scale > 1 ? number : -1;
    if (byte < DIGIT_0 || byte > DIGIT_9) return -1;
    number += (byte - DIGIT_0) * scale;
    scale *= 10;
  }
  return -1;
}

/** The headers of a record one after the other, in place; the layout is that of channel/record-frame.ts. */
export class HeaderCursor {
  #bytes: Uint8Array = new Uint8Array(0);
  #left = 0;
  #nameStart = 0;
  /** Of the header under the cursor. */
  valueStart = 0;
  valueEnd = 0;

  /** Stands before the first header. */
  begin(record: RecordRing): void {
    this.#bytes = record.body;
    this.#left = record.headerCount;
    this.valueEnd = record.headersStart;
  }

  /** Moves to the next header; false: there is none. */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    const bytes = this.#bytes;
    const entry = this.valueEnd;
    this.#nameStart = entry + HEADER_ENTRY_BYTES;
    this.valueStart =
      this.#nameStart + ((bytes[entry] as number) | ((bytes[entry + 1] as number) << 8));
    this.valueEnd = this.valueStart + this.#uint32At(entry + 4);
    return true;
  }

  /** Whether it has this name, and a value. */
  is(name: Buffer): boolean {
    if (this.#bytes[this.#nameStart - HEADER_ENTRY_BYTES + 2] === RECORD_VALUE_NULL) return false;
    return name.compare(this.#bytes, this.#nameStart, this.valueStart) === 0;
  }

  /** Whether its value is this. */
  valueIs(value: Uint8Array): boolean {
    return this.value.equals(value);
  }

  /** A view, not a copy. */
  get value(): Buffer {
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset + this.valueStart, this.valueEnd - this.valueStart);
  }

  /** For people. */
  get name(): string {
    return Buffer.from(this.#bytes.slice(this.#nameStart, this.valueStart)).toString();
  }

  #uint32At(at: number): number {
    const bytes = this.#bytes;
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    return low + (bytes[at + 2] as number) * 2 ** 16 + (bytes[at + 3] as number) * 2 ** 24;
  }
}
