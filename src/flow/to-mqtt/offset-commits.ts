/* OffsetCommits: when a route's offsets are committed: at QoS 1 batched in time, at QoS 0 at once; and one
 * commit at a time, so that Kafka sets the pace where it is slow. Main thread only.
 *
 *   clean --something is settled--> due in intervalMs --> under way --answered--> clean, or due again
 */
import type { Clock } from '../../base/clock.js';

export interface OffsetCommitsOptions {
  readonly clock: Clock;
  /** 0: at once. */
  readonly intervalMs: number;
  /** Asks for the commit of what is due; false where there is nothing. */
  readonly commit: () => boolean;
}

/** A commit that failed is not tried again at once. */
const RETRY_MS = 1_000;

export class OffsetCommits {
  readonly #options: OffsetCommitsOptions;
  #underWay = false;
  #dirty = false;
  #closed = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: OffsetCommitsOptions) {
    this.#options = options;
  }

  /** Something can be committed that was not before. */
  onSettled(): void {
    this.#dirty = true;
    this.#arm(this.#options.intervalMs);
  }

  /** The commit that was under way has ended. */
  onAnswered(succeeded: boolean): void {
    this.#underWay = false;
    if (!succeeded) this.#dirty = true;
    if (this.#dirty) this.#arm(succeeded ? this.#options.intervalMs : RETRY_MS);
  }

  /** Who would answer is no more. */
  onLost(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#underWay = false;
    this.#dirty = false;
  }

  /** Nothing is committed any more, whatever settles late. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #arm(delayMs: number): void {
    if (this.#closed || this.#underWay || this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#dirty = false;
      this.#underWay = this.#options.commit();
    });
  }
}
