/* LineSink: log lines on their way to a file descriptor. Main thread only. The log matters less than
 * what the process is for:
 *
 * 1. It never throws. Where a write fails, because the reader has gone or the disk is full, what waits is
 *    dropped; the next line is tried again.
 * 2. It never waits. What the reader has no room for now is kept, `bytesMax` at most, and tried again;
 *    beyond that lines are dropped.
 * 3. Lines stay whole: after one of which only a part could be written a new line begins.
 */
export interface LineSinkOptions {
  /** Returns how many bytes it took; throws as `writeSync` does. */
  readonly write: (bytes: Uint8Array) => number;
  readonly bytesMax: number;
  /** Calls back a little later, unless the process ends before: no log holds that up. */
  readonly later: (callback: () => void) => void;
}

export class LineSink {
  readonly #options: LineSinkOptions;
  #waiting = Buffer.alloc(0);
  /** The last byte that was written is not a newline. */
  #isInLine = false;
  #isRetryDue = false;

  constructor(options: LineSinkOptions) {
    this.#options = options;
  }

  /** Takes a line with its newline. */
  write(line: string): void {
    const isCut = this.#isInLine && this.#waiting.byteLength === 0;
    const bytes = Buffer.from(isCut ? `\n${line}` : line);
    if (this.#waiting.byteLength + bytes.byteLength > this.#options.bytesMax) return;
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    if (!this.#isRetryDue) this.#flush();
  }

  #flush(): void {
    try {
      while (this.#waiting.byteLength > 0) {
        const count = this.#options.write(this.#waiting);
        if (count > 0) this.#isInLine = this.#waiting[count - 1] !== 0x0a;
        this.#waiting = this.#waiting.subarray(count);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#flushLater();
      else this.#waiting = Buffer.alloc(0);
    }
  }

  #flushLater(): void {
    this.#isRetryDue = true;
    this.#options.later(() => {
      this.#isRetryDue = false;
      this.#flush();
    });
  }
}
