/* Latencies in buckets whose bounds double from 100 us to about 105 s. `observe` is on the path of
 * every message: a shift and two additions, no search and no allocation.
 */

/** Upper bounds: 0.1 ms * 2^k for k = 0..20. */
export const latencyBucketCount = 21;
export const latencyBoundsSeconds: readonly number[] = Array.from(
  { length: latencyBucketCount },
  (_, k) => 2 ** k / 10_000,
);

/* Where a histogram lies in an array of numbers: the sum in ms, the count, and a count for each bucket,
 * not cumulative, of which the last is for what is beyond every bound. */
const SUM = 0;
const COUNT = 1;
const BUCKETS = 2;
export const latencyWords = BUCKETS + latencyBucketCount + 1;

export class LatencyHistogram {
  readonly #values: Float64Array;
  readonly #at: number;

  /** @param values has `latencyWords` numbers from `at` on, all 0 at first */
  constructor(values: Float64Array = new Float64Array(latencyWords), at = 0) {
    this.#values = values;
    this.#at = at;
  }

  get sumMs(): number {
    return this.#values[this.#at + SUM] as number;
  }

  get count(): number {
    return this.#values[this.#at + COUNT] as number;
  }

  /** Not cumulative; the last slot counts what is beyond every bound. */
  get counts(): Float64Array {
    return this.#values.subarray(this.#at + BUCKETS, this.#at + latencyWords);
  }

  observe(latencyMs: number): void {
    observeLatency(this.#values, this.#at, latencyMs);
  }
}

/** Adds to the histogram that lies at `at` of `values`. */
export function observeLatency(values: Float64Array, at: number, latencyMs: number): void {
  // A clock that another thread read a moment earlier can give a small negative difference.
  const ms = Math.max(latencyMs, 0);
  // In tenths of a millisecond, the least k with tenths <= 2^k: bounds belong to their bucket.
  const tenths = Math.min(Math.ceil(ms * 10), 0x7fff_ffff);
  const k = tenths <= 1 ? 0 : 32 - Math.clz32(tenths - 1);
  add(values, at + BUCKETS + Math.min(k, latencyBucketCount), 1);
  add(values, at + SUM, ms);
  add(values, at + COUNT, 1);
}

export function add(values: Float64Array, at: number, amount: number): void {
  values[at] = (values[at] as number) + amount;
}
