/** Numbers that a seed decides (mulberry32): a failure shows the same ones again. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** The same items in some order. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as Item, shuffled[i] as Item];
    }
    return shuffled;
  }
}

/** The part of a tap test that is used here. */
interface Reporter {
  pass(message: string): unknown;
  fail(message: string, extra: Record<string, unknown>): unknown;
}

/**
 * Runs `check`, which throws when something is wrong, once for each of `runs` seeds. The first seed is
 * new each time, or that of the environment variable MILLRACE_SEED, which a failure names.
 */
export async function forSeeds(
  t: Reporter,
  runs: number,
  check: (random: Random) => void | Promise<void>,
): Promise<void> {
  const given = process.env.MILLRACE_SEED;
  const first = given === undefined ? Date.now() >>> 0 : Number(given) >>> 0;
  for (let run = 0; run < runs; run++) {
    const seed = (first + run) >>> 0;
    try {
      await check(new Random(seed));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      t.fail(`MILLRACE_SEED=${seed} shows it again: ${failure.message}`, { stack: failure.stack });
      return;
    }
  }
  t.pass(`holds for ${runs} seeds from ${first}`);
}
