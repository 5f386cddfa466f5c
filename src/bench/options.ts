/* What a bench can be asked to do, and the load that follows from it. */
import type { Compression, KafkaAcks, Qos } from '../config/model.js';
import { type PayloadMix, payloadBytesMean, payloadBytesMin } from './load/payload-mix.js';
import { STAMP_BYTES } from './load/stamp.js';
import type { Extent, Feed, Load } from './protocol.js';

export const DIRECTIONS = ['mqtt-to-kafka', 'kafka-to-mqtt', 'both'] as const;
export type Direction = (typeof DIRECTIONS)[number];

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface BenchOptions {
  readonly direction: Direction;
  /** Bootstrap servers; undefined: an embedded mock cluster. */
  readonly kafka: string | undefined;
  /** How long the embedded Kafka takes to answer, at least. */
  readonly kafkaRttMs: number | undefined;
  readonly messages: number | undefined;
  readonly seconds: number | undefined;
  readonly warmupMessages: number | undefined;
  readonly warmupSeconds: number;
  /** Messages a second; undefined: as fast as the connector takes them. */
  readonly rate: number | undefined;
  /** This many at one moment, once the warm-up is acknowledged. */
  readonly atOnce: number | undefined;
  readonly payloadBytes: number;
  /** Payloads of several sizes; undefined: all have `payloadBytes`. */
  readonly payload: PayloadMix | undefined;
  readonly topics: number;
  /** To Kafka, all of them to one Kafka topic; the topics are dealt over them. */
  readonly routes: number;
  /** Distinct partition keys; undefined: as many as topics. */
  readonly keys: number | undefined;
  /** How unequally messages are spread over topics and keys: the exponent of Zipf's law. */
  readonly skew: number;
  /** Of the Kafka topics; undefined: as the cluster has it, and PARTITIONS_TO_READ for one to read. */
  readonly partitions: number | undefined;
  readonly userProperties: number;
  /** Of MQTT v5, on each message to Kafka: those that copyMqttProperties copies. */
  readonly systemProperties: boolean;
  readonly qos: Qos;
  readonly acks: KafkaAcks;
  readonly compression: Compression;
  /** Batching with this latency; undefined: batching off. */
  readonly latencyMs: number | undefined;
  readonly copyProperties: boolean;
  readonly receiveMaximum: number;
  /** A real broker between the generator and the connector; undefined: the generator is the broker. */
  readonly throughBroker: BrokerAddress | undefined;
  /** Over how many MQTT connections the load goes. */
  readonly connections: number;
  readonly shards: number | undefined;
  readonly repeat: number;
  readonly stallSeconds: number;
  /** Look at the records in Kafka afterwards: at every one, or at their count in an embedded one. */
  readonly verify: boolean;
  /** How long records may take to appear there: with acks zero they may still be on their way. */
  readonly countTimeoutSeconds: number;
  /** Program and arguments that start the connector; undefined: `millrace run`. */
  readonly connector: readonly string[] | undefined;
}

export const BENCH_DEFAULTS: BenchOptions = {
  direction: 'mqtt-to-kafka',
  kafka: undefined,
  kafkaRttMs: undefined,
  messages: undefined,
  seconds: undefined,
  warmupMessages: undefined,
  warmupSeconds: 3,
  rate: undefined,
  atOnce: undefined,
  payloadBytes: 200,
  payload: undefined,
  topics: 1000,
  routes: 1,
  keys: undefined,
  skew: 0,
  partitions: undefined,
  userProperties: 0,
  systemProperties: false,
  qos: 1,
  acks: 'one',
  compression: 'none',
  latencyMs: undefined,
  copyProperties: false,
  receiveMaximum: 8000,
  throughBroker: undefined,
  connections: 1,
  shards: undefined,
  repeat: 1,
  stallSeconds: 30,
  verify: true,
  countTimeoutSeconds: 10,
  connector: undefined,
};

