import type { Clock } from '../base/clock.js';

/** At most one log line for each key in an interval; keys come from the configuration. */
export class LogLimit {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #keys = new Map<string, { nextMs: number; suppressed: number }>();

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How many lines of this key were left out since the last; `undefined`: leave this one out. */
  admit(key: string): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#keys.get(key);
    if (known === undefined) {
      this.#keys.set(key, { nextMs: nowMs + this.#intervalMs, suppressed: 0 });
      return 0;
    }
    if (nowMs < known.nextMs) {
      known.suppressed += 1;
      return undefined;
    }
    const { suppressed } = known;
    known.nextMs = nowMs + this.#intervalMs;
    known.suppressed = 0;
    return suppressed;
  }
}
