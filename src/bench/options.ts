/* What a bench can be asked to do, and the load that follows from it. */
import type { Compression, KafkaAcks, Qos } from '../config/model.js';
import type { Extent, Load } from './protocol.js';

export interface BenchOptions {
  /** Bootstrap servers; undefined: an embedded mock cluster. */
  readonly kafka: string | undefined;
  readonly messages: number | undefined;
  readonly seconds: number | undefined;
  readonly warmupMessages: number | undefined;
  readonly warmupSeconds: number;
  /** Messages a second; undefined: as fast as the connector takes them. */
  readonly rate: number | undefined;
  /** This many at one moment, once the warm-up is acknowledged. */
  readonly atOnce: number | undefined;
  readonly payloadBytes: number;
  readonly topics: number;
  readonly userProperties: number;
  readonly qos: Qos;
  readonly acks: KafkaAcks;
  readonly compression: Compression;
  /** Batching with this latency; undefined: batching off. */
  readonly latencyMs: number | undefined;
  readonly copyProperties: boolean;
  readonly receiveMaximum: number;
  readonly shards: number | undefined;
  readonly repeat: number;
  readonly stallSeconds: number;
  /** Count the records in Kafka afterwards. */
  readonly verify: boolean;
  /** How long records may take to appear there: with acks zero they may still be on their way. */
  readonly countTimeoutSeconds: number;
  /** Program and arguments that start the connector; undefined: `millrace run`. */
  readonly connector: readonly string[] | undefined;
}

export const BENCH_DEFAULTS: BenchOptions = {
  kafka: undefined,
  messages: undefined,
  seconds: undefined,
  warmupMessages: undefined,
  warmupSeconds: 3,
  rate: undefined,
  atOnce: undefined,
  payloadBytes: 200,
  topics: 1000,
  userProperties: 0,
  qos: 1,
  acks: 'one',
  compression: 'none',
  latencyMs: undefined,
  copyProperties: false,
  receiveMaximum: 8000,
  shards: undefined,
  repeat: 1,
  stallSeconds: 30,
  verify: true,
  countTimeoutSeconds: 10,
  connector: undefined,
};

const MEASURED_SECONDS_DEFAULT = 10;
/** Enough to create the topic and to open every connection to Kafka. */
const AT_ONCE_WARMUP_MESSAGES = 4;

function messages(count: number): Extent {
  return { kind: 'messages', count };
}

export function loadOf(options: BenchOptions): Load {
  const { topics, payloadBytes, userProperties, qos, stallSeconds, atOnce } = options;
  const common = { topics, payloadBytes, userProperties, qos, stallSeconds };
  if (atOnce !== undefined) {
    return {
      ...common,
      ratePerSecond: undefined,
      warmup: messages(options.warmupMessages ?? AT_ONCE_WARMUP_MESSAGES),
      measured: messages(atOnce),
      atOnce: true,
    };
  }
  return {
    ...common,
    ratePerSecond: options.rate,
    warmup:
      options.warmupMessages === undefined
        ? { kind: 'seconds', seconds: options.warmupSeconds }
        : messages(options.warmupMessages),
    measured:
      options.messages === undefined
        ? { kind: 'seconds', seconds: options.seconds ?? MEASURED_SECONDS_DEFAULT }
        : messages(options.messages),
    atOnce: false,
  };
}
