import type { Socket } from 'node:net';
import { assert } from '../../../base/assert.js';

/* Gathers packets into batches for one socket.
 *
 *   batch:  0 ......... start ........ used ........ length
 *           | handed to  | waits for    | free        |
 *           | the socket | the flush    |             |
 *
 * 1. Bytes that the socket has been given are never written again: a batch that is used up is left
 *    to the socket and replaced.
 * 2. A payload of `referenceBytesMin` or more goes to the socket by reference, between two parts of
 *    the batch; it must not change afterwards.
 * 3. `hasRoom` is false once `bufferedBytesMax` wait here or in the socket; the socket's 'drain'
 *    follows, since that bound lies far above its high-water mark.
 */

const batchBytes = 64 * 1024;
const referenceBytesMin = 16 * 1024;

export class PacketWriter {
  readonly #socket: Socket;
  readonly #bufferedBytesMax: number;
  #batch = Buffer.allocUnsafeSlow(batchBytes);
  #start = 0;
  #used = 0;
  #flushing: NodeJS.Immediate | undefined;
  #corked = false;

  constructor(socket: Socket, bufferedBytesMax: number) {
    assert(bufferedBytesMax >= batchBytes, 'the bound must lie above the high-water mark');
    this.#socket = socket;
    this.#bufferedBytesMax = bufferedBytesMax;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength + this.#used - this.#start;
  }

  get hasRoom(): boolean {
    return this.bufferedBytes < this.#bufferedBytesMax;
  }

  /** A place for exactly `bytes`, which the caller fills before anything else is written. */
  reserve(bytes: number): { readonly target: Buffer; readonly offset: number } {
    if (bytes > this.#batch.length - this.#used) {
      this.#handOver();
      this.#batch = Buffer.allocUnsafeSlow(Math.max(batchBytes, bytes));
      this.#start = 0;
      this.#used = 0;
    }
    const offset = this.#used;
    this.#used += bytes;
    this.#schedule();
    return { target: this.#batch, offset };
  }

  /** Appends `bytes`, by reference where they are many. */
  write(bytes: Buffer): void {
    if (bytes.length < referenceBytesMin) {
      const { target, offset } = this.reserve(bytes.length);
      bytes.copy(target, offset);
      return;
    }
    this.#handOver();
    this.#toSocket(bytes);
    this.#schedule();
  }

  flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    this.#handOver();
    if (this.#corked) this.#socket.uncork();
    this.#corked = false;
  }

  #schedule(): void {
    this.#flushing ??= setImmediate(() => this.flush());
  }

  #handOver(): void {
    if (this.#used === this.#start) return;
    this.#toSocket(this.#batch.subarray(this.#start, this.#used));
    this.#start = this.#used;
  }

  #toSocket(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    if (!this.#corked) this.#socket.cork();
    this.#corked = true;
    this.#socket.write(bytes);
  }
}
