/* What is wrong with a PUBLISH that the fast lane left: mqtt-packet parses it, and what mqtt-packet
 * lets pass although MQTT 5 forbids it is found here. Slow, for packets that end a connection.
 */
import { parser as createParser, type IPublishPacket } from 'mqtt-packet';
import {
  IMPLEMENTATION_SPECIFIC_ERROR,
  MALFORMED_PACKET,
  PROTOCOL_ERROR,
  QOS_NOT_SUPPORTED,
  TOPIC_ALIAS_INVALID,
  TOPIC_NAME_INVALID,
} from '../reason-code.js';
import { SUBSCRIPTION_IDS_MAX } from './publish.js';

export interface PublishFault {
  readonly reasonCode: number;
  readonly text: string;
  readonly qos: number;
  /** 0 when it cannot be told. */
  readonly packetId: number;
  /** Whether the packet is there to its end. */
  readonly whole: boolean;
}

/** The fault of `packet`, a PUBLISH or the beginning of one. */
export function publishFault(packet: Uint8Array): PublishFault {
  const packetId = packetIdOf(packet);
  const qos = ((packet[0] as number) >> 1) & 3;
  const body = bodyOf(packet);
  const whole = body.bytes.length === body.length;
  const fault = (reasonCode: number, text: string) => ({ reasonCode, text, qos, packetId, whole });
  if (qos === 2) return fault(QOS_NOT_SUPPORTED, 'QoS 2, which was never subscribed to');
  if (qos === 3) return fault(MALFORMED_PACKET, 'QoS 3 [MQTT-3.3.1-4]');
  const parsed = parse(packet[0] as number, body.bytes);
  if (typeof parsed === 'string') {
    return fault(MALFORMED_PACKET, `a field that cannot be read (${parsed})`);
  }
  if (qos === 0 && parsed.dup) return fault(PROTOCOL_ERROR, 'DUP at QoS 0 [MQTT-3.3.1-2]');
  if (qos === 1 && packetId === 0)
    return fault(PROTOCOL_ERROR, 'packet identifier 0 [MQTT-2.2.1-2]');
  const alias = parsed.properties?.topicAlias;
  if (alias === 0) return fault(TOPIC_ALIAS_INVALID, 'Topic Alias 0 [MQTT-3.3.2-8]');
  if (parsed.topic === '' && alias === undefined) {
    return fault(PROTOCOL_ERROR, 'neither topic name nor Topic Alias');
  }
  if (/[+#\0]/.test(parsed.topic)) {
    return fault(TOPIC_NAME_INVALID, 'a wildcard or U+0000 in the topic name [MQTT-3.3.2-2]');
  }
  const ids = [parsed.properties?.subscriptionIdentifier ?? []].flat();
  if (ids.length > SUBSCRIPTION_IDS_MAX) {
    const text = `more than ${SUBSCRIPTION_IDS_MAX} Subscription Identifiers`;
    return fault(IMPLEMENTATION_SPECIFIC_ERROR, text);
  }
  return fault(MALFORMED_PACKET, 'a property that is repeated, not allowed or not UTF-8');
}

/** What is there of what follows the fixed header, and how long it is to be. */
function bodyOf(packet: Uint8Array): { readonly bytes: Uint8Array; readonly length: number } {
  let length = 0;
  let position = 1;
  for (let shift = 0; position < packet.length; shift += 7) {
    const byte = packet[position++] as number;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return { bytes: packet.subarray(position), length };
}

/** Parses what is there as if it were all. */
function parse(firstByte: number, body: Uint8Array): IPublishPacket | string {
  const parser = createParser({ protocolVersion: 5 });
  let result: IPublishPacket | string = 'nothing was read';
  parser.on('packet', (found) => {
    if (found.cmd === 'publish') result = found;
  });
  parser.on('error', (error: Error) => {
    result = error.message;
  });
  parser.parse(Buffer.concat([Buffer.from([firstByte]), varint(body.length), body]));
  return result;
}

/** The packet identifier behind the topic name of a QoS 1 or 2 PUBLISH, however bad the rest is. */
function packetIdOf(packet: Uint8Array): number {
  if ((((packet[0] as number) >> 1) & 3) === 0) return 0;
  let position = 1;
  while (position < 5 && ((packet[position] ?? 0) & 0x80) !== 0) position++;
  position++;
  const topicBytes = ((packet[position] ?? 0) << 8) | (packet[position + 1] ?? 0);
  const at = position + 2 + topicBytes;
  return at + 2 > packet.length ? 0 : ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
