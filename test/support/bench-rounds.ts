/* Rounds of a bench that never ran, for what is made of reports. */
import type { BenchReport } from '../../src/bench/bench.js';
import { BENCH_DEFAULTS } from '../../src/bench/options.js';
import type { FeedReport, LoadReport } from '../../src/bench/protocol.js';
import type { RoundReport } from '../../src/bench/round.js';

/** Nothing lost, refused or out of order; no latency. */
export const LOAD_REPORT: LoadReport = {
  sent: 10,
  settled: 10,
  unacknowledged: 0,
  notInKafka: 0,
  refused: 0,
  outOfOrder: 0,
  unknownPacketIds: 0,
  connectionsLost: 0,
  messages: 10,
  payloadBytes: 2000,
  seconds: 2,
  latency: undefined,
  latenessP99Ms: undefined,
  backlog: undefined,
};

/** Nothing missing, repeated or out of order; no latency. */
export const FEED_REPORT: FeedReport = {
  written: 10,
  received: 10,
  missing: 0,
  damaged: 0,
  wrongQos: 0,
  duplicates: 0,
  outOfOrder: 0,
  connectionsLost: 0,
  messages: 10,
  payloadBytes: 2000,
  seconds: 2,
  latency: undefined,
  latenessP99Ms: undefined,
  backlog: undefined,
};

/** Of a connector of which nothing is known. */
export const ROUND: RoundReport = {
  load: LOAD_REPORT,
  feed: undefined,
  generatorCpuUsPerMessage: 1,
  cpuUsPerMessage: undefined,
  peakRssBytes: undefined,
  runtime: undefined,
  intervals: [],
  records: 10,
  verification: { how: 'counts only', records: 10, missing: 0 },
  voidBecause: [],
};

export const REPORT: BenchReport = {
  startedAt: '2026-01-02T03:04:05.000Z',
  options: BENCH_DEFAULTS,
  kafka: 'as given',
  machine: {
    cores: 2,
    cpu: 'A Processor',
    architecture: 'x64',
    memoryBytes: 8e9,
    kernel: 'Linux 6.1.0',
    node: 'v20.18.0',
    librdkafka: '2.12.0',
  },
  loadAverage: 0,
  rounds: [ROUND],
};
