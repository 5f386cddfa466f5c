/* PubackWriter: the PUBACKs for what one read has brought, in one write. */

const PUBACK_BYTES = 4;
const FIRST_ROOM = 1024;

export class PubackWriter {
  readonly #write: (bytes: Buffer) => void;
  #bytes = Buffer.allocUnsafe(FIRST_ROOM * PUBACK_BYTES);
  #length = 0;

  /** @param write takes bytes, which stay as they are */
  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  /** In the order of the PUBLISHes [MQTT-4.6.0-2]. */
  add(packetId: number): void {
    if (this.#length === this.#bytes.length) this.#grow();
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 0x40;
    bytes[at++] = 2;
    bytes[at++] = packetId >> 8;
    bytes[at++] = packetId & 0xff;
    this.#length = at;
  }

  flush(): void {
    if (this.#length === 0) return;
    this.#write(Buffer.from(this.#bytes.subarray(0, this.#length)));
    this.#length = 0;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length);
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}
