/* PublishMaker: a record of a route's ring -> the PUBLISH that it becomes, in an object that is used again.
 * What it makes lies where it lies: properties in the route's own memory until its next record, the
 * payload in the ring. Main thread only.
 */
import type { Clock } from '../../base/clock.js';
import type { RecordRing } from '../../channel/record-ring.js';
import { OUTGOING_TOPICS_CACHED } from '../../config/limits.js';
import type { OutgoingPublish } from '../../mqtt/send/outgoing-publish.js';
import { type OutgoingTopic, OutgoingTopics } from '../../mqtt/send/outgoing-topics.js';
import { whyLeftOut } from '../../route/left-out.js';
import { MqttTopicWriter } from '../../route/mqtt-topic-template.js';
import type { RecordBytes } from '../../route/record-bytes.js';
import { EXPIRED, LOOPED, TOO_LARGE } from '../../route/to-mqtt.js';
import type { RecordFault } from './record-letter.js';
import type { CompiledRecordRoute } from './record-routes.js';

/** `publish`: it is made. `fault`: it never can be, and `fault` says why. */
export type Verdict = 'publish' | 'expired' | 'loop' | 'fault';

const NOTHING = new Uint8Array(0);
const NO_FAULT: RecordFault = { reason: 'mqttTopicInvalid', message: '', topicName: '' };

/** The record under a ring's cursor, as route/ reads it: the ring's accessors, each asked once. */
class RecordView implements RecordBytes {
  bytes: Uint8Array = NOTHING;
  keyStart = 0;
  keyBytes = -1;
  headersStart = 0;
  headerCount = 0;
  headersBytes = 0;
  payloadStart = 0;
  payloadBytes = 0;
  timestampMs = -1;
  partition = 0;

  read(ring: RecordRing): void {
    const { keyStart, keyBytes, headersBytes } = ring;
    this.bytes = ring.body;
    this.keyStart = keyStart;
    this.keyBytes = ring.hasKey ? keyBytes : -1;
    this.headersStart = keyStart + keyBytes;
    this.headersBytes = headersBytes;
    this.headerCount = ring.headerCount;
    this.payloadStart = keyStart + keyBytes + headersBytes;
    this.payloadBytes = ring.payloadBytes;
    this.timestampMs = ring.timestampMs;
    this.partition = ring.partition;
  }
}

export interface PublishMakerOptions {
  readonly clock: Clock;
  readonly payloadBytesMax: number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export class PublishMaker {
  readonly #clock: Clock;
  readonly #payloadBytesMax: number;
  readonly #record = new RecordView();
  readonly #names = new MqttTopicWriter();
  readonly #topics: OutgoingTopics;
  /** By route: its topic, where all its records have the same. */
  readonly #constants: (OutgoingTopic | undefined)[] = [];
  /** Why the last record can never be published; after `make` said so. */
  fault = NO_FAULT;

  constructor({ clock, payloadBytesMax, random }: PublishMakerOptions) {
    this.#clock = clock;
    this.#payloadBytesMax = payloadBytesMax;
    this.#topics = new OutgoingTopics(OUTGOING_TOPICS_CACHED, Math.floor(random() * 2 ** 32));
  }

  /** Fills `publish` with what the record at the ring's cursor becomes. */
  make(route: CompiledRecordRoute, ring: RecordRing, publish: OutgoingPublish): Verdict {
    const record = this.#record;
    record.read(ring);
    if (ring.oversize || record.payloadBytes > this.#payloadBytesMax) {
      const max = this.#payloadBytesMax;
      const message = `a value of ${record.payloadBytes} bytes; maxPayloadBytes is ${max}`;
      return this.#refuse({ reason: 'oversize', message, topicName: '' });
    }
    const { writer } = route;
    const mapped = writer.write(record, this.#clock.wallMs());
    if (mapped === EXPIRED) return 'expired';
    if (mapped === LOOPED) return 'loop';
    const topic = this.#topicOf(route);
    if (topic === undefined) {
      const message = this.#names.fault;
      return this.#refuse({ reason: 'mqttTopicInvalid', message, topicName: '' });
    }
    if (mapped === TOO_LARGE) {
      const message = 'its headers are more than the properties of one PUBLISH may be';
      return this.#refuse({ reason: 'publishTooLarge', message, topicName: topic.name });
    }
    publish.qos = route.route.qos;
    publish.retain = writer.retain;
    publish.topic = topic;
    publish.properties = writer.bytes;
    publish.propertiesStart = 0;
    publish.propertiesBytes = writer.length;
    publish.payload = record.bytes;
    publish.payloadStart = record.payloadStart;
    publish.payloadBytes = record.payloadBytes;
    return 'publish';
  }

  /** What of the record that was made last MQTT could not carry; for people. */
  leftOut(route: CompiledRecordRoute): string {
    const { header, why } = whyLeftOut(this.#record, route.writer.leftOutAt[0] as number);
    return `${header === undefined ? 'the key' : JSON.stringify(header)}: ${why}`;
  }

  #topicOf(route: CompiledRecordRoute): OutgoingTopic | undefined {
    const { constant } = route.template;
    if (constant === undefined) {
      const names = this.#names;
      if (!names.fill(route.template, this.#record)) return undefined;
      // One that is known was checked when it was new.
      const known = this.#topics.known(names.bytes, names.length);
      if (known !== undefined) return known;
      return names.isTopicName() ? this.#topics.find(names.name) : undefined;
    }
    this.#constants[route.index] ??= this.#topics.find(constant);
    return this.#constants[route.index];
  }

  #refuse(fault: RecordFault): 'fault' {
    this.fault = fault;
    return 'fault';
  }
}
