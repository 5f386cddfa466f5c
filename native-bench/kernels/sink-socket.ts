import type { Dial, DialOptions, Transport } from '../../src/mqtt/dial/transport.js';

/** As much of a socket as a connection uses: takes everything at once and keeps nothing. */
export class SinkSocket implements Transport {
  readonly connecting = false;
  readonly writableLength = 0;
  readonly writeQueueBytes = 0;
  bytesWritten = 0;
  readonly #options: DialOptions;
  #buffer: Uint8Array;

  constructor(options: DialOptions) {
    this.#options = options;
    this.#buffer = options.nextBuffer();
  }

  /** A `dial` that connects to nothing, and the socket that it gave last. */
  static dial(): { dial: Dial; socket: () => SinkSocket } {
    let last: SinkSocket | undefined;
    return {
      dial: (options) => {
        last = new SinkSocket(options);
        return last;
      },
      socket: () => last as SinkSocket,
    };
  }

  accept(): void {
    this.#options.onConnected();
  }

  /** The peer sends these bytes in one read; `receiveAgain` does the same once more. */
  receive(bytes: Uint8Array): void {
    this.#buffer.set(bytes);
    this.receiveAgain(bytes.length);
  }

  /** The kernel's copy is left out: the bytes still lie where they were read to the last time. */
  receiveAgain(bytes: number): void {
    this.#options.onBytes(bytes);
    this.#buffer = this.#options.nextBuffer();
  }

  write(bytes: Uint8Array): void {
    this.bytesWritten += bytes.length;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}
