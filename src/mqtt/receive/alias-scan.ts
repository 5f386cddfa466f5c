/* AliasScan: finds the Topic Alias of a PUBLISH whose properties are too many to be read: they pass by in
 * chunks, and nothing of them is kept. Without it what comes later under that alias would be nobody's.
 * Says nothing about whether the properties are sound.
 *
 *   id -> high -> low -> (as many bytes as they say) -> id      strings; two of them for a user property
 *    |-> (a fixed number of bytes) -> id
 *    '-> varint -> id
 */
type State = 'id' | 'high' | 'low' | 'varint';

const TOPIC_ALIAS = 0x23;
const USER_PROPERTY = 0x26;
const SUBSCRIPTION_ID = 0x0b;
/** Properties that are of one size, by identifier. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 1, 2: 4 };
/** Content Type, Response Topic, Correlation Data. */
const COUNTED: ReadonlySet<number> = new Set([3, 8, 9]);

export class AliasScan {
  /** 0 while none is found. */
  alias = 0;
  #state: State = 'id';
  /** Bytes that nobody has to look at. */
  #skip: number;
  #left: number;
  #high = 0;
  #strings = 0;
  #isAlias = false;

  /** @param before bytes that come before the properties */
  constructor(before: number, propertiesBytes: number) {
    this.#skip = before;
    this.#left = before + propertiesBytes;
  }

  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#left > 0) {
      const bytes = this.#skip === 0 ? 1 : Math.min(this.#skip, chunk.length - at);
      if (this.#skip > 0) this.#skip -= bytes;
      else this.#step(chunk[at] as number);
      at += bytes;
      this.#left -= bytes;
    }
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'id':
        this.#begin(byte);
        break;
      case 'high':
        this.#high = byte;
        this.#state = 'low';
        break;
      case 'low':
        this.#onNumber((this.#high << 8) | byte);
        break;
      case 'varint':
        if (byte < 0x80) this.#state = 'id';
    }
  }

  #begin(id: number): void {
    this.#isAlias = id === TOPIC_ALIAS;
    this.#strings = id === USER_PROPERTY ? 2 : 1;
    const fixed = FIXED_BYTES[id];
    if (fixed !== undefined) this.#skip = fixed;
    else if (id === SUBSCRIPTION_ID) this.#state = 'varint';
    else if (this.#isAlias || id === USER_PROPERTY || COUNTED.has(id)) this.#state = 'high';
    // A PUBLISH has no such property: where the next one begins, nobody knows.
    else this.#left = 0;
  }

  #onNumber(value: number): void {
    if (this.#isAlias) {
      this.alias = value;
      this.#left = 0;
      return;
    }
    this.#skip = value;
    this.#strings--;
    this.#state = this.#strings > 0 ? 'high' : 'id';
  }
}
