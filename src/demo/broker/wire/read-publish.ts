import { isUtf8 } from 'node:buffer';
import { PropertyId, walkProperties } from './publish-properties.js';
import { ReasonCode } from './reason-code.js';
import { readVariableByteInteger, variableByteIntegerBytes } from './variable-byte-integer.js';

/** A PUBLISH as it came in. All buffers are views of the packet. */
export interface IncomingPublish {
  readonly qos: 0 | 1;
  readonly dup: boolean;
  readonly retain: boolean;
  /** 0 at QoS 0. */
  readonly packetId: number;
  /** Empty where a Topic Alias stands for it. */
  readonly topic: Buffer;
  readonly topicAlias: number | undefined;
  readonly expirySeconds: number | undefined;
  /** What goes on to subscribers: as it came, but for Topic Alias and Message Expiry Interval. */
  readonly properties: Buffer;
  readonly payload: Buffer;
}

/** Reads the PUBLISH in `packet`, or returns the reason code of what is wrong with it. */
export function readPublish(packet: Buffer, bodyStart: number): IncomingPublish | number {
  const flags = packet[0] ?? 0;
  const qosBits = (flags >> 1) & 3;
  const dup = (flags & 8) !== 0;
  if (qosBits === 3 || (dup && qosBits === 0)) return ReasonCode.malformedPacket;
  if (qosBits === 2) return ReasonCode.qosNotSupported;
  const qos = qosBits === 1 ? 1 : 0;
  const topicStart = bodyStart + 2;
  if (topicStart > packet.length) return ReasonCode.malformedPacket;
  const topicEnd = topicStart + packet.readUInt16BE(bodyStart);
  const propertiesAt = qos === 1 ? topicEnd + 2 : topicEnd;
  if (propertiesAt > packet.length) return ReasonCode.malformedPacket;
  const topic = packet.subarray(topicStart, topicEnd);
  const topicProblem = checkTopicName(topic);
  if (topicProblem !== ReasonCode.success) return topicProblem;
  const packetId = qos === 1 ? packet.readUInt16BE(topicEnd) : 0;
  if (qos === 1 && packetId === 0) return ReasonCode.protocolError; // [MQTT-2.2.1-3]

  const propertiesBytes = readVariableByteInteger(packet, propertiesAt, packet.length);
  if (propertiesBytes < 0) return ReasonCode.malformedPacket;
  const start = propertiesAt + variableByteIntegerBytes(propertiesBytes);
  const end = start + propertiesBytes;
  if (end > packet.length) return ReasonCode.malformedPacket;
  const properties = readProperties(packet, start, end);
  if (typeof properties === 'number') return properties;
  const { topicAlias, expirySeconds, forwarded } = properties;
  const retain = (flags & 1) !== 0;
  const payload = packet.subarray(end);
  const head = { dup, retain, packetId, topic, topicAlias, expirySeconds };
  return { ...head, qos, properties: forwarded, payload };
}

/** An empty name passes: a Topic Alias may stand for it. */
export function checkTopicName(topic: Buffer): number {
  if (!isUtf8(topic) || topic.includes(0)) return ReasonCode.malformedPacket;
  // [MQTT-3.3.2-2]
  if (topic.includes(0x23) || topic.includes(0x2b)) return ReasonCode.topicNameInvalid;
  return ReasonCode.success;
}

interface ReadProperties {
  topicAlias: number | undefined;
  expirySeconds: number | undefined;
  forwarded: Buffer;
}

function readProperties(packet: Buffer, start: number, end: number): ReadProperties | number {
  const read: ReadProperties = {
    topicAlias: undefined,
    expirySeconds: undefined,
    forwarded: packet.subarray(start, end),
  };
  if (start === end) return read;
  const kept: Buffer[] = [];
  let keptFrom = start;
  let seen = 0;
  const onProperty = (id: number, at: number, valueStart: number, valueEnd: number): number => {
    // Only a Server sends Subscription Identifiers [MQTT-3.3.4-6].
    if (id === PropertyId.subscriptionIdentifier) return ReasonCode.protocolError;
    if (id === PropertyId.userProperty) return ReasonCode.success;
    const bit = id === PropertyId.topicAlias ? 1 : 1 << id;
    if ((seen & bit) !== 0) return ReasonCode.protocolError;
    seen |= bit;
    if (id === PropertyId.payloadFormatIndicator)
      return (packet[valueStart] ?? 0) > 1 ? ReasonCode.protocolError : ReasonCode.success;
    if (id === PropertyId.responseTopic)
      return checkTopicName(packet.subarray(valueStart + 2, valueEnd));
    if (id === PropertyId.topicAlias) read.topicAlias = packet.readUInt16BE(valueStart);
    else if (id === PropertyId.messageExpiryInterval)
      read.expirySeconds = packet.readUInt32BE(valueStart);
    else return ReasonCode.success;
    kept.push(packet.subarray(keptFrom, at));
    keptFrom = valueEnd;
    return ReasonCode.success;
  };
  const reasonCode = walkProperties(packet, { start, end }, onProperty);
  if (reasonCode !== ReasonCode.success) return reasonCode;
  if (keptFrom !== start) read.forwarded = Buffer.concat([...kept, packet.subarray(keptFrom, end)]);
  return read;
}
