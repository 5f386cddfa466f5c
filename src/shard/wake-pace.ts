/* WakePace: how often main may wake a worker. A wake-up costs the worker's and librdkafka's threads
 * some 50 us of CPU, whether for one record or for a hundred; a worker that is under load is awake
 * anyway. Main thread only.
 *
 *   resting --mayWake: true--> just woken --GAP_MS--> resting
 *                                  \--mayWake: false, the timer is armed--> asked again by the timer
 *
 * 1. A record that comes after a rest wakes the worker at once.
 * 2. One that comes sooner waits for the next that may, at most for GAP_MS and a timer of 1 ms.
 */
import type { Clock } from '../base/clock.js';

/** Docs/decisions/022 has the figures. */
const GAP_MS = 1;
const TIMER_MS = 1;

export class WakePace {
  readonly #clock: Clock;
  #nextMs = Number.NEGATIVE_INFINITY;
  #askAgain: (() => void) | undefined;
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the worker may be woken now; where not, `askAgain` is called once it may. */
  mayWake(askAgain: () => void): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#nextMs) {
      this.#nextMs = nowMs + GAP_MS;
      return true;
    }
    // Whoever asked last is who there is: an earlier ring may be a dead worker's.
    if (this.#askAgain === undefined) this.#arm();
    this.#askAgain = askAgain;
    return false;
  }

  /** Nobody is asked again. */
  close(): void {
    this.#cancel();
  }

  #arm(): void {
    this.#cancel = this.#clock.after(TIMER_MS, () => {
      const askAgain = this.#askAgain;
      this.#askAgain = undefined;
      askAgain?.();
    });
  }
}
