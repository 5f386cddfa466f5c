/* Every message that crosses between the main thread and a worker, beside the two rings: the hot path
 * is in frame-ring.ts and settlement-ring.ts, this is what happens seldom. All are plain data.
 */
import type { MessagePort } from 'node:worker_threads';
import type { LogLevel } from '../base/log.js';
import type { Compression, KafkaAcks, KafkaConnection } from '../config/model.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import type { Sealed } from '../secrets/sealed.js';

/** How a record finds its partition: the same numbers as in src/native/producer.h. */
export const ROUND_ROBIN = 0;
export const KEYED = 1;
export const INSTANCE = 2;
export type PartitionRule = typeof ROUND_ROBIN | typeof KEYED | typeof INSTANCE;

/** main -> worker, as Piscina's task: everything a worker needs, once. */
export interface ShardTask {
  readonly shard: number;
  readonly connector: string;
  readonly clientId: string;
  readonly kafka: KafkaConnection;
  readonly kafkaCredentials: Sealed<KafkaCredentials>;
  readonly messageBytesMax: number;
  readonly logLevel: LogLevel;
  readonly frames: SharedArrayBuffer;
  readonly settlements: SharedArrayBuffer;
  readonly slab: SharedArrayBuffer;
  /** Advanced by the worker's loop: channel/heartbeat.ts. */
  readonly heartbeat: SharedArrayBuffer;
  /** Doorbells: file descriptors that main owns. */
  readonly wakeFd: number;
  readonly mainFd: number;
  readonly consumers: readonly ConsumerTask[];
  readonly port: MessagePort;
}

/** One kafkaToMqtt route, which has its consumer in this worker. */
export interface ConsumerTask {
  readonly routeIndex: number;
  readonly topic: string;
  readonly groupId: string;
  /** `group.instance.id`: a restart takes its partitions back at once. */
  readonly groupInstanceId: string;
  readonly offsetReset: 'earliest' | 'latest';
  readonly payloadBytesMax: number;
  /** The record ring, and the large ring for bodies that are too big for it: channel/record-ring.ts. */
  readonly records: SharedArrayBuffer;
  readonly large: SharedArrayBuffer;
}

/** Client settings that a producer has of its own; topics with equal ones share a producer. */
export interface ProducerSettings {
  readonly lingerMs: number;
  readonly batchMessagesMax: number;
  readonly batchBytesMax: number;
  readonly idempotent: boolean;
  readonly requestsInFlightMax: number;
  /** Tells apart producers that differ in nothing but the settings of a topic they both have. */
  readonly variant: number;
}

/** main -> worker, in a control frame before the first record for this target. */
export interface OpenTarget {
  readonly kind: 'openTarget';
  readonly targetId: number;
  readonly producer: ProducerSettings;
  readonly topic: string;
  readonly acks: KafkaAcks;
  readonly compression: Compression;
  readonly rule: PartitionRule;
  readonly instanceId: number;
}

/** main -> worker, in a control frame: every connection whose records a fatal error lost is closed,
 * so what follows is in order again. */
export interface Barrier {
  readonly kind: 'barrier';
  /** The last loss that it answers. */
  readonly loss: number;
}

export type ControlFrame = OpenTarget | Barrier;

/** Where a consumer group shall go on reading a partition: the offset of the next record. */
export interface PartitionOffset {
  readonly partition: number;
  readonly offset: number;
}

/** main -> worker: these records are settled, and all before them. Answered by `committed`. */
export interface CommitOffsets {
  readonly kind: 'commit';
  readonly routeIndex: number;
  readonly offsets: readonly PartitionOffset[];
}

/** main -> worker, answers `revoking`: nothing of these partitions is wanted any more; what is
 * settled of them is committed before they are given up. Of lost ones nothing is, and their unread
 * records are out of the ring: the same partitions may be assigned again. */
export interface PartitionsReleased {
  readonly kind: 'released';
  readonly routeIndex: number;
  readonly revocation: number;
  readonly offsets: readonly PartitionOffset[];
}

/** main -> worker: commit what is settled, leave the groups, destroy the producers, end the task.
 * Outstanding records are forgotten. */
export interface CloseShard {
  readonly kind: 'close';
  readonly commits: readonly Omit<CommitOffsets, 'kind'>[];
}

/** main -> worker: connect with these from now on. Of several the last one counts. Answered by
 * `credentialsInUse`, or for as long as Kafka does not take them by `credentialsRefused` and
 * `credentialsUntried`. */
export interface CredentialsChanged {
  readonly kind: 'credentials';
  /** Counts the changes of a pool, from 1. */
  readonly generation: number;
  readonly kafkaCredentials: Sealed<KafkaCredentials>;
}

