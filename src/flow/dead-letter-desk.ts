/* DeadLetterDesk: between the flow and the dead-letter store. A letter that cannot be stored now is
 * held and tried again, and what waits here is bounded. Main thread only.
 *
 * 1. `done` is called once, after the letter is on the disk, and never before.
 * 2. `hasRoom` false means: do not bring another message, its payload would have to wait in memory.
 */
import type { Clock } from '../base/clock.js';
import { OperatingError } from '../base/errors.js';
import type { DeadLetter, DeadLetterMeta } from '../dead-letter/letter.js';

const WAITING_BYTES_MAX = 32 * 1024 * 1024;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;

/** A letter whose payload comes piece by piece; one call at a time. */
export interface LetterPieces {
  readonly id: string;
  write(chunk: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Such a letter that the store has not taken yet. */
export interface LetterBeginning {
  /** Resolves once the store has room for all of it; rejects when it was given up before that. */
  readonly stream: Promise<LetterPieces>;
  giveUp(): void;
}

export interface LetterStore {
  put(letter: DeadLetter): Promise<string>;
  begin(meta: DeadLetterMeta, payloadBytesMax: number): Promise<LetterPieces>;
}

/** What the store is asked for until it does it. */
interface Request<Result> {
  readonly meta: DeadLetterMeta;
  readonly ask: () => Promise<Result>;
  readonly done: (result: Result) => void;
  /** 0 until it was refused for the first time. */
  waitMs: number;
  givenUp: boolean;
  cancelWait: () => void;
}

export class DeadLetterDesk {
  readonly #store: LetterStore;
  readonly #clock: Clock;
  readonly #onHeld: (letter: DeadLetterMeta, detail: string) => void;
  readonly #onReleased: (letter: DeadLetterMeta) => void;
  #waitingBytes = 0;
  #held = 0;
  #closed = false;
  /** Cancels of the attempts that are due. */
  readonly #retries = new Set<() => void>();

  constructor(
    store: LetterStore,
    clock: Clock,
    onHeld: (letter: DeadLetterMeta, detail: string) => void,
    onReleased: (letter: DeadLetterMeta) => void,
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
    const { byteLength } = letter.payload;
    this.#waitingBytes += byteLength;
    this.#request(
      letter,
      () => this.#store.put(letter),
      (id) => {
        this.#waitingBytes -= byteLength;
        done(id);
      },
    );
  }

  /** Begins a letter of so many bytes, however long it takes to have room for it. */
  begin(meta: DeadLetterMeta, payloadBytes: number): LetterBeginning {
    let giveUp = () => {};
    const stream = new Promise<LetterPieces>((resolve, reject) => {
      const request = this.#request(
        meta,
        () => this.#store.begin(meta, payloadBytes),
        (pieces) => {
          // Whoever gave it up is told nothing of it any more.
          if (request.givenUp) pieces.abort();
          else resolve(pieces);
        },
      );
      giveUp = () => {
        if (request.givenUp) return;
        request.givenUp = true;
        request.cancelWait();
        this.#release(request);
        reject(new Error('the letter was given up'));
      };
    });
    return { stream, giveUp };
  }

  #request<Result>(
    meta: DeadLetterMeta,
    ask: () => Promise<Result>,
    done: (result: Result) => void,
  ): Request<Result> {
    const request = { meta, ask, done, waitMs: 0, givenUp: false, cancelWait: () => {} };
    this.#try(request);
    return request;
  }

  #try<Result>(request: Request<Result>): void {
    request.ask().then(
      (result) => {
        this.#release(request);
        request.done(result);
      },
      (error: unknown) => {
        if (!(error instanceof OperatingError)) throw error;
        if (request.givenUp) return;
        if (request.waitMs === 0) {
          this.#held++;
          this.#onHeld(request.meta, error.message);
        }
        request.waitMs = Math.min(Math.max(request.waitMs * 2, RETRY_MS_MIN), RETRY_MS_MAX);
        this.#tryLater(request);
      },
    );
  }

  #tryLater<Result>(request: Request<Result>): void {
    if (this.#closed) return;
    const cancel = this.#clock.after(request.waitMs, () => {
      this.#retries.delete(cancel);
      this.#try(request);
    });
    this.#retries.add(cancel);
    request.cancelWait = () => {
      this.#retries.delete(cancel);
      cancel();
    };
  }

  /** It is held no more, if it was. */
  #release<Result>(request: Request<Result>): void {
    if (request.waitMs === 0) return;
    request.waitMs = 0;
    this.#held--;
    this.#onReleased(request.meta);
  }
}
