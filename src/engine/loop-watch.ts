/* LoopWatch: stalls of the main thread's own loop, by a timer of a second that comes late. While it
 * stalls nobody answers /readyz; what is told afterwards is that it did, for as long as a probe may take
 * to come by.
 */
import type { Clock } from '../base/clock.js';

const LOOK_MS = 1000;
/** Later than any load that is to be expected makes it. */
const STALL_MS = 2000;
const TELL_MS = 10_000;

export class LoopWatch {
  readonly #clock: Clock;
  readonly #onStall: (lateMs: number) => void;
  #cancel: () => void = () => {};
  #told: { readonly lateMs: number; readonly atMs: number } | undefined;

  /** @param onStall told of each, once it is over, with how late the loop was */
  constructor(clock: Clock, onStall: (lateMs: number) => void) {
    this.#clock = clock;
    this.#onStall = onStall;
  }

  start(): void {
    const dueMs = this.#clock.monotonicMs() + LOOK_MS;
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      this.#look(dueMs);
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** What to say of the last one, for people; undefined where it is long ago. */
  get trouble(): string | undefined {
    if (this.#told === undefined) return undefined;
    const { lateMs, atMs } = this.#told;
    if (this.#clock.monotonicMs() - atMs >= TELL_MS) return undefined;
    return (
      `did nothing for ${(lateMs / 1000).toFixed(1)} s: the process was stopped, the machine is ` +
      'overloaded, or something kept it busy'
    );
  }

  #look(dueMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const lateMs = nowMs - dueMs;
    if (lateMs < STALL_MS) return;
    this.#told = { lateMs, atMs: nowMs };
    this.#onStall(lateMs);
  }
}
