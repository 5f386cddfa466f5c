/* Progress: what the views show. Rates are over the last second or so, totals since the start. */
import { build, type Histogram } from 'hdr-histogram-js';
import { RecentRecords } from './recent-records.js';
import type { ReadRecord, Reconciliation } from './reconcile.js';

const WINDOW_MS = 1000;
const WARM_UP_SECONDS = 1;
const MICROSECONDS_PER_MS = 1000;
const LATENCY_MICROSECONDS_MAX = 60_000_000;

export interface Flow {
  readonly total: number;
  readonly perSecond: number;
}

export interface RouteProgress {
  readonly route: string;
  readonly kafkaTopic: string;
  readonly readBack: Flow;
  /** Records read back, by partition. */
  readonly partitions: readonly number[];
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Snapshot {
  readonly elapsedSeconds: number;
  readonly published: Flow;
  readonly publishedBytes: Flow;
  /** Records whose delivery report has come. */
  readonly delivered: Flow;
  readonly acknowledged: Flow;
  readonly readBack: Flow;
  /** Deliveries open in Millrace. */
  readonly inFlight: number;
  /** From the PUBLISH at the broker to its PUBACK; absent until there is one. */
  readonly latency: Latency | undefined;
  readonly residentBytes: number;
  readonly routes: readonly RouteProgress[];
  /** The last records of each Kafka topic, a line each, the newest first. */
  readonly recent: readonly (readonly string[])[];
}

export interface ProgressSources {
  readonly reconciliation: Reconciliation;
  readonly delivered: () => number;
  readonly inFlight: () => number;
  readonly nowMs: () => number;
}

interface Totals {
  readonly published: number;
  readonly publishedBytes: number;
  readonly delivered: number;
  readonly acknowledged: number;
  readonly readBack: number;
  readonly byRoute: readonly number[];
}

interface Sample extends Totals {
  readonly atMs: number;
}

export class Progress {
  readonly #sources: ProgressSources;
  readonly #startedMs: number;
  readonly #recent: RecentRecords;
  readonly #partitions = new Map<string, number[]>();
  readonly #whole = newHistogram();
  readonly #interval = newHistogram();
  readonly #samples: Sample[] = [];
  #latency: Latency | undefined;
  #intervalFromMs: number;

  constructor(sources: ProgressSources) {
    this.#sources = sources;
    const topics = sources.reconciliation.tallies.map(({ kafkaTopic }) => kafkaTopic);
    this.#recent = new RecentRecords(topics);
    this.#startedMs = sources.nowMs();
    this.#intervalFromMs = this.#startedMs;
    this.#samples.push(this.#sample());
  }

  /** Of what was published after the first second, in which Millrace connects to Kafka; absent
   * where that is nothing. */
  get wholeLatency(): Latency | undefined {
    return latencyOf(this.#whole);
  }

  get elapsedSeconds(): number {
    return (this.#sources.nowMs() - this.#startedMs) / 1000;
  }

  onAcknowledged(latencyMs: number): void {
    const microseconds = Math.max(1, Math.round(latencyMs * MICROSECONDS_PER_MS));
    const value = Math.min(microseconds, LATENCY_MICROSECONDS_MAX);
    if (this.elapsedSeconds - latencyMs / 1000 >= WARM_UP_SECONDS) this.#whole.recordValue(value);
    this.#interval.recordValue(value);
  }

  onRecord(record: ReadRecord): void {
    this.#recent.add(record);
    const counts = this.#partitions.get(record.kafkaTopic) ?? [];
    this.#partitions.set(record.kafkaTopic, counts);
    while (counts.length <= record.partition) counts.push(0);
    counts[record.partition] = (counts[record.partition] ?? 0) + 1;
  }

  snapshot(): Snapshot {
    const sample = this.#sample();
    const first = this.#remember(sample);
    const seconds = (sample.atMs - first.atMs) / 1000;
    const flow = (now: number, then: number): Flow => ({
      total: now,
      perSecond: seconds > 0 ? (now - then) / seconds : 0,
    });
    const named = (name: Exclude<keyof Totals, 'byRoute'>) => flow(sample[name], first[name]);
    this.#renewLatency(sample.atMs);
    return {
      elapsedSeconds: (sample.atMs - this.#startedMs) / 1000,
      published: named('published'),
      publishedBytes: named('publishedBytes'),
      delivered: named('delivered'),
      acknowledged: named('acknowledged'),
      readBack: named('readBack'),
      inFlight: this.#sources.inFlight(),
      latency: this.#latency,
      residentBytes: process.memoryUsage.rss(),
      routes: this.#sources.reconciliation.tallies.map(({ route, kafkaTopic }, i) => ({
        route,
        kafkaTopic,
        readBack: flow(sample.byRoute[i] ?? 0, first.byRoute[i] ?? 0),
        partitions: this.#partitions.get(kafkaTopic) ?? [],
      })),
      recent: this.#recent.lines(),
    };
  }

  #sample(): Sample {
    const { reconciliation, delivered, nowMs } = this.#sources;
    const { published, publishedBytes, acknowledged, readBack } = reconciliation;
    return {
      atMs: nowMs(),
      published,
      publishedBytes,
      delivered: delivered(),
      acknowledged,
      readBack,
      byRoute: reconciliation.tallies.map((tally) => tally.readBack),
    };
  }

  /** Adds a sample and returns the one that rates are counted from. */
  #remember(sample: Sample): Sample {
    this.#samples.push(sample);
    // One beyond the window stays, or slow ticks would have nothing to count from.
    while (sample.atMs - (this.#samples[1]?.atMs ?? sample.atMs) >= WINDOW_MS)
      this.#samples.shift();
    return this.#samples[0] ?? sample;
  }

  #renewLatency(nowMs: number): void {
    if (nowMs - this.#intervalFromMs < WINDOW_MS && this.#latency !== undefined) return;
    this.#latency = latencyOf(this.#interval);
    this.#interval.reset();
    this.#intervalFromMs = nowMs;
  }
}

function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_MICROSECONDS_MAX,
    numberOfSignificantValueDigits: 2,
  });
}

function latencyOf(histogram: Histogram): Latency | undefined {
  if (histogram.totalCount === 0) return undefined;
  const at = (percentile: number) =>
    histogram.getValueAtPercentile(percentile) / MICROSECONDS_PER_MS;
  return { p50Ms: at(50), p99Ms: at(99) };
}