export const PARTITIONS_TO_READ = 4;
export const ROUTES_MAX = 1000;
const KEY_PROPERTY = 'bench-key';
const MEASURED_SECONDS_DEFAULT = 10;
/** More than a connector carries: so many records a second are written before a phase of that length. */
const RECORDS_PER_SECOND_MOST = 200_000;
/** But no more than this, which Kafka stores: a phase ends when there is nothing left to read. */
const FEED_BYTES_MAX = 2 ** 30;
/** An embedded Kafka keeps 5 MB of a partition: with more it would forget what was not read yet. */
const EMBEDDED_PARTITION_BYTES = 3_000_000;
/** What a record takes there beside its payload, generously. */
const RECORD_OVERHEAD_BYTES = 100;
const USER_PROPERTY_BYTES = 50;
/** Enough to create the topic and to open every connection to Kafka. */
const AT_ONCE_WARMUP_MESSAGES = 4;

/** The most that groupMinimumShareNumber can be. */
const SUBSCRIBERS_MAX = 255;

function messages(count: number): Extent {
  return { kind: 'messages', count };
}

export function publishes({ direction }: BenchOptions): boolean {
  return direction !== 'kafka-to-mqtt';
}

export function reads({ direction }: BenchOptions): boolean {
  return direction !== 'mqtt-to-kafka';
}

/** The sizes of its payloads. */
export function payloadOfMessages({ payload, payloadBytes }: BenchOptions): PayloadMix {
  return payload ?? [{ bytes: payloadBytes, percent: 100 }];
}

/** The user property that carries the key where keys are not the topics. */
export function keyPropertyOf({ topics, keys }: BenchOptions): string | undefined {
  return keys === undefined || keys === topics ? undefined : KEY_PROPERTY;
}

/** What no bench can do, in words; undefined: nothing. */
export function problemOf(options: BenchOptions): string | undefined {
  return (
    problemOfKafka(options) ??
    problemOfProperties(options) ??
    problemOfRoutes(options) ??
    problemOfConnections(options) ??
    problemOfReading(options)
  );
}

function problemOfKafka({ kafka, kafkaRttMs }: BenchOptions): string | undefined {
  if (kafka === undefined || kafkaRttMs === undefined) return undefined;
  return (
    '--kafka-rtt-ms slows the embedded Kafka; a real one is as far away as it is: ' +
    'leave out --kafka, or --kafka-rtt-ms and presets that set it'
  );
}

function problemOfProperties(options: BenchOptions): string | undefined {
  if (!options.systemProperties || publishes(options)) return undefined;
  return '--system-properties is of messages to Kafka: choose --direction mqtt-to-kafka or both';
}

function problemOfRoutes(options: BenchOptions): string | undefined {
  const { routes, topics, connections, throughBroker } = options;
  if (routes > 1 && !publishes(options)) {
    return '--routes is of messages to Kafka: choose --direction mqtt-to-kafka or both';
  }
  if (routes > topics) {
    return `--routes ${routes} needs as many topics, one for each: give --topics ${routes} or more`;
  }
  if (routes > 1 && connections > 1 && throughBroker === undefined) {
    return '--routes and --connections do not go together: each route would have connections of its own';
  }
  return undefined;
}

function problemOfConnections(options: BenchOptions): string | undefined {
  const { connections, topics, throughBroker } = options;
  if (connections > topics) {
    return `--connections ${connections} needs as many --topics: each connection has topics of its own`;
  }
  if (throughBroker !== undefined) return undefined;
  if (connections > 1 && !publishes(options)) {
    return (
      '--connections is for what the connector receives, not for --direction kafka-to-mqtt ' +
      'without --through-broker'
    );
  }
  if (connections > SUBSCRIBERS_MAX) {
    return `--connections must be ${SUBSCRIBERS_MAX} or less: a connector has no more subscribers`;
  }
  return undefined;
}

function problemOfReading(options: BenchOptions): string | undefined {
  if (!reads(options) && options.throughBroker === undefined) return undefined;
  if (reads(options) && options.atOnce !== undefined) {
    return '--at-once is for --direction mqtt-to-kafka only';
  }
  if (payloadBytesMin(payloadOfMessages(options)) < STAMP_BYTES) {
    return `payloads must have ${STAMP_BYTES} bytes or more to tell records from Kafka apart`;
  }
  return undefined;
}

