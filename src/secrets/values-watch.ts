/* ValuesWatch: tells of new values of secrets that a connection uses. Main thread.
 *
 *   watching --may have changed--> reading -- the same values --> watching
 *      ^                           |  ^  `--- others: onNew ----> watching
 *      |                 unusable  v  |
 *      `-- read after all ------- waiting, longer each time; told once it has lasted: onUnusable
 *
 * Files that are written one after another (a certificate, then its key), or are gone for a moment, are
 * unusable for a moment: that is nothing to tell.
 */
import type { Clock } from '../base/clock.js';
import { UsageError } from '../base/errors.js';
import { type Places, PlacesWatch, type PlacesWatchOptions } from './places-watch.js';
import { type Sealed, sameSealed } from './sealed.js';

export interface ValuesWatchOptions<T> {
  readonly places: Places;
  readonly clock: Clock;
  /** Reads everything anew. Rejects with a UsageError where it cannot be used, or lacks what `known` has. */
  readonly read: (known: Sealed<T>) => Promise<Sealed<T>>;
  /** What was read before. */
  readonly known: Sealed<T>;
  readonly onNew: (values: Sealed<T>) => void;
  /** What there is cannot be used, and has not been for a while; again where the reason is another. */
  readonly onUnusable: (detail: string) => void;
  /** After `onUnusable`: it can be used, and `onNew` follows where it is new. */
  readonly onUsable: () => void;
  /** Left out: a PlacesWatch. */
  readonly openWatch?: (
    options: PlacesWatchOptions,
  ) => Pick<PlacesWatch, 'isIdle' | 'start' | 'stop'>;
}

const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;
/** So long may whoever writes files take between two of them. */
const PATIENCE_MS = 10_000;

export class ValuesWatch<T> {
  readonly #options: ValuesWatchOptions<T>;
  readonly #places: Pick<PlacesWatch, 'isIdle' | 'start' | 'stop'>;
  #known: Sealed<T>;
  #isReading = false;
  /** Something may have changed since the reading that is under way began. */
  #isStale = false;
  #unusableSinceMs: number | undefined;
  #told: string | undefined;
  #retryMs = RETRY_MS_MIN;
  #cancelRetry: () => void = () => {};
  #isStopped = false;

  constructor(options: ValuesWatchOptions<T>) {
    this.#options = options;
    this.#known = options.known;
    const { places, clock, openWatch = (each) => new PlacesWatch(each) } = options;
    this.#places = openWatch({ places, clock, onMayHaveChanged: () => void this.#read() });
  }

  /** Resolves when it watches; also what has changed since `known` was read is told. */
  async start(): Promise<void> {
    if (this.#places.isIdle) return;
    await this.#places.start();
    void this.#read();
  }

  /** Nothing is told any more, and nothing is left behind. */
  stop(): void {
    this.#isStopped = true;
    this.#places.stop();
    this.#cancelRetry();
  }

  async #read(): Promise<void> {
    if (this.#isStopped) return;
    if (this.#isReading) {
      this.#isStale = true;
      return;
    }
    this.#cancelRetry();
    this.#isReading = true;
    this.#isStale = false;
    const values = await this.#options.read(this.#known).catch((error: unknown) => {
      if (error instanceof UsageError) return error;
      throw error;
    });
    this.#isReading = false;
    if (this.#isStopped) return;
    if (this.#isStale) await this.#read();
    else if (values instanceof UsageError) this.#onUnusable(values.message);
    else this.#onRead(values);
  }

  #onRead(values: Sealed<T>): void {
    this.#unusableSinceMs = undefined;
    this.#retryMs = RETRY_MS_MIN;
    if (this.#told !== undefined) this.#options.onUsable();
    this.#told = undefined;
    if (sameSealed(values, this.#known)) return;
    this.#known = values;
    this.#options.onNew(values);
  }

  #onUnusable(detail: string): void {
    const { clock, onUnusable } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#unusableSinceMs ??= nowMs;
    this.#cancelRetry = clock.after(this.#retryMs, () => void this.#read());
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
    if (nowMs - this.#unusableSinceMs < PATIENCE_MS || detail === this.#told) return;
    this.#told = detail;
    onUnusable(detail);
  }
}
