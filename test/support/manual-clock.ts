import type { Clock } from '../../src/base/clock.js';

/** Time stands still until a test moves it. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #wallOriginMs: number;
  #timers: { atMs: number; callback: () => void }[] = [];

  constructor({ nowMs = 1_000, wallOriginMs = 1_700_000_000_000 } = {}) {
    this.#nowMs = nowMs;
    this.#wallOriginMs = wallOriginMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOriginMs + this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers there are. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Moves the time and calls what falls due, in order of its time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = untilMs;
  }
}