function phasesOf(options: BenchOptions): { readonly warmup: Extent; readonly measured: Extent } {
  return {
    warmup:
      options.warmupMessages === undefined
        ? { kind: 'seconds', seconds: options.warmupSeconds }
        : messages(options.warmupMessages),
    measured:
      options.messages === undefined
        ? { kind: 'seconds', seconds: options.seconds ?? MEASURED_SECONDS_DEFAULT }
        : messages(options.messages),
  };
}

/** To a connector whose broker the generator is. */
export function loadOf(options: BenchOptions): Load {
  const { topics, routes, skew, userProperties, systemProperties } = options;
  const { qos, stallSeconds, atOnce } = options;
  const common = {
    topicRoot: 'bench',
    throughBroker: undefined,
    topics,
    routes,
    keys: options.keys ?? topics,
    keyProperty: keyPropertyOf(options),
    skew,
    payload: payloadOfMessages(options),
    userProperties,
    systemProperties,
    qos,
    stallSeconds,
  };
  if (atOnce !== undefined) {
    return {
      ...common,
      ratePerSecond: undefined,
      warmup: messages(options.warmupMessages ?? AT_ONCE_WARMUP_MESSAGES),
      measured: messages(atOnce),
      atOnce: true,
    };
  }
  return { ...common, ratePerSecond: options.rate, ...phasesOf(options), atOnce: false };
}

export interface FeedTarget {
  readonly bootstrapServers: string;
  readonly kafkaTopic: string;
  readonly embedded: boolean;
}

export function feedOf(options: BenchOptions, { embedded, ...target }: FeedTarget): Feed {
  const { topics, skew, userProperties, qos, compression, rate, stallSeconds } = options;
  const payload = payloadOfMessages(options);
  const phases = phasesOf(options);
  let { warmup } = phases;
  const most = rate ?? RECORDS_PER_SECOND_MOST;
  let records = countOf(phases.warmup, most) + countOf(phases.measured, most);
  const overheadBytes = RECORD_OVERHEAD_BYTES + userProperties * USER_PROPERTY_BYTES;
  const recordBytes = payloadBytesMean(payload) + overheadBytes;
  const everyPartition = options.partitions ?? PARTITIONS_TO_READ;
  const isTimed = phases.measured.kind === 'seconds';
  // What lies in Kafka the connector would hand to the broker as fast as it can, until that drops it.
  const isWindowed = options.throughBroker !== undefined && rate === undefined;
  if (isTimed && rate === undefined && !embedded && !isWindowed) {
    records = Math.min(records, Math.ceil(FEED_BYTES_MAX / recordBytes));
    // In its share of them: a connector that is faster would have read all within the time.
    if (warmup.kind === 'seconds') warmup = messages(Math.floor(records * shareOf(warmup, phases)));
  }
  const kept = Math.max(1, Math.floor(EMBEDDED_PARTITION_BYTES / recordBytes)) * PARTITIONS_TO_READ;
  let recordsBefore = embedded ? Math.min(records, kept) : records;
  if (isWindowed) recordsBefore = Math.min(recordsBefore, options.receiveMaximum);
  // One of each partition: when they have come, the connector is ready for more.
  if (rate !== undefined) recordsBefore = Math.min(records, everyPartition);
  return {
    ...target,
    records,
    recordsBefore,
    ratePerSecond: rate,
    topicRoot: 'feed',
    awaitsAll: isWindowed,
    qos,
    readers: options.throughBroker === undefined ? 1 : options.connections,
    keys: options.keys ?? topics,
    skew,
    payload,
    userProperties,
    compression,
    ...phases,
    warmup,
    stallSeconds,
  };
}

/** Which part of both phases the warm-up is. */
function shareOf(
  warmup: { readonly seconds: number },
  { measured }: { readonly measured: Extent },
) {
  const seconds = measured.kind === 'seconds' ? measured.seconds : 0;
  return warmup.seconds / Math.max(warmup.seconds + seconds, 1);
}

function countOf(extent: Extent, perSecond: number): number {
  return extent.kind === 'messages' ? extent.count : Math.ceil(extent.seconds * perSecond);
}
