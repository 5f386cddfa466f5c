/* Backlog: what was read and is not wanted yet, in order. The kernel stops at once; what decrypts or
 * unpacks has read some more by then: what one read of the network had, and of WebSocket a message.
 */
import type { DialOptions } from './transport.js';

export class Backlog {
  readonly #options: Pick<DialOptions, 'nextBuffer' | 'onBytes'>;
  readonly #unread: Uint8Array[] = [];
  #paused = false;
  #handing = false;

  constructor(options: Pick<DialOptions, 'nextBuffer' | 'onBytes'>) {
    this.#options = options;
  }

  /** Whether what comes next has to wait here. */
  get isNeeded(): boolean {
    return this.#paused || this.#unread.length > 0;
  }

  /** Takes bytes that stay as they are, and hands them on as soon as they are wanted. */
  take(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#unread.push(bytes);
    this.#handOn();
  }

  pause(): void {
    this.#paused = true;
  }

  /** Hands on what waits. True: that was all, and reading may go on. */
  resume(): boolean {
    this.#paused = false;
    this.#handOn();
    return !this.isNeeded;
  }

  /** Nobody wants them any more. */
  clear(): void {
    this.#unread.length = 0;
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
