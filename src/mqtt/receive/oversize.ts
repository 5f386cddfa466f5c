/* A payload that is over the limit and shall be kept as a dead letter: it is read piece by piece, at the
 * pace of the disk, and never held whole.
 */

/** Takes such a payload; one call at a time. */
export interface OversizeSink {
  /** Rejects when it cannot be kept; then only `abort` is left. */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves once all of it is on the disk. */
  commit(): Promise<void>;
  /** The connection is gone, perhaps during a `write`, or a call was rejected. The last call. */
  abort(): void;
}

/** Takes what is kept already. */
export const DISCARD: OversizeSink = {
  write: async () => {},
  commit: async () => {},
  abort: () => {},
};

/** Reads an oversize payload out of a connection's receive buffer. */
export class OversizePayload {
  readonly #sink: OversizeSink;
  #left: number;
  #ended = false;

  constructor(sink: OversizeSink, bytes: number) {
    this.#sink = sink;
    this.#left = bytes;
  }

  /** How much of `available` bytes belongs to it. */
  take(available: number): number {
    return Math.min(available, this.#left);
  }

  /** Keeps a chunk, which must be the caller's no more. True: it was the last, and is on the disk. */
  async keep(chunk: Uint8Array): Promise<boolean> {
    await this.#sink.write(chunk);
    this.#left -= chunk.byteLength;
    if (this.#left > 0 || this.#ended) return false;
    // From here on it is not taken back when the connection goes: its redelivery will be joined.
    this.#ended = true;
    try {
      await this.#sink.commit();
    } catch (error) {
      this.#sink.abort();
      throw error;
    }
    return true;
  }

  /** The rest will not come. */
  abort(): void {
    if (!this.#ended) this.#sink.abort();
    this.#ended = true;
  }
}
