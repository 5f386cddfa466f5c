import {
  MALFORMED_PACKET,
  PROTOCOL_ERROR,
  QOS_NOT_SUPPORTED,
  TOPIC_ALIAS_INVALID,
  TOPIC_NAME_INVALID,
} from '../../src/mqtt/reason-code.js';
import {
  CONTENT_TYPE,
  CORRELATION_DATA,
  counted,
  EXPIRY,
  encodePublish,
  PAYLOAD_FORMAT,
  pair,
  parts,
  RESPONSE_TOPIC,
  SUBSCRIPTION_ID,
  TOPIC_ALIAS,
  u16,
  u32,
  varint,
  withFixedHeader,
} from './publish-packets.js';
import type { Rule } from './strict-publish.js';

const qos1 = { qos: 1, dup: false, retain: false };

/** A packet whose Property Length is `length`, however long the properties are. */
function withPropertyLength(length: Uint8Array, properties = Buffer.alloc(0)): Buffer {
  return withFixedHeader(qos1, Buffer.concat([counted('a'), u16(5), length, properties]));
}

export interface Forbidden {
  readonly rule: Rule;
  readonly packet: Buffer;
  /** Whether mqtt-packet 9 takes the packet for sound: then the lane is stricter than it. */
  readonly mqttPacket: 'reads' | 'refuses';
  readonly reasonCode: number;
}

const property = (...properties: [number, Uint8Array][]) => encodePublish(parts({ properties }));

/** What the lane leaves, what mqtt-packet makes of it, and what the broker is told. */
export const FORBIDDEN: readonly Forbidden[] = [
  {
    rule: 'QoS 2',
    packet: encodePublish(parts({ qos: 2 })),
    mqttPacket: 'reads',
    reasonCode: QOS_NOT_SUPPORTED,
  },
  {
    rule: 'QoS 3',
    packet: encodePublish(parts({ qos: 3 })),
    mqttPacket: 'refuses',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'DUP at QoS 0',
    packet: encodePublish(parts({ qos: 0, dup: true })),
    mqttPacket: 'reads',
    reasonCode: PROTOCOL_ERROR,
  },
  {
    rule: 'shorter than its fields',
    packet: withFixedHeader(qos1, u16(9)),
    mqttPacket: 'refuses',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'shorter than its fields',
    packet: withFixedHeader(qos1, Buffer.concat([counted('a'), u16(5)])),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'packet identifier 0',
    packet: encodePublish(parts({ packetId: 0 })),
    mqttPacket: 'reads',
    reasonCode: PROTOCOL_ERROR,
  },
  {
    rule: 'integer not in its shortest form',
    packet: withPropertyLength(varint(0, 2)),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'integer not in its shortest form',
    packet: property([SUBSCRIPTION_ID, varint(1, 2)]),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'integer of five bytes',
    packet: withPropertyLength(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x01])),
    mqttPacket: 'refuses',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'integer of five bytes',
    packet: property([SUBSCRIPTION_ID, Buffer.from([0x81, 0x80, 0x80, 0x80, 0x00])]),
    mqttPacket: 'refuses',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'properties longer than the packet',
    packet: withPropertyLength(varint(9), Buffer.concat([Buffer.from([PAYLOAD_FORMAT, 1])])),
    mqttPacket: 'refuses',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'property that PUBLISH may not have',
    packet: property([0x11, u32(10)]),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'property that PUBLISH may not have',
    packet: property([0x7f, u32(10)]),
    mqttPacket: 'refuses',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'property longer than the properties',
    packet: withFixedHeader(
      qos1,
      Buffer.concat([counted('a'), u16(5), varint(4), Buffer.from([EXPIRY]), u32(1)]),
    ),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  ...[
    [PAYLOAD_FORMAT, Buffer.from([1])],
    [EXPIRY, u32(10)],
    [CONTENT_TYPE, counted('a')],
    [RESPONSE_TOPIC, counted('a')],
    [CORRELATION_DATA, counted('a')],
    [TOPIC_ALIAS, u16(1)],
  ].map((part): Forbidden => {
    const once = part as [number, Buffer];
    const rule = 'property repeated';
    const packet = property(once, once);
    return { rule, packet, mqttPacket: 'reads', reasonCode: MALFORMED_PACKET };
  }),
  ...[
    encodePublish(parts({ topic: Buffer.from([0x61, 0xc3]) })),
    encodePublish(parts({ topic: Buffer.from([0xed, 0xa0, 0x80]) })),
    property([CONTENT_TYPE, counted(Buffer.from([0xff]))]),
    property([RESPONSE_TOPIC, counted(Buffer.from([0xc0, 0x80]))]),
    property(pair(Buffer.from([0xf4, 0x90, 0x80, 0x80]), 'v') as [number, Buffer]),
    property(pair('k', Buffer.from([0xe0, 0x80, 0x80])) as [number, Buffer]),
  ].map(
    (packet): Forbidden => ({
      rule: 'text not UTF-8',
      packet,
      mqttPacket: 'reads',
      reasonCode: MALFORMED_PACKET,
    }),
  ),
  {
    rule: 'U+0000 in text',
    packet: encodePublish(parts({ topic: Buffer.from('a\0') })),
    mqttPacket: 'reads',
    reasonCode: TOPIC_NAME_INVALID,
  },
  {
    rule: 'U+0000 in text',
    packet: property(pair('k\0', 'v') as [number, Buffer]),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'Payload Format Indicator over 1',
    packet: property([PAYLOAD_FORMAT, Buffer.from([2])]),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  {
    rule: 'Topic Alias 0',
    packet: property([TOPIC_ALIAS, u16(0)]),
    mqttPacket: 'reads',
    reasonCode: TOPIC_ALIAS_INVALID,
  },
  {
    rule: 'Subscription Identifier 0',
    packet: property([SUBSCRIPTION_ID, varint(0)]),
    mqttPacket: 'reads',
    reasonCode: MALFORMED_PACKET,
  },
  ...['', 'answers/#', 'answers/+'].map(
    (topic): Forbidden => ({
      rule: 'Response Topic that is no topic name',
      packet: property([RESPONSE_TOPIC, counted(topic)]),
      mqttPacket: 'reads',
      reasonCode: MALFORMED_PACKET,
    }),
  ),
  ...['plant/#', 'plant/+', '+'].map(
    (topic): Forbidden => ({
      rule: 'wildcard in the topic name',
      packet: encodePublish(parts({ topic: Buffer.from(topic) })),
      mqttPacket: 'reads',
      reasonCode: TOPIC_NAME_INVALID,
    }),
  ),
  {
    rule: 'neither topic name nor Topic Alias',
    packet: encodePublish(parts({ topic: Buffer.alloc(0) })),
    mqttPacket: 'reads',
    reasonCode: PROTOCOL_ERROR,
  },
];
