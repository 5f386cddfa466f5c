/* Writes a PUBLISH, section 3.3, from where its parts lie into the output of a connection.
 *
 * V8 copies memory that threads share byte by byte unless source and target are aligned alike. So a
 * payload is copied to the next place that is aligned as it was, and moved from there.
 */

import { VARINT_BYTES_MAX, VARINT_MAX, varintBytes, writeVarint } from '../wire.js';
import { ALIAS_BYTES, ALIAS_KNOWN } from './outgoing-aliases.js';
import { COPIED_PAYLOAD_BYTES_MAX, type OutgoingPublish } from './outgoing-publish.js';
import type { OutgoingTopic } from './outgoing-topics.js';
import type { Output } from './output.js';

const PUBLISH_FIRST_BYTE = 0x30;
const DUP = 0x08;
const RETAIN = 0x01;
const TOPIC_ALIAS = 0x23;
const WORD_BYTES = 8;
/** Up to here a loop is faster than a call that copies. */
const LOOPED_BYTES_MAX = 24;

/** How long the packet is, with its topic name and without an alias; Infinity: no packet is so long. */
export function publishBytes(publish: OutgoingPublish): number {
  const topicBytes = (publish.topic as OutgoingTopic).bytes.length;
  const remaining = remainingLength(publish, topicBytes, publish.propertiesBytes);
  if (remaining > VARINT_MAX) return Number.POSITIVE_INFINITY;
  return 1 + varintBytes(remaining) + remaining;
}

/**
 * Writes the packet.
 * @param packetId 0 at QoS 0
 * @param alias as `OutgoingAliases.aliasOf` has it
 */
export function writePublish(
  output: Output,
  publish: OutgoingPublish,
  packetId: number,
  dup: boolean,
  alias: number,
): void {
  const topic = (publish.topic as OutgoingTopic).bytes;
  const topicBytes = alias >= ALIAS_KNOWN ? 0 : topic.length;
  const propertiesBytes = publish.propertiesBytes + (alias === 0 ? 0 : ALIAS_BYTES);
  const remaining = remainingLength(publish, topicBytes, propertiesBytes);
  const apart = publish.payloadBytes > COPIED_PAYLOAD_BYTES_MAX;
  const here = apart ? remaining - publish.payloadBytes : remaining;
  let at = output.reserve(1 + VARINT_BYTES_MAX + here + WORD_BYTES);
  const bytes = output.bytes;
  bytes[at++] =
    PUBLISH_FIRST_BYTE | (dup ? DUP : 0) | (publish.qos << 1) | (publish.retain ? RETAIN : 0);
  at = writeVarint(bytes, at, remaining);
  bytes[at++] = topicBytes >> 8;
  bytes[at++] = topicBytes & 0xff;
  if (topicBytes > 0) at = copy(topic, 0, topicBytes, bytes, at);
  if (publish.qos > 0) {
    bytes[at++] = packetId >> 8;
    bytes[at++] = packetId & 0xff;
  }
  at = writeVarint(bytes, at, propertiesBytes);
  if (alias !== 0) {
    bytes[at++] = TOPIC_ALIAS;
    bytes[at++] = (alias >> 8) & 0xff;
    bytes[at++] = alias & 0xff;
  }
  const { properties, propertiesStart } = publish;
  at = copy(properties, propertiesStart, publish.propertiesBytes, bytes, at);
  if (!apart) at = copyAligned(publish, bytes, at);
  output.commit(at);
  if (apart) writeApart(output, publish);
}

function remainingLength(
  publish: OutgoingPublish,
  topicBytes: number,
  propertiesBytes: number,
): number {
  const packetIdBytes = publish.qos === 0 ? 0 : 2;
  return (
    2 +
    topicBytes +
    packetIdBytes +
    varintBytes(propertiesBytes) +
    propertiesBytes +
    publish.payloadBytes
  );
}

/** A payload that is too large to be copied, unless its memory is the caller's again at once. */
function writeApart(output: Output, publish: OutgoingPublish): void {
  const { payload, payloadStart, payloadBytes } = publish;
  if (publish.qos === 1) {
    output.borrow(payload.subarray(payloadStart, payloadStart + payloadBytes));
    return;
  }
  const own = new Uint8Array(payloadBytes + WORD_BYTES);
  const start = (payload.byteOffset + payloadStart) % WORD_BYTES;
  output.write(own.subarray(start, copyAligned(publish, own, start)));
}

/** Copies the payload to `at`; `target` has room for a word more. */
function copyAligned(publish: OutgoingPublish, target: Uint8Array, at: number): number {
  const { payload, payloadStart, payloadBytes } = publish;
  if (payloadBytes <= LOOPED_BYTES_MAX) {
    return copy(payload, payloadStart, payloadBytes, target, at);
  }
  const shift = (payload.byteOffset + payloadStart - target.byteOffset - at) & (WORD_BYTES - 1);
  target.set(payload.subarray(payloadStart, payloadStart + payloadBytes), at + shift);
  if (shift > 0) target.copyWithin(at, at + shift, at + shift + payloadBytes);
  return at + payloadBytes;
}

function copy(
  source: Uint8Array,
  start: number,
  bytes: number,
  target: Uint8Array,
  at: number,
): number {
  if (bytes > LOOPED_BYTES_MAX) target.set(source.subarray(start, start + bytes), at);
  else for (let i = 0; i < bytes; i++) target[at + i] = source[start + i] as number;
  return at + bytes;
}
