/* The addon's types: the only file of the worker side that loads it (channel/doorbell.ts does so for
 * the doorbells, which both sides use). src/native/shard-producers.cc, consumer.cc
 * and admin.cc implement them.
 */
import { loadAddon } from '../channel/addon-file.js';

/** What a turn left to do. */
export const TURN_MORE = 1;
export const TURN_CONTROL = 2;
export const TURN_FAILURES = 4;
export const TURN_EVENTS = 8;
export const TURN_UNREPORTED = 16;

/** What `produce` answers for a record whose time is over; no error code of librdkafka's. */
export const RECORD_EXPIRED = -1000;

/** For `setAloneFrom`: no record is that long. */
export const NEVER_ALONE = 0xffffffff;

/** A record that librdkafka gave up on, or a frame of a diverted target (code 0). */
export interface Failure {
  readonly frame: Uint8Array;
  /** In which order frames left the ring. */
  readonly sequence: number;
  readonly targetId: number;
  /** rd_kafka_resp_err_t */
  readonly code: number;
  /** rd_kafka_msg_status_t: 0 not persisted, 1 possibly, 2 persisted */
  readonly status: number;
  readonly producer: number;
}

export const EVENT_LOG = 0;
export const EVENT_ERROR = 1;
export const EVENT_STATISTICS = 2;
/** A consumer's only: partitions to be answered with `assign`. */
export const EVENT_ASSIGN = 3;
/** Partitions to be answered with `unassign`; code 1 where the group has given them to others already. */
export const EVENT_REVOKE = 4;
export const EVENT_COMMIT = 5;
export const EVENT_CLOSED = 6;

/** What a consumer's turn left to do. */
export const CONSUMER_MORE = 1;
export const CONSUMER_EVENTS = 2;
/** No room for a record: the reader of the ring rings the worker when it has made some. */
export const CONSUMER_BLOCKED = 4;

/** As an offset to begin at: what the group has committed, else auto.offset.reset. */
export const OFFSET_STORED = -1000;

export interface ProducerEvent {
  readonly kind: number;
  readonly producer: number;
  /** Log: syslog level. Error: rd_kafka_resp_err_t. */
  readonly code: number;
  readonly fatal: boolean;
  readonly text: string;
}

type Properties = Readonly<Record<string, string>>;

export interface ShardProducers {
  /** Opens a producer; throws when librdkafka refuses a property. */
  addProducer(properties: Properties): number;
  /** Destroys it; what is outstanding is forgotten unreported. */
  removeProducer(producer: number): void;
  /** For connections that it makes from now on. Returns what is wrong, without the values. */
  setCredentials(producer: number, username: string, password: string): string | undefined;
  /** The same of a token, where it logs in by one; until it has one it waits, and says nothing. */
  setToken(
    producer: number,
    value: string,
    expiresAtMs: number,
    principal: string,
  ): string | undefined;
  setTarget(
    targetId: number,
    producer: number,
    topic: string,
    properties: Properties,
    rule: number,
    instanceId: number,
    solo: boolean,
  ): void;
  /** While diverted, a target's frames come out by `takeFailures` with code 0. */
  divert(targetId: number, on: boolean): void;
  /** The first record of so many bytes (key, headers, payload) diverts its target; NEVER_ALONE. */
  setAloneFrom(targetId: number, recordBytes: number): void;
  /** The hot path: delivery reports to main, frames to librdkafka. Returns TURN_ bits. */
  turn(): number;
  /** Tells main of settlements that wait for others; due within a millisecond of TURN_UNREPORTED. */
  report(): void;
  takeControl(): Uint8Array;
  takeFailures(): Failure[];
  takeEvents(): ProducerEvent[];
  /** Sends one frame; returns an rd_kafka_resp_err_t or RECORD_EXPIRED. */
  produce(targetId: number, solo: boolean, frame: Uint8Array, sequence: number): number;
  settle(deliveryId: number, frameBytes: number, settlement: number): void;
  purge(producer: number, inFlight: boolean): void;
  outstanding(producer: number): number;
  outstandingOf(targetId: number): number;
  hasStale(producer: number, ageMs: number): boolean;
  /** How long its oldest record has waited for a delivery report; 0 without any. Looks at all of them. */
  oldestMs(producer: number): number;
  close(): void;
}

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: number;
}

export interface ConsumerEvent {
  readonly kind: number;
  /** Log: syslog level. Revoke: 1 when lost. Otherwise rd_kafka_resp_err_t. */
  readonly code: number;
  readonly fatal: boolean;
  /** Commit: that of its call. */
  readonly token: number;
  /** Error: the partition and the offset that it is about, where it is about one. */
  readonly partitions: readonly PartitionOffset[];
  readonly text: string;
}

