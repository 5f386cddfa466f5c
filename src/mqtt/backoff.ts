/** Delays between attempts: exponential, capped, with jitter, from the beginning after `reset`. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempt = 0;

  /** @param random gives numbers from 0 up to 1 */
  constructor(minMs: number, maxMs: number, random: () => number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** How long to wait before the next attempt: from half of the step to all of it. */
  nextMs(): number {
    const step = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempt);
    if (step < this.#maxMs) this.#attempt++;
    return step / 2 + (step / 2) * this.#random();
  }

  /** The longest wait, for what only a person can mend. */
  longestMs(): number {
    return this.#maxMs / 2 + (this.#maxMs / 2) * this.#random();
  }

  reset(): void {
    this.#attempt = 0;
  }
}
