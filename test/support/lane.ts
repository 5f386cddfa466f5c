import { ABSENT, Publish } from '../../src/mqtt/receive/publish.js';
import { LANE_READ, readPublish } from '../../src/mqtt/receive/publish-lane.js';
import { TopicCache } from '../../src/mqtt/receive/topic-cache.js';
import { nextUserProperty, u16 } from '../../src/route/properties.js';
import type { PublishValues } from './strict-publish.js';

/* The fast lane as tests use it: one packet in memory of its own. */

const topics = new TopicCache(1024, 1e6, 7);

/** Where the Remaining Length of a packet ends. */
export function bodyStart(packet: Uint8Array): number {
  let at = 1;
  while ((packet[at] ?? 0) >= 0x80) at++;
  return at + 1;
}

/** An object to read `packet` into, which lies `shift` bytes behind the start of its memory. */
export function publishAt(packet: Uint8Array, shift = 0): Publish {
  const memory = new ArrayBuffer((shift + packet.length + 11) & ~3);
  const bytes = new Uint8Array(memory);
  bytes.set(packet, shift);
  return new Publish(bytes, new Int32Array(memory));
}

/** What the lane says of the first `available` bytes of a packet. */
export function readByLane(
  packet: Uint8Array,
  available = packet.length,
  shift = 0,
): { readonly said: number; readonly publish: Publish } {
  const publish = publishAt(packet.subarray(0, available), shift);
  const said = readPublish(
    packet[0] as number,
    shift + bodyStart(packet),
    shift + packet.length,
    shift + available,
    publish,
  );
  publish.packetBytes = packet.length;
  return { said, publish };
}

/** Reads a sound packet and resolves its topic, as the session does. Undefined: not for the lane. */
export function publishOf(packet: Uint8Array, shift = 0): Publish | undefined {
  const { said, publish } = readByLane(packet, packet.length, shift);
  if (said !== LANE_READ) return undefined;
  if (publish.topicEnd > publish.topicStart) {
    publish.topic = topics.find(publish.bytes, publish.topicStart, publish.topicEnd);
    if (publish.topic === undefined) return undefined;
  }
  return publish;
}

/** What was read, as plain values. */
export function valuesOf(publish: Publish): PublishValues {
  const bytes = Buffer.from(publish.bytes.buffer as ArrayBuffer);
  const text = (start: number, end: number) =>
    start === ABSENT ? undefined : bytes.toString('utf8', start, end);
  const { correlationDataStart, payloadStart, payloadBytes } = publish;
  return {
    qos: publish.qos,
    dup: publish.dup,
    retain: publish.retain,
    packetId: publish.packetId,
    topic: bytes.toString('utf8', publish.topicStart, publish.topicEnd),
    payload: bytes.toString('hex', payloadStart, payloadStart + payloadBytes),
    payloadFormat: publish.payloadFormat === ABSENT ? undefined : publish.payloadFormat,
    expirySeconds: publish.expirySeconds === ABSENT ? undefined : publish.expirySeconds,
    contentType: text(publish.contentTypeStart, publish.contentTypeEnd),
    responseTopic: text(publish.responseTopicStart, publish.responseTopicEnd),
    correlationData:
      correlationDataStart === ABSENT
        ? undefined
        : bytes.toString('hex', correlationDataStart, publish.correlationDataEnd),
    topicAlias: publish.topicAlias === 0 ? undefined : publish.topicAlias,
    subscriptionIds: [...publish.subscriptionId.subarray(0, publish.subscriptionIds)],
    userProperties: userPropertiesOf(publish),
  };
}

export function userPropertiesOf(publish: Publish): [string, string][] {
  const bytes = Buffer.from(publish.bytes.buffer as ArrayBuffer);
  const found: [string, string][] = [];
  const end = publish.propertiesEnd;
  let at = nextUserProperty(bytes, publish.propertiesStart, end);
  while (at >= 0) {
    const nameEnd = at + 2 + u16(bytes, at);
    const valueEnd = nameEnd + 2 + u16(bytes, nameEnd);
    found.push([
      bytes.toString('utf8', at + 2, nameEnd),
      bytes.toString('utf8', nameEnd + 2, valueEnd),
    ]);
    at = nextUserProperty(bytes, valueEnd, end);
  }
  return found;
}