/** A member of a consumer group that writes its records to a record ring. */
export interface Consumer {
  /** The hot path: records from librdkafka to the ring. Returns CONSUMER_ bits. */
  turn(): number;
  takeEvents(): ConsumerEvent[];
  /** Answers EVENT_ASSIGN, at any time after it; librdkafka waits. An error comes as EVENT_ERROR. */
  assign(partitions: readonly PartitionOffset[]): void;
  /** Answers EVENT_REVOKE; drops the partitions too. */
  unassign(partitions: readonly number[]): void;
  /** From now on nothing of these partitions is written to the ring, until they are assigned again. */
  drop(partitions: readonly number[]): void;
  /** `offset` is that of the next record to read. Ends as EVENT_COMMIT with this token. */
  commit(offsets: readonly PartitionOffset[], token: number): void;
  /** As those of ShardProducers. */
  setCredentials(username: string, password: string): string | undefined;
  setToken(value: string, expiresAtMs: number, principal: string): string | undefined;
  /** Of all partitions, assigned now or later; what is in the ring stays there. */
  pause(): void;
  resume(): void;
  /** Leaves the group; no record is written any more. Ends as EVENT_CLOSED, after EVENT_REVOKE. */
  close(): void;
  /** Without leaving the group. `close` first where there is time. */
  destroy(): void;
}

// What can be asked of an Admin, and what an item of the answer has besides its name and code.
/** Item: a topic; partitions, operations. */
export const ADMIN_TOPICS = 0;
/** Item: a topic; max.message.bytes as value, where it is told. */
export const ADMIN_TOPIC_LIMITS = 1;
/** Item: a consumer group, whether it exists or not; operations. */
export const ADMIN_GROUPS = 2;

/** rd_kafka_AclOperation_t, as bits of an item's operations. */
export const OPERATION_READ = 1 << 3;
export const OPERATION_WRITE = 1 << 4;
/** Kafka did not say which operations we may do. */
export const OPERATIONS_UNTOLD = -1;

export interface AdminItem {
  readonly name: string;
  /** rd_kafka_resp_err_t, of this thing alone. */
  readonly code: number;
  readonly partitions: number;
  readonly operations: number;
  /** Empty where it is not told. */
  readonly value: string;
}

export interface AdminAnswer {
  readonly token: number;
  /** rd_kafka_resp_err_t, of the question as a whole. */
  readonly code: number;
  /** What was asked about is missing where the server left it out. */
  readonly items: readonly AdminItem[];
}

/** EVENT_LOG, EVENT_ERROR or EVENT_STATISTICS, by which it tells of the brokers. */
export type AdminEvent = Pick<ProducerEvent, 'kind' | 'code' | 'text'>;

/** A client that asks Kafka what is there and what we may do with it; it changes nothing. */
export interface Admin {
  /** Ends as an answer with this token. */
  ask(question: number, names: readonly string[], timeoutMs: number, token: number): void;
  takeEvents(): AdminEvent[];
  takeAnswers(): AdminAnswer[];
  /** As those of ShardProducers. */
  setCredentials(username: string, password: string): string | undefined;
  setToken(value: string, expiresAtMs: number, principal: string): string | undefined;
  /** Questions that are open stay unanswered. */
  destroy(): void;
}

/** librdkafka's own Kafka, in process, with errors on demand. */
export interface MockCluster {
  readonly bootstrapServers: string;
  createTopic(name: string, partitions: number): void;
  failRequests(apiKey: number, codes: readonly number[]): void;
  failTopic(name: string, code: number): void;
  setBrokerUp(broker: number, up: boolean): void;
  /** How long a new group waits for members before it deals out partitions: 3 s at first. */
  setGroupDelayMs(ms: number): void;
  setRoundTripMs(broker: number, ms: number): void;
  close(): void;
}

interface KafkaAddon {
  readonly Admin: new (properties: Properties, wakeFd: number) => Admin;
  readonly ShardProducers: new (
    frames: Uint8Array,
    settlements: Uint8Array,
    slab: Uint8Array,
    wakeFd: number,
    mainFd: number,
  ) => ShardProducers;
  /** @param alone it joins no group, and reads what it is told to by `assign` */
  readonly Consumer: new (
    properties: Properties,
    topic: string,
    ring: Uint8Array,
    large: Uint8Array,
    wakeFd: number,
    mainFd: number,
    alone?: boolean,
  ) => Consumer;
  readonly MockCluster: new (brokers: number) => MockCluster;
  readonly errorName: (code: number) => string;
  readonly builtinFeatures: () => string;
  readonly librdkafkaVersion: string;
}

export const addon = loadAddon() as KafkaAddon;
