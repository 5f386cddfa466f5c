/* What the bench process and the load generator's process say to each other: the task as one JSON
 * argument, then events over the child's IPC channel. All plain data.
 */
import type { Compression, Qos } from '../config/model.js';
import type { PayloadMix } from './load/payload-mix.js';
import type { SentMessages } from './verify/verification.js';

/** How long a phase lasts. */
export type Extent =
  | { readonly kind: 'messages'; readonly count: number }
  | { readonly kind: 'seconds'; readonly seconds: number };

/** A real broker between the generator and the connector. */
export interface Broker {
  readonly host: string;
  readonly port: number;
  /** The connector's client identifiers begin with this, and the generator's. */
  readonly clientIdPrefix: string;
}

/** MQTT to Kafka: what the generator publishes to the connector. */
export interface Load {
  /** Topics are named as `topicNameOf` says. Messages go to them in turn, or as `skew` says. */
  readonly topicRoot: string;
  readonly topics: number;
  /** Of the connector, each with as many topics as the others. */
  readonly routes: number;
  /** Distinct partition keys: the topics, or the values of `keyProperty`. */
  readonly keys: number;
  /** The user property that carries the key; undefined: the topic is the key. */
  readonly keyProperty: string | undefined;
  /** The exponent of Zipf's law; 0: all topics and keys alike. */
  readonly skew: number;
  readonly payload: PayloadMix;
  readonly userProperties: number;
  /** Whether each message has the properties of load/system-properties.ts. */
  readonly systemProperties: boolean;
  readonly qos: Qos;
  /** Open loop at this rate; `undefined`: as fast as the connector takes them. */
  readonly ratePerSecond: number | undefined;
  /** Sent first, and left out of every figure. */
  readonly warmup: Extent;
  readonly measured: Extent;
  /** Undefined: to the connector itself, which acknowledges what is in Kafka. */
  readonly throughBroker: ThroughBroker | undefined;
  /** Waits for the last PUBACK of the warm-up, then offers all measured messages at one moment. */
  readonly atOnce: boolean;
  /** A run in which nothing is acknowledged for this long is over. */
  readonly stallSeconds: number;
}

export interface ThroughBroker {
  /** In saturation, how many messages may have been published and not be in Kafka. */
  readonly window: number;
  readonly bootstrapServers: string;
  readonly embedded: boolean;
  /** Where the load is awaited. */
  readonly kafkaTopic: string;
  readonly recordBytesMax: number;
  /** What is published to this MQTT topic comes to that topic in Kafka when the connector receives. */
  readonly readyMqttTopic: string;
  readonly readyKafkaTopic: string;
}

/** Kafka to MQTT: what the generator writes to Kafka, and expects back from the connector. */
export interface Feed {
  /** The connector publishes a record with the key `k` to `<topicRoot>/<k>`. */
  readonly topicRoot: string;
  /** Of the connector's PUBLISHes, and at which its readers subscribe at a broker. */
  readonly qos: Qos;
  readonly bootstrapServers: string;
  readonly kafkaTopic: string;
  /** In all, those of the warm-up too. They go to all partitions of the topic. */
  readonly records: number;
  /** How many of them are written before the connector starts. */
  readonly recordsBefore: number;
  /** Open loop at this rate, once `recordsBefore` have come back; `undefined`: saturation. */
  readonly ratePerSecond: number | undefined;
  /** Everything that was written is awaited, also when the time is over: there is never much of it. */
  readonly awaitsAll: boolean;
  /** Their keys are the numbers below this one: in turn, or as `skew` says. With several readers at a
   * broker each has every `readers`th of them, and the keys begin with the reader's number and a slash. */
  readonly readers: number;
  readonly keys: number;
  readonly skew: number;
  /** STAMP_BYTES at least. */
  readonly payload: PayloadMix;
  /** Headers of each record. */
  readonly userProperties: number;
  readonly compression: Compression;
  /** Left out of every figure. */
  readonly warmup: Extent;
  readonly measured: Extent;
  /** A run in which nothing comes for this long is over. */
  readonly stallSeconds: number;
}

export interface GeneratorTask {
  readonly load: Load | undefined;
  readonly feed: Feed | undefined;
  /** The Receive Maximum that the generator gives; nor has it more in flight itself. */
  readonly receiveMaximum: number;
  /** Over how many connections the load goes. */
  readonly connections: number;
  /** Undefined: the generator is the broker. */
  readonly broker: Broker | undefined;
}

