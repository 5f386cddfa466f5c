/* Latency: percentiles of the last second, and of the whole demo but its first second, in which
 * Millrace connects to Kafka.
 */
import { build, type Histogram } from 'hdr-histogram-js';

const INTERVAL_MS = 1000;
const WARM_UP_MS = 1000;
const MICROSECONDS_PER_MS = 1000;
const MICROSECONDS_MAX = 60_000_000;

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class LatencyTrack {
  readonly #startedMs: number;
  readonly #whole = newHistogram();
  readonly #interval = newHistogram();
  #recent: Latency | undefined;
  #intervalFromMs: number;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.#intervalFromMs = nowMs;
  }

  /** Of what began after the first second; absent where that is nothing. */
  get whole(): Latency | undefined {
    return latencyOf(this.#whole);
  }

  /** What took so long ends now. */
  add(latencyMs: number, nowMs: number): void {
    const microseconds = Math.max(1, Math.round(latencyMs * MICROSECONDS_PER_MS));
    const value = Math.min(microseconds, MICROSECONDS_MAX);
    if (nowMs - latencyMs - this.#startedMs >= WARM_UP_MS) this.#whole.recordValue(value);
    this.#interval.recordValue(value);
  }

  /** Of the last whole second that was asked for; absent where that had nothing. */
  recent(nowMs: number): Latency | undefined {
    if (nowMs - this.#intervalFromMs < INTERVAL_MS && this.#recent !== undefined)
      return this.#recent;
    this.#recent = latencyOf(this.#interval);
    this.#interval.reset();
    this.#intervalFromMs = nowMs;
    return this.#recent;
  }
}

function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MICROSECONDS_MAX,
    numberOfSignificantValueDigits: 2,
  });
}

function latencyOf(histogram: Histogram): Latency | undefined {
  if (histogram.totalCount === 0) return undefined;
  const at = (percentile: number) =>
    histogram.getValueAtPercentile(percentile) / MICROSECONDS_PER_MS;
  return { p50Ms: at(50), p99Ms: at(99) };
}
