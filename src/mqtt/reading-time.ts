/* ReadingTime: time in which an answer of the broker's could be seen. While reading is paused, for
 * back-pressure of our own, an answer stays unread in the socket: what passes then proves nothing.
 */
import type { Clock } from '../base/clock.js';

/** That of one session, over all its connections. */
export class ReadingTime implements Pick<Clock, 'after'> {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #isPaused: () => boolean;
  /** How often reading was found paused. */
  #pauses = 0;

  constructor(clock: Pick<Clock, 'after'>, isPaused: () => boolean) {
    this.#clock = clock;
    this.#isPaused = isPaused;
  }

  /** To be called after each read. */
  onRead(): void {
    if (this.#isPaused()) this.#pauses++;
  }

  /**
   * Calls `callback` once, when `delayMs` have passed without a pause: after a longer one they begin anew,
   * for what came meanwhile may still lie in the socket. The function that comes back cancels it.
   */
  after(delayMs: number, callback: () => void): () => void {
    let cancel: () => void = () => {};
    const wait = () => {
      const pauses = this.#pauses;
      const wasPaused = this.#isPaused();
      cancel = this.#clock.after(delayMs, () => {
        if (wasPaused || this.#pauses !== pauses) wait();
        else callback();
      });
    };
    wait();
    return () => cancel();
  }
}