/** A percentile, such as 99.9, and its latency in ms. */
export type CurvePoint = readonly [percentile: number, ms: number];

export interface Latency {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Ten points a nine, up to 99.999 % or as far as there are messages. */
  readonly curve: readonly CurvePoint[];
}

/** Messages of each direction that were settled until then, those of the warm-up too. */
export interface Progress {
  /** The generator's clock. */
  readonly atMs: number;
  readonly load?: number;
  readonly feed?: number;
}

/** The measured phase of one direction as the generator saw it. */
export interface MeasuredPhase {
  /** Settled within it. */
  readonly messages: number;
  /** Of their payloads together. */
  readonly payloadBytes: number;
  readonly seconds: number;
  /** Of an open loop: of messages that were due within it. */
  readonly latency: Latency | undefined;
  /** How late the generator itself was, p99, in an open loop: part of `latency`. */
  readonly latenessP99Ms: number | undefined;
  /** In an open loop: messages that were due before it and not settled when it began. */
  readonly backlog: number | undefined;
}

/** MQTT to Kafka. Latency is from the intended time of sending to the PUBACK, absent at QoS 0; through a
 * broker it is to when the generator has read the message from Kafka. */
export interface LoadReport extends MeasuredPhase {
  /** Everything sent, warm-up included. */
  readonly sent: number;
  /** QoS 1: everything acknowledged, warm-up included. QoS 0: what the kernel took. Through a broker:
   * everything read from Kafka, each message once. */
  readonly settled: number;
  /** QoS 1: messages without PUBACK. */
  readonly unacknowledged: number;
  /** Through a broker: what was sent and not read from Kafka. */
  readonly notInKafka: number;
  /** PUBACKs with a reason code of 0x80 or above. */
  readonly refused: number;
  /** PUBACKs that came after the PUBACK of a later PUBLISH of the same connection. */
  readonly outOfOrder: number;
  /** PUBACKs for packet identifiers that were not in use. */
  readonly unknownPacketIds: number;
  readonly connectionsLost: number;
}

/** Kafka to MQTT. Latency is from the intended time of writing to the arrival of the PUBLISH; absent in
 * saturation, where the records lie in Kafka long before. */
export interface FeedReport extends MeasuredPhase {
  /** Records that were written to Kafka, warm-up included. */
  readonly written: number;
  /** Those of them that came, each once. */
  readonly received: number;
  /** Those that should have come and did not: all when everything was waited for, else those that
   * others of their partition have overtaken. */
  readonly missing: number;
  /** PUBLISHes whose topic or payload is not what was written. */
  readonly damaged: number;
  /** PUBLISHes of another QoS than the route's. */
  readonly wrongQos: number;
  readonly duplicates: number;
  /** First deliveries that came after the one of a later record of their partition. */
  readonly outOfOrder: number;
  readonly connectionsLost: number;
}

export interface GeneratorReport {
  readonly load: LoadReport | undefined;
  readonly feed: FeedReport | undefined;
  /** What must be in Kafka; undefined without a load. */
  readonly sent: SentMessages | undefined;
  /** CPU of the generator while `measuring`: what its own work adds to a loaded machine. */
  readonly generatorCpuUsPerMessage: number;
}

/** Generator -> bench. */
export type GeneratorEvent =
  /** The connector is to dial `mqttEndpoint`, `HOST:PORT`. */
  | { readonly kind: 'open'; readonly mqttEndpoint: string }
  /** Whatever there is to do has begun, with its warm-up. */
  | { readonly kind: 'loading' }
  /** Several times a second from then on, and right before `measuring` and `measured`. */
  | ({ readonly kind: 'progress' } & Progress)
  /** Every direction is in its measured phase. */
  | { readonly kind: 'measuring' }
  /** The first of them has ended it; so many messages of all were settled since `measuring`. */
  | { readonly kind: 'measured'; readonly messages: number }
  | { readonly kind: 'finished'; readonly report: GeneratorReport }
  /** `code`: of an OperatingError. */
  | { readonly kind: 'failed'; readonly message: string; readonly code?: string };

/** Mock cluster -> bench. */
export type MockKafkaEvent =
  | { readonly kind: 'ready'; readonly bootstrapServers: string }
  | { readonly kind: 'failed'; readonly message: string };
