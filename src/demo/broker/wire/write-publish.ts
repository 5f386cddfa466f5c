import { PropertyId } from './publish-properties.js';
import { variableByteIntegerBytes, writeVariableByteInteger } from './variable-byte-integer.js';

/** A PUBLISH as it goes out. */
export interface OutgoingPublish {
  readonly qos: 0 | 1;
  readonly dup: boolean;
  readonly retain: boolean;
  /** Written at QoS 1 only. */
  readonly packetId: number;
  /** Empty where `topicAlias` stands for it. */
  readonly topic: Buffer;
  readonly topicAlias: number | undefined;
  readonly expirySeconds: number | undefined;
  /** Encoded Subscription Identifier properties, each with its identifier byte. */
  readonly subscriptionIdentifiers: Buffer;
  /** Encoded properties, written as they are. */
  readonly properties: Buffer;
  readonly payload: Buffer;
}

/** How long the packet is without its payload, and its two lengths. */
export interface PublishLayout {
  readonly headBytes: number;
  readonly remainingLength: number;
  readonly propertiesBytes: number;
}

export function layOutPublish(publish: OutgoingPublish): PublishLayout {
  const propertiesBytes =
    (publish.expirySeconds === undefined ? 0 : 5) +
    (publish.topicAlias === undefined ? 0 : 3) +
    publish.subscriptionIdentifiers.length +
    publish.properties.length;
  const variableHeaderBytes =
    2 +
    publish.topic.length +
    (publish.qos === 1 ? 2 : 0) +
    variableByteIntegerBytes(propertiesBytes) +
    propertiesBytes;
  const remainingLength = variableHeaderBytes + publish.payload.length;
  const headBytes = 1 + variableByteIntegerBytes(remainingLength) + variableHeaderBytes;
  return { headBytes, remainingLength, propertiesBytes };
}

/** Writes all but the payload: `layout.headBytes` bytes from `offset`. */
export function writePublishHead(
  publish: OutgoingPublish,
  layout: PublishLayout,
  place: { readonly target: Buffer; readonly offset: number },
): void {
  const { target } = place;
  let at = place.offset;
  const flags = (publish.dup ? 8 : 0) | (publish.qos << 1) | (publish.retain ? 1 : 0);
  target[at] = 0x30 | flags;
  at = writeVariableByteInteger(target, at + 1, layout.remainingLength);
  at = target.writeUInt16BE(publish.topic.length, at);
  at += publish.topic.copy(target, at);
  if (publish.qos === 1) at = target.writeUInt16BE(publish.packetId, at);
  at = writeVariableByteInteger(target, at, layout.propertiesBytes);
  if (publish.expirySeconds !== undefined) {
    target[at] = PropertyId.messageExpiryInterval;
    at = target.writeUInt32BE(publish.expirySeconds, at + 1);
  }
  if (publish.topicAlias !== undefined) {
    target[at] = PropertyId.topicAlias;
    at = target.writeUInt16BE(publish.topicAlias, at + 1);
  }
  at += publish.subscriptionIdentifiers.copy(target, at);
  publish.properties.copy(target, at);
}
