/* What `explain` answers, as data: what `--json` prints. docs/reference/explain.md says what each field
 * means.
 */
import { isUtf8 } from 'node:buffer';
import type { Compression, KafkaAcks } from '../config/model.js';
import type { DeadLetterReason } from '../metrics/reasons.js';

export interface Explanation {
  readonly topicName: string;
  /** As published. */
  readonly qos: 0 | 1 | 2;
  readonly payloadBytes: number;
  /** Over all connectors. */
  readonly routesMatched: number;
  readonly connectors: readonly ConnectorExplanation[];
}

export interface ConnectorExplanation {
  readonly connector: string;
  readonly instanceId: number;
  readonly shards: number;
  readonly matched: readonly RouteExplanation[];
  readonly notMatched: readonly { readonly route: string; readonly why: string }[];
}

/** What becomes of the message by way of one route. */
export type Outcome =
  | { readonly kind: 'record' }
  /** The broker never sends it to us. */
  | { readonly kind: 'notSent'; readonly why: string }
  /** Acknowledged, and no record. */
  | { readonly kind: 'expired' | 'loopStopped'; readonly why: string }
  | { readonly kind: 'deadLetter'; readonly reason: DeadLetterReason; readonly why: string };

export interface RouteExplanation {
  readonly route: string;
  readonly topicMap: string;
  /** `file:line` of the route. */
  readonly source: string;
  readonly subscription: SubscriptionExplanation;
  /** QoS at which the broker sends it. */
  readonly qos: 0 | 1;
  readonly outcome: Outcome;
  readonly fit: Fit;
  /** Undefined unless the outcome is `record`. */
  readonly record: RecordExplanation | undefined;
}

export interface SubscriptionExplanation {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly subscriptionIdentifier: number;
  readonly shared: boolean;
  /** Client identifiers of the sessions that have it; one of them gets the message. */
  readonly sessions: readonly string[];
}

export interface Fit {
  /** As it comes from the broker, Subscription Identifier included. */
  readonly packetBytes: number;
  readonly maxPayloadBytes: number;
  /** What CONNECT announces; null where it announces none. */
  readonly maximumPacketSize: number | null;
  readonly oversize: 'refuse' | 'deadLetter';
  readonly fits: boolean;
}

export interface RecordExplanation {
  readonly kafkaTopic: string;
  readonly key: Bytes | null;
  /** The message lacks the property named by partitionKeyProperty. */
  readonly keyMissing: boolean;
  readonly partition: PartitionExplanation;
  /** Which worker produces it; null where any does. */
  readonly shard: number | null;
  readonly headers: readonly HeaderExplanation[];
  readonly payloadBytes: number;
  /** Key, headers and payload: what Kafka holds against its limits, but for some framing. */
  readonly recordBytes: number;
  readonly producer: ProducerExplanation;
  /** What can still make a dead letter of it. */
  readonly deadLetterReasons: readonly PossibleDeadLetter[];
}

export interface PossibleDeadLetter {
  readonly reason: DeadLetterReason;
  readonly when: string;
}

/** Text where it is UTF-8, base64 where it is not. */
export type Bytes = { readonly text: string } | { readonly base64: string };

export function bytesOf(bytes: Uint8Array): Bytes {
  const buffer = Buffer.from(bytes);
  return isUtf8(buffer) ? { text: buffer.toString() } : { base64: buffer.toString('base64') };
}

export interface PartitionExplanation {
  readonly rule: 'roundRobin' | 'key' | 'instance';
  readonly inWords: string;
  /** Null unless the rule and `--partitions` determine it. */
  readonly partition: number | null;
}

export interface HeaderExplanation {
  readonly name: string;
  readonly value: Bytes;
  /** Where the value is only known when the record is produced. */
  readonly note?: string;
}

export interface ProducerExplanation {
  readonly acks: KafkaAcks;
  readonly idempotent: boolean;
  readonly requestsInFlightMax: number;
  readonly compression: Compression;
  /** False: nothing waits. */
  readonly batching: boolean;
  readonly lingerMs: number;
  readonly batchMessagesMax: number;
  readonly batchBytesMax: number;
}
