/* The work that is compared, and what Millrace is to reach in it. */
import { BENCH_DEFAULTS, type BenchOptions } from '../../src/bench/options.js';

export interface Goal {
  /** Least ratio of messages/s, or MB/s, to the best of the others. */
  readonly rateRatioMin?: number;
  /** Most CPU of the process, us a message. */
  readonly cpuUsMax?: number;
  /** Most ratio of CPU a message to the best of the others. */
  readonly cpuRatioMax?: number;
  /** p99 no worse than that of the best of the others. */
  readonly p99RatioMax?: number;
  readonly peakRssMegabytesMax?: number;
  /** Least part of its own messages/s in another case, where that was run too. */
  readonly ofCase?: { readonly name: string; readonly ratioMin: number };
}

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly options: Partial<BenchOptions>;
  readonly goal: Goal;
}

export const CASES: readonly Case[] = [
  {
    name: '200b',
    title: '200 B, QoS 1, acks one, saturation',
    options: {},
    goal: { rateRatioMin: 5, cpuUsMax: 3 },
  },
  {
    name: '1kb',
    title: '1 KB, QoS 1, acks one, saturation',
    options: { payloadBytes: 1024 },
    goal: { rateRatioMin: 4, cpuUsMax: 6 },
  },
  {
    name: 'properties',
    title: '200 B, copyMqttProperties, 4 user properties, saturation',
    options: { copyProperties: true, userProperties: 4 },
    goal: { cpuUsMax: 5 },
  },
  {
    name: 'acks-all',
    title: '200 B, acks all, idempotent, saturation',
    options: { acks: 'all' },
    goal: { cpuUsMax: 3.5, ofCase: { name: '200b', ratioMin: 0.9 } },
  },
  {
    name: 'rate',
    title: '200 B, 5,000 messages/s',
    options: { rate: 5000 },
    goal: { p99RatioMax: 1, cpuRatioMax: 0.7 },
  },
  {
    name: 'rate-batched',
    title: '200 B, 5,000 messages/s, latencyMs 5',
    options: { rate: 5000, latencyMs: 5 },
    goal: { cpuRatioMax: 0.5 },
  },
  {
    name: 'large',
    title: '2 MiB, QoS 1, acks one, saturation',
    options: { payloadBytes: 2 * 2 ** 20, topics: 100, receiveMaximum: 200 },
    goal: { rateRatioMin: 1, peakRssMegabytesMax: 250 },
  },
  {
    name: 'kafka-to-mqtt',
    title: 'Kafka to MQTT, 200 B, QoS 1, saturation',
    options: { direction: 'kafka-to-mqtt' },
    goal: { rateRatioMin: 4, cpuUsMax: 4 },
  },
];

export interface Length {
  readonly seconds: number;
  readonly warmupSeconds: number;
}

/** A case as one round of the bench; it has four partitions. */
export function optionsOf({ options }: Case, length: Length): BenchOptions {
  return { ...BENCH_DEFAULTS, partitions: 4, ...length, ...options };
}