export type ToWorker = CommitOffsets | PartitionsReleased | CredentialsChanged | CloseShard;

/** worker -> main: the rings are being read. */
export interface ShardReady {
  readonly kind: 'ready';
  /** By which the pool finds the worker, to see it end. */
  readonly threadId: number;
}

/** worker -> main: Kafka will never take this record; main owns the frame from here on. */
export interface RecordRefused {
  readonly kind: 'refused';
  readonly frame: Uint8Array;
  readonly code: string;
}

/** worker -> main: a target's records are held back with backoff, or flow again. */
export interface TargetHeld {
  readonly kind: 'held';
  readonly targetId: number;
  /** librdkafka's name of the error; undefined when they flow again. */
  readonly code: string | undefined;
}

/** Why no broker is connected. */
export type KafkaLossReason =
  | 'tls'
  | 'authentication'
  | 'protocol'
  | 'refused'
  | 'timeout'
  | 'network';

/** worker -> main: whether at least one broker is connected, from librdkafka's statistics; again where
 * another fault is known of what keeps all from it. */
export interface KafkaState {
  readonly kind: 'kafka';
  readonly up: boolean;
  /** Of a fault, as kafka/connection-fault.ts has them; `network` where none is known. */
  readonly reason: KafkaLossReason;
  readonly detail: string;
}

/** worker -> main: for how long Kafka has said nothing of a record, although it is connected; once a second
 * while it is too long. 0: that is over. */
export interface RecordsUnanswered {
  readonly kind: 'unanswered';
  readonly seconds: number;
  /** What is known of the cause, for people; may be empty. */
  readonly detail: string;
}

/** worker -> main: a producer was lost with what it had outstanding. Main closes the connections that
 * own open deliveries of this shard, then writes a barrier. */
export interface ProducerLost {
  readonly kind: 'producerLost';
  readonly code: string;
  /** Counts the losses of this worker, from 1. */
  readonly loss: number;
}

/** worker -> main: the group gave this consumer partitions. */
export interface PartitionsAssigned {
  readonly kind: 'assigned';
  readonly routeIndex: number;
  readonly partitions: readonly number[];
}

/** worker -> main: the group takes partitions back. Nothing of them comes behind what is in the record
 * ring by now. Main answers with `released`, at once where they are lost: others have them already. */
export interface PartitionsRevoking {
  readonly kind: 'revoking';
  readonly routeIndex: number;
  /** Counts the revocations of this consumer, from 1. */
  readonly revocation: number;
  readonly partitions: readonly number[];
  readonly lost: boolean;
}

/** worker -> main: how a commit ended; librdkafka's name of the error, undefined where it went well. */
export interface OffsetsCommitted {
  readonly kind: 'committed';
  readonly routeIndex: number;
  readonly code: string | undefined;
}

/** worker -> main: what a consumer cannot do, and why; `code` undefined: it is well again.
 * `stopped`: it will not be by itself. */
export interface ConsumerState {
  readonly kind: 'consumer';
  readonly routeIndex: number;
  readonly code: string | undefined;
  readonly detail: string;
  readonly stopped: boolean;
}

/** worker -> main: every client of this worker makes its connections with these credentials. */
export interface CredentialsInUse {
  readonly kind: 'credentialsInUse';
  readonly generation: number;
  /** Records that were left to their senders meanwhile, since Kafka may have them or not. */
  readonly abandonedRecords: number;
  /** Whether a producer had to be given up with what it had under way. */
  readonly timedOut: boolean;
}

/** worker -> main: a connection for trial fails with these credentials. Those before stay in service, and
 * it is tried again and again; told anew where the reason is another one. */
export interface CredentialsRefused {
  readonly kind: 'credentialsRefused';
  readonly generation: number;
  readonly reason: KafkaLossReason;
  /** For people, without any value of a secret. */
  readonly detail: string;
}

/** worker -> main: these credentials could not be tried so far: no broker was met that takes or refuses
 * them. Those before stay in service, and it is tried on; told anew where the reason is another one. */
export interface CredentialsUntried {
  readonly kind: 'credentialsUntried';
  readonly generation: number;
  readonly reason: KafkaLossReason;
  readonly detail: string;
}

/** worker -> main: a line for the log. */
export interface WorkerLog {
  readonly kind: 'log';
  readonly level: Exclude<LogLevel, 'fatal'>;
  readonly text: string;
}

export type FromWorker =
  | ShardReady
  | RecordRefused
  | TargetHeld
  | KafkaState
  | RecordsUnanswered
  | ProducerLost
  | PartitionsAssigned
  | PartitionsRevoking
  | OffsetsCommitted
  | ConsumerState
  | CredentialsInUse
  | CredentialsRefused
  | CredentialsUntried
  | WorkerLog;
