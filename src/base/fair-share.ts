/* FairShare: what several owners take of one amount, such that what one of them holds, for however
 * long, never starves another. Main thread only; an array access or two for each question.
 *
 *   |  own  |  own  |  own  |            common            |
 *
 * With several owners one half is dealt out, an equal part to each, and the other half is for whoever
 * comes, by the dynamic thresholds of switches that share a buffer (Choudhury and Hahne): an owner may
 * take of it only what leaves as much free as it then has of it. With one owner all is its own.
 *
 * 1. What fits the owner's own part may always be taken.
 * 2. An owner that holds nothing may always take once, whatever the amount. So `taken` is at most the
 *    total and, for each owner, one such amount.
 * 3. The own parts are what holds against owners that never give back: of thresholds alone each of
 *    them would leave half of what was free, and the tenth next to nothing.
 */
import { assert } from './assert.js';

export class FairShare {
  /** Bytes of a disk need more than 32 bits. */
  readonly #held: Float64Array;
  readonly #own: number;
  readonly #common: number;
  /** How much of the common half is taken. */
  #lent = 0;
  #taken = 0;

  constructor(total: number, ownerCount: number) {
    const owners = Math.max(ownerCount, 1);
    this.#held = new Float64Array(owners);
    this.#own = owners === 1 ? total : Math.floor(total / 2 / owners);
    this.#common = owners === 1 ? 0 : Math.floor(total / 2);
  }

  get taken(): number {
    return this.#taken;
  }

  /** Whether this owner may take so much more now. */
  mayTake(owner: number, amount: number): boolean {
    const held = this.#held[owner] as number;
    const after = held + amount - this.#own;
    if (after <= 0 || held === 0) return true;
    const more = held > this.#own ? amount : after;
    return after <= this.#common - this.#lent - more;
  }

  take(owner: number, amount: number): void {
    const held = this.#held[owner] as number;
    this.#held[owner] = held + amount;
    this.#taken += amount;
    this.#lent += this.#beyondOwn(held + amount) - this.#beyondOwn(held);
  }

  give(owner: number, amount: number): void {
    const held = this.#held[owner] as number;
    assert(held >= amount, 'more comes back than was taken');
    this.#held[owner] = held - amount;
    this.#taken -= amount;
    this.#lent -= this.#beyondOwn(held) - this.#beyondOwn(held - amount);
  }

  /** Nobody holds anything any more. */
  reset(): void {
    this.#held.fill(0);
    this.#lent = 0;
    this.#taken = 0;
  }

  #beyondOwn(held: number): number {
    return held > this.#own ? held - this.#own : 0;
  }
}
