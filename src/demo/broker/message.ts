import type { Clock } from '../../base/clock.js';
import { encodeProperties, type PublishProperties } from './wire/publish-properties.js';
import { checkTopicName } from './wire/read-publish.js';
import { ReasonCode } from './wire/reason-code.js';

/** An Application Message, shared by all who get it; it owns its bytes, and nobody changes them. */
export interface Message {
  readonly topic: string;
  readonly topicBytes: Buffer;
  readonly payload: Buffer;
  /** Encoded, without Topic Alias, Subscription Identifiers and Message Expiry Interval. */
  readonly properties: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly expirySeconds: number | undefined;
  /** Kept only where there is an expiry to count down. */
  readonly acceptedMs: number;
  /** The client that published it, for No Local; `undefined` for one from inside. */
  readonly publisher: string | undefined;
}

/** What a program publishes from inside. */
export interface PublishInput extends PublishProperties {
  readonly topic: string;
  readonly payload?: string | Uint8Array;
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  readonly expirySeconds?: number;
}

/** Copies what `input` refers to. Throws a RangeError for a topic name that MQTT forbids. */
export function createMessage(input: PublishInput, clock: Clock): Message {
  const topicBytes = Buffer.from(input.topic);
  const invalid = topicBytes.length === 0 || topicBytes.length > 65_535;
  if (invalid || checkTopicName(topicBytes) !== ReasonCode.success)
    throw new RangeError(`"${input.topic}" is not a topic name`);
  return {
    topic: input.topic,
    topicBytes,
    payload: Buffer.from(input.payload ?? ''),
    properties: encodeProperties(input),
    qos: input.qos ?? 0,
    retain: input.retain ?? false,
    expirySeconds: input.expirySeconds,
    acceptedMs: input.expirySeconds === undefined ? 0 : clock.monotonicMs(),
    publisher: undefined,
  };
}

/** Message Expiry Interval less the time waited here [MQTT-3.3.2-6]. */
export function remainingSeconds(message: Message, clock: Clock): number | undefined {
  if (message.expirySeconds === undefined) return undefined;
  const waitedSeconds = Math.floor((clock.monotonicMs() - message.acceptedMs) / 1000);
  return Math.max(0, message.expirySeconds - waitedSeconds);
}

export function isExpired(message: Message, clock: Clock): boolean {
  if (message.expirySeconds === undefined) return false;
  return clock.monotonicMs() - message.acceptedMs > message.expirySeconds * 1000;
}

/** What a message counts for against limits in bytes. */
export function messageBytes(message: Message): number {
  return message.topicBytes.length + message.properties.length + message.payload.length;
}
