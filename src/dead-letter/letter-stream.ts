/* A letter whose payload comes piece by piece, for what is too large to be held in memory. The
 * sender's pace decides how long it takes; it holds one chunk at a time and one file.
 *
 *   open -- write --> open -- commit --> ended         a write or a commit that fails: faulty,
 *     \-------------- abort ------------> ended         and from there only abort leads on
 */
import { assert } from '../base/assert.js';
import type { OperatingError } from '../base/errors.js';
import type { LetterFile } from './letter-file.js';

export interface LetterStreamOptions {
  readonly id: string;
  readonly file: LetterFile;
  readonly maxPayloadBytes: number;
  readonly fault: (error: unknown) => OperatingError;
  readonly committed: () => void;
  readonly aborted: () => Promise<void>;
}

export class LetterStream {
  readonly id: string;
  readonly #options: LetterStreamOptions;
  #state: 'open' | 'faulty' | 'ended' = 'open';
  #step: Promise<void> | undefined;

  /** Use `DeadLetterStore.begin`. */
  constructor(options: LetterStreamOptions) {
    this.id = options.id;
    this.#options = options;
  }

  /**
   * The chunk must stay as it is until the promise settles, and so must the caller: one call at a
   * time. Rejects beyond `maxPayloadBytes`; after any rejection only `abort` is left.
   */
  write(chunk: Uint8Array): Promise<void> {
    const { file, maxPayloadBytes } = this.#options;
    return this.#run(async () => {
      if (file.payloadBytes + chunk.byteLength > maxPayloadBytes) {
        throw new RangeError(`the payload has more than the ${maxPayloadBytes} bytes announced`);
      }
      await file.append(chunk);
    });
  }

  /** Resolves when the letter is durable. */
  commit(): Promise<void> {
    return this.#run(async () => {
      await this.#options.file.commit();
      this.#state = 'ended';
      this.#options.committed();
    });
  }

  /** Gives it up, at any time, unless a commit is under way and succeeds. Never rejects. */
  async abort(): Promise<void> {
    await this.#step?.catch(() => {});
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    await this.#options.aborted();
  }

  #run(work: () => Promise<void>): Promise<void> {
    assert(this.#step === undefined, 'a letter takes one call at a time');
    assert(this.#state === 'open', `this letter is ${this.#state}`);
    const step = work()
      .catch((error: unknown) => {
        this.#state = 'faulty';
        throw this.#options.fault(error);
      })
      .finally(() => {
        this.#step = undefined;
      });
    this.#step = step;
    return step;
  }
}
