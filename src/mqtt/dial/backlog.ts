/* Backlog: what was read and is not wanted yet, in order. The kernel stops at once; what decrypts or
 * unpacks has read some more by then: what one read of the network had, and of WebSocket a message.
 *
 *   block   | handed on | waits, one view | free: bytes that are decrypted next go here |
 *
 * 1. What is decrypted while it is not wanted fills blocks, one after the other: however small the records of
 *    TLS, what waits takes one block more than its own bytes, and one view for each block.
 * 2. A block is used again once nothing waits.
 */
import type { DialOptions } from './transport.js';

/** What OpenSSL decrypts at once: a record of TLS [RFC 8446, section 5.1]. */
export const BLOCK_BYTES = 16_384;

export class Backlog {
  readonly #options: Pick<DialOptions, 'nextBuffer' | 'onBytes'>;
  readonly #unread: Uint8Array[] = [];
  #block = new Uint8Array(0);
  /** How much of the block is filled. */
  #blockBytes = 0;
  /** Whether the last `nextBuffer` was of the block. */
  #isAside = false;
  #paused = false;
  #handing = false;

  constructor(options: Pick<DialOptions, 'nextBuffer' | 'onBytes'>) {
    this.#options = options;
  }

  /** Where the next bytes shall go: to the reader's memory, or where they wait. */
  nextBuffer(): Uint8Array {
    this.#isAside = this.#isNeeded;
    if (!this.#isAside) return this.#options.nextBuffer();
    if (this.#unread.length === 0) this.#blockBytes = 0;
    if (this.#blockBytes === this.#block.length) {
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#blockBytes = 0;
    }
    return this.#block.subarray(this.#blockBytes);
  }

  /** `bytes` of them went to the start of the last `nextBuffer`. */
  onBytes(bytes: number): void {
    if (!this.#isAside) {
      this.#options.onBytes(bytes);
      return;
    }
    const from = this.#blockBytes;
    this.#blockBytes += bytes;
    this.take(this.#block.subarray(from, this.#blockBytes));
  }

  /** Takes bytes that stay as they are, and hands them on as soon as they are wanted. */
  take(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const last = this.#unread.at(-1);
    if (last !== undefined && last.buffer === bytes.buffer && endOf(last) === bytes.byteOffset) {
      const both = last.length + bytes.length;
      this.#unread[this.#unread.length - 1] = new Uint8Array(last.buffer, last.byteOffset, both);
    } else {
      this.#unread.push(bytes);
    }
    this.#handOn();
  }

  pause(): void {
    this.#paused = true;
  }

  /** Hands on what waits. True: that was all, and reading may go on. */
  resume(): boolean {
    this.#paused = false;
    this.#handOn();
    return !this.#isNeeded;
  }

  /** Nobody wants them any more. */
  clear(): void {
    this.#unread.length = 0;
  }

  /** Whether what comes next has to wait here. */
  get #isNeeded(): boolean {
    return this.#paused || this.#unread.length > 0;
  }

  #handOn(): void {
    if (this.#handing) return;
    this.#handing = true;
    while (!this.#paused) {
      const bytes = this.#unread[0];
      if (bytes === undefined) break;
      const room = this.#options.nextBuffer();
      const taken = Math.min(bytes.length, room.length);
      room.set(bytes.subarray(0, taken));
      if (taken === bytes.length) this.#unread.shift();
      else this.#unread[0] = bytes.subarray(taken);
      this.#options.onBytes(taken);
    }
    this.#handing = false;
  }
}

function endOf(view: Uint8Array): number {
  return view.byteOffset + view.byteLength;
}
