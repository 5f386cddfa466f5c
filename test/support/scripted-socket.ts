import { type Packet, parser } from 'mqtt-packet';
import type { Dial, DialOptions, Transport } from '../../src/mqtt/dial/transport.js';

/* Stands for a dialled socket: the test is the peer. Reads arrive as node:net has them with `onread`:
 * into the buffer that was asked for after the read before, and none while reading is paused. */

export class ScriptedSocket implements Transport {
  readonly options: DialOptions;
  connecting = true;
  destroyed = false;
  /** Whether our side said that it sends no more. */
  ended = false;
  bytesWritten = 0;
  /** What the peer has not taken yet. */
  writableLength = 0;
  readonly writeQueueBytes = 0;
  /** While true, the peer takes nothing. */
  stalled = false;
  #paused = false;
  #closed = false;
  #buffer: Uint8Array;
  #incoming: Buffer[] = [];
  #pumping = false;
  #written: Buffer[] = [];

  constructor(options: DialOptions) {
    this.options = options;
    this.#buffer = options.nextBuffer();
  }

  // What connection.ts calls.

  write(bytes: Uint8Array): void {
    if (this.destroyed || this.ended) throw new Error('written after the end');
    this.bytesWritten += bytes.length;
    this.#written.push(Buffer.from(bytes));
    if (this.stalled) this.writableLength += bytes.length;
  }

  end(): void {
    this.ended = true;
  }

  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    process.nextTick(() => this.#close(error));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  // What the peer does.

  get paused(): boolean {
    return this.#paused;
  }

  /** Bytes that were sent and not read yet. */
  get unread(): number {
    return this.#incoming.reduce((sum, { length }) => sum + length, 0);
  }

  accept(): void {
    this.connecting = false;
    this.options.onConnected();
  }

  /** Sends bytes: one read for each piece, as far as its buffer goes. */
  send(...pieces: readonly Uint8Array[]): void {
    this.#incoming.push(...pieces.filter(({ length }) => length > 0).map((it) => Buffer.from(it)));
    this.#pump();
  }

  /** Takes what was held back. */
  take(bytes = this.writableLength): void {
    const held = this.writableLength > 0;
    this.writableLength -= bytes;
    if (held && this.writableLength === 0) this.options.onDrained();
  }

  /** The peer closes the connection, or the network breaks it. */
  close(error?: Error): void {
    this.destroyed = true;
    this.#close(error);
  }

  /** The packets written since the last call. */
  packets(): Packet[] {
    const found: Packet[] = [];
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => found.push(packet));
    reader.on('error', (error: Error) => {
      throw error;
    });
    for (const bytes of this.#written.splice(0)) reader.parse(bytes);
    return found;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#paused && !this.destroyed && this.#incoming.length > 0) {
      const piece = this.#incoming[0] as Buffer;
      const bytes = Math.min(piece.length, this.#buffer.length);
      this.#buffer.set(piece.subarray(0, bytes));
      if (bytes === piece.length) this.#incoming.shift();
      else this.#incoming[0] = piece.subarray(bytes);
      this.options.onBytes(bytes);
      this.#buffer = this.options.nextBuffer();
    }
    this.#pumping = false;
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.options.onClosed(error);
  }
}

/** A `dial` that connects to nothing, and the sockets that it gave. */
export function scriptedDial(): {
  readonly dial: Dial;
  readonly sockets: ScriptedSocket[];
} {
  const sockets: ScriptedSocket[] = [];
  const dial: Dial = (options) => {
    const socket = new ScriptedSocket(options);
    sockets.push(socket);
    return socket;
  };
  return { dial, sockets };
}

/** Lets what was put off to the next turn happen. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
