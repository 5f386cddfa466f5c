/* DeadLetterDesk: between the flow and the dead-letter store. A letter that cannot be stored now is
 * held and tried again, and what waits here is bounded. Main thread only.
 *
 * 1. `done` is called once, after the letter is on the disk, and never before.
 * 2. `hasRoom` false means: do not bring another message, its payload would have to wait in memory.
 */
import type { Clock } from '../base/clock.js';
import { OperatingError } from '../base/errors.js';
import type { DeadLetter } from '../dead-letter/letter.js';

const WAITING_BYTES_MAX = 32 * 1024 * 1024;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;

export interface LetterStore {
  put(letter: DeadLetter): Promise<string>;
}

export class DeadLetterDesk {
  readonly #store: LetterStore;
  readonly #clock: Clock;
  readonly #onHeld: (letter: DeadLetter, detail: string) => void;
  readonly #onReleased: (letter: DeadLetter) => void;
  #waitingBytes = 0;
  #held = 0;
  #closed = false;
  /** Cancels of the attempts that are due. */
  readonly #retries = new Set<() => void>();

  constructor(
    store: LetterStore,
    clock: Clock,
    onHeld: (letter: DeadLetter, detail: string) => void,
    onReleased: (letter: DeadLetter) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#onHeld = onHeld;
    this.#onReleased = onReleased;
  }

  /** Whether another payload may wait here; always true for the first. */
  get hasRoom(): boolean {
    return this.#waitingBytes < WAITING_BYTES_MAX;
  }

  /** Letters that the store has not taken, and tried at least once. */
  get held(): number {
    return this.#held;
  }

  /** Tries nothing again any more: what is held is left to the sender's redelivery. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#retries) cancel();
    this.#retries.clear();
  }

  /** Stores a letter, however long it takes; `payload` must stay as it is until `done`. */
  put(letter: DeadLetter, done: (id: string) => void): void {
    this.#waitingBytes += letter.payload.byteLength;
    this.#try(letter, done, 0);
  }

  #try(letter: DeadLetter, done: (id: string) => void, waitedMs: number): void {
    this.#store.put(letter).then(
      (id) => {
        if (waitedMs > 0) {
          this.#held--;
          this.#onReleased(letter);
        }
        this.#waitingBytes -= letter.payload.byteLength;
        done(id);
      },
      (error: unknown) => {
        if (!(error instanceof OperatingError)) throw error;
        if (waitedMs === 0) {
          this.#held++;
          this.#onHeld(letter, error.message);
        }
        const waitMs = Math.min(Math.max(waitedMs * 2, RETRY_MS_MIN), RETRY_MS_MAX);
        this.#tryLater(letter, done, waitMs);
      },
    );
  }

  #tryLater(letter: DeadLetter, done: (id: string) => void, waitMs: number): void {
    if (this.#closed) return;
    const cancel = this.#clock.after(waitMs, () => {
      this.#retries.delete(cancel);
      this.#try(letter, done, waitMs);
    });
    this.#retries.add(cancel);
  }
}
