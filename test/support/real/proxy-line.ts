import type { Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';

/** How bytes pass a proxy: as they come, not at all, or so many a second in each direction. */
export type Pace = 'open' | 'stalled' | { readonly bytesPerSecond: number };

/** Between two portions of what passes slowly. */
const PORTION_MS = 50;

/** One direction of a connection. */
export class Line extends Transform {
  readonly #from: Socket;
  readonly #to: Socket;
  #pace: Pace;
  /** What waits for another pace. */
  #passOn: () => void = () => {};
  /** How many bytes pass before the line is torn. */
  #leftBytes = Number.POSITIVE_INFINITY;

  constructor(from: Socket, to: Socket, pace: Pace) {
    super();
    this.#from = from;
    this.#to = to;
    this.#pace = pace;
  }

  set pace(pace: Pace) {
    this.#pace = pace;
    const passOn = this.#passOn;
    this.#passOn = () => {};
    passOn();
  }

  /** Ends the connection behind so many more bytes, wherever in a packet that is: the receiver has them. */
  tear(bytes: number): void {
    this.#leftBytes = bytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.destroyed) return;
    if (this.#pace === 'stalled') {
      this.#passOn = () => this._transform(chunk, _encoding, done);
      return;
    }
    const portion = portionBytes(this.#pace, chunk.length);
    const piece = chunk.subarray(0, portion);
    if (piece.length >= this.#leftBytes) {
      this.#end(piece.subarray(0, this.#leftBytes));
      return;
    }
    this.#leftBytes -= piece.length;
    this.push(piece);
    if (portion >= chunk.length) done();
    else setTimeout(() => this._transform(chunk.subarray(portion), _encoding, done), PORTION_MS);
  }

  #end(piece: Buffer): void {
    this.unpipe();
    this.#to.end(piece, () => reset(this.#from));
  }
}

/** As a network that fails does. */
export function reset(socket: Socket): void {
  // libuv refuses to reset what is being shut down, and Node takes it for closed all the same: its handle
  // would stay open, and the process never end.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** How much of what waits may pass now. */
function portionBytes(pace: Pace, waiting: number): number {
  if (typeof pace !== 'object') return waiting;
  return Math.max(1, Math.round((pace.bytesPerSecond * PORTION_MS) / 1000));
}
