/* Output: what one connection writes: many packets to one write of the socket. Main thread only.
 *
 *   chunk   | with the socket | not written yet | free: the next packet goes here |
 *                          start              end
 *
 * 1. Bytes that the socket holds are not written to: a chunk is used again only when all of it has gone
 *    to the kernel.
 * 2. There are no more chunks than hold what the socket has not taken, and one.
 */
const CHUNK_BYTES = 131_072;

/** The bytes of packets, in a chunk that the socket may still be reading from. */
interface Retired {
  readonly bytes: Uint8Array;
  /** How much the connection has written, up to the end of what it has of this chunk. */
  readonly until: number;
}

export class Output {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #unsentBytes: () => number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #writtenBytes = 0;
  /** How much was written when the caller's own memory was last among it. */
  #borrowedUntil = 0;
  readonly #retired: Retired[] = [];

  /**
   * @param write takes bytes, which stay as they are until they are sent
   * @param unsentBytes how many of those are not with the kernel yet
   */
  constructor(write: (bytes: Uint8Array) => void, unsentBytes: () => number) {
    this.#write = write;
    this.#unsentBytes = unsentBytes;
  }

  /** Where `reserve` has found room. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Bytes that wait, here and in the socket. */
  get waitingBytes(): number {
    return this.#end - this.#start + this.#unsentBytes();
  }

  /** Whether memory of a caller's may still be read. */
  get borrowing(): boolean {
    return this.#sentBytes() < this.#borrowedUntil;
  }

  /** Where in `bytes` so many bytes may be put, to be followed by `commit`. */
  reserve(bytes: number): number {
    if (bytes > this.#bytes.length - this.#end) this.#renew(bytes);
    return this.#end;
  }

  /** What was reserved is filled up to `end`. */
  commit(end: number): void {
    this.#end = end;
  }

  /** Writes what was committed. */
  flush(): void {
    if (this.#start === this.#end) return;
    const bytes = this.#bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#hand(bytes);
    // The beginning of the chunk is in the processor's cache.
    if (this.#unsentBytes() === 0) this.#rewind();
  }

  /** Writes bytes that nobody changes any more. */
  write(bytes: Uint8Array): void {
    this.flush();
    this.#hand(bytes);
  }

  /** Writes bytes of a caller's, who may change them once `borrowing` is false. */
  borrow(bytes: Uint8Array): void {
    this.write(bytes);
    this.#borrowedUntil = this.#writtenBytes;
  }

  #hand(bytes: Uint8Array): void {
    this.#writtenBytes += bytes.length;
    this.#write(bytes);
  }

  #sentBytes(): number {
    return this.#writtenBytes - this.#unsentBytes();
  }

  #rewind(): void {
    this.#start = 0;
    this.#end = 0;
  }

  /** Makes a chunk with room for `bytes` the one in use. */
  #renew(bytes: number): void {
    this.flush();
    if (this.#end === 0 && bytes <= this.#bytes.length) return;
    // One that was made for a packet of unusual size is not kept.
    if (this.#bytes.length === CHUNK_BYTES) {
      this.#retired.push({ bytes: this.#bytes, until: this.#writtenBytes });
    }
    const oldest = this.#retired[0];
    if (oldest !== undefined && bytes <= CHUNK_BYTES && oldest.until <= this.#sentBytes()) {
      this.#retired.shift();
      this.#bytes = oldest.bytes;
    } else this.#bytes = new Uint8Array(Math.max(bytes, CHUNK_BYTES));
    this.#rewind();
  }
}
