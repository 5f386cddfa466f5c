/* Progress: what the views show. Rates are over the last second or so, totals since the start. */
import type { Commands } from './commands.js';
import { type Latency, LatencyTrack } from './latency.js';
import { RecentRecords } from './recent-records.js';
import type { ReadRecord, Reconciliation } from './reconcile.js';

const WINDOW_MS = 1000;

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

/** Commands from Kafka to the machines, and their answers. */
export interface CommandProgress {
  readonly written: Flow;
  /** By the machines. */
  readonly received: Flow;
  /** Answers acknowledged to the machines. */
  readonly answered: Flow;
  /** Answers read back from Kafka. */
  readonly readBack: Flow;
  /** From the operator to the machine, and from there to the reader; of all but the first second. */
  readonly toMachine: Latency | undefined;
  readonly toReader: Latency | undefined;
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
  readonly commands: CommandProgress;
  readonly residentBytes: number;
  readonly routes: readonly RouteProgress[];
  /** The last records of each Kafka topic, a line each, the newest first. */
  readonly recent: readonly (readonly string[])[];
}

export interface ProgressSources {
  readonly reconciliation: Reconciliation;
  readonly commands: Commands;
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
  readonly commandsWritten: number;
  readonly commandsReceived: number;
  readonly commandsAnswered: number;
  readonly answersReadBack: number;
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
  readonly #latency: LatencyTrack;
  readonly #samples: Sample[] = [];

  constructor(sources: ProgressSources) {
    this.#sources = sources;
    const topics = sources.reconciliation.tallies.map(({ kafkaTopic }) => kafkaTopic);
    this.#recent = new RecentRecords(topics);
    this.#startedMs = sources.nowMs();
    this.#latency = new LatencyTrack(this.#startedMs);
    this.#samples.push(this.#sample());
  }

  /** Of what was published after the first second; absent where that is nothing. */
  get wholeLatency(): Latency | undefined {
    return this.#latency.whole;
  }

  onAcknowledged(latencyMs: number): void {
    this.#latency.add(latencyMs, this.#sources.nowMs());
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
    const { commands, reconciliation } = this.#sources;
    return {
      elapsedSeconds: (sample.atMs - this.#startedMs) / 1000,
      published: named('published'),
      publishedBytes: named('publishedBytes'),
      delivered: named('delivered'),
      acknowledged: named('acknowledged'),
      readBack: named('readBack'),
      inFlight: this.#sources.inFlight(),
      latency: this.#latency.recent(sample.atMs),
      commands: {
        written: named('commandsWritten'),
        received: named('commandsReceived'),
        answered: named('commandsAnswered'),
        readBack: named('answersReadBack'),
        toMachine: commands.toMachine.whole,
        toReader: commands.toReader.whole,
      },
      residentBytes: process.memoryUsage.rss(),
      routes: reconciliation.tallies.map(({ route, kafkaTopic }, i) => ({
        route,
        kafkaTopic,
        readBack: flow(sample.byRoute[i] ?? 0, first.byRoute[i] ?? 0),
        partitions: this.#partitions.get(kafkaTopic) ?? [],
      })),
      recent: this.#recent.lines(),
    };
  }

  #sample(): Sample {
    const { reconciliation, commands, delivered, nowMs } = this.#sources;
    const { written, received, answered, readBack: answersReadBack } = commands.tally;
    const { published, publishedBytes, acknowledged, readBack } = reconciliation;
    return {
      atMs: nowMs(),
      published,
      publishedBytes,
      delivered: delivered(),
      acknowledged,
      readBack,
      commandsWritten: written,
      commandsReceived: received,
      commandsAnswered: answered,
      answersReadBack,
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
}
