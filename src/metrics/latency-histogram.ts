/* Latencies in buckets whose bounds double from 100 us to about 105 s. `observe` is on the path of
 * every message: a shift and two additions, no search and no allocation.
 */

/** Upper bounds: 0.1 ms * 2^k for k = 0..20. */
export const latencyBucketCount = 21;
export const latencyBoundsSeconds: readonly number[] = Array.from(
  { length: latencyBucketCount },
  (_, k) => 2 ** k / 10_000,
);

export class LatencyHistogram {
  /** Not cumulative; the last slot counts what is beyond every bound. */
  readonly counts = new Float64Array(latencyBucketCount + 1);
  sumMs = 0;
  count = 0;

  observe(latencyMs: number): void {
    // A clock that another thread read a moment earlier can give a small negative difference.
    const ms = Math.max(latencyMs, 0);
    // In tenths of a millisecond, the least k with tenths <= 2^k: bounds belong to their bucket.
    const tenths = Math.min(Math.ceil(ms * 10), 0x7fff_ffff);
    const k = tenths <= 1 ? 0 : 32 - Math.clz32(tenths - 1);
    const slot = Math.min(k, latencyBucketCount);
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
    this.sumMs += ms;
    this.count += 1;
  }
}
