import type { Random } from './random.js';

/* PUBLISH packets by their bytes: sound ones, and ones that were spoiled. Nothing of src/ is used, so
 * that what reads them is held against something else than itself. */

/** A property by its identifier and the bytes of its value. */
export type PropertyPart = readonly [id: number, value: Uint8Array];

export interface PublishParts {
  readonly qos: number;
  readonly dup: boolean;
  readonly retain: boolean;
  readonly packetId: number;
  readonly topic: Uint8Array;
  readonly properties: readonly PropertyPart[];
  readonly payload: Uint8Array;
}

export const PAYLOAD_FORMAT = 0x01;
export const EXPIRY = 0x02;
export const CONTENT_TYPE = 0x03;
export const RESPONSE_TOPIC = 0x08;
export const CORRELATION_DATA = 0x09;
export const SUBSCRIPTION_ID = 0x0b;
export const TOPIC_ALIAS = 0x23;
export const USER_PROPERTY = 0x26;

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A Variable Byte Integer, in `bytesMin` bytes even where fewer would do. */
export function varint(value: number, bytesMin = 1): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(rest % 128);
    rest = Math.floor(rest / 128);
  } while (rest > 0 || bytes.length < bytesMin);
  return Buffer.from(bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte)));
}

/** Binary Data, or a UTF-8 Encoded String. */
export function counted(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
}

export function pair(name: string | Uint8Array, value: string | Uint8Array): PropertyPart {
  return [USER_PROPERTY, Buffer.concat([counted(name), counted(value)])];
}

export function subscriptionId(id: number): PropertyPart {
  return [SUBSCRIPTION_ID, varint(id)];
}

export function parts(changes: Partial<PublishParts> = {}): PublishParts {
  return {
    qos: 1,
    dup: false,
    retain: false,
    packetId: 5,
    topic: Buffer.from('plant/1/temperature'),
    properties: [],
    payload: Buffer.from('21.5'),
    ...changes,
  };
}

/** Everything behind the fixed header. */
export function encodeBody(publish: PublishParts): Buffer {
  const properties = Buffer.concat(
    publish.properties.flatMap(([id, value]) => [Buffer.from([id]), value]),
  );
  return Buffer.concat([
    counted(publish.topic),
    publish.qos > 0 ? u16(publish.packetId) : Buffer.alloc(0),
    varint(properties.length),
    properties,
    publish.payload,
  ]);
}

export function encodePublish(publish: PublishParts): Buffer {
  return withFixedHeader(publish, encodeBody(publish));
}

export function withFixedHeader(
  publish: Pick<PublishParts, 'qos' | 'dup' | 'retain'>,
  body: Uint8Array,
): Buffer {
  const flags = (publish.dup ? 8 : 0) | (publish.qos << 1) | (publish.retain ? 1 : 0);
  return Buffer.concat([Buffer.from([0x30 | flags]), varint(body.length), body]);
}

const TEXTS = [
  '',
  'a',
  'unit',
  'é',
  '温度',
  '😀',
  '\ufeffmark',
  'x'.repeat(200),
  '\u0001',
] as const;
const LEVELS = ['plant', '1', '', 'temperature', 'é', '温度', '$SYS', ' ', '\ufeff'] as const;

export function randomTopic(random: Random): string {
  const levels = Array.from({ length: random.between(1, 5) }, () => random.pick(LEVELS));
  const topic = levels.join('/');
  return topic === '' ? '/' : topic;
}

function randomProperties(random: Random): PropertyPart[] {
  const properties: PropertyPart[] = [];
  const maybe = (part: () => PropertyPart) => {
    if (random.chance(0.3)) properties.push(part());
  };
  maybe(() => [PAYLOAD_FORMAT, Buffer.from([random.below(2)])]);
  maybe(() => [EXPIRY, u32(random.pick([0, 1, 60, 2 ** 31, 2 ** 32 - 1]))]);
  maybe(() => [CONTENT_TYPE, counted(random.pick(TEXTS))]);
  maybe(() => [RESPONSE_TOPIC, counted(randomTopic(random))]);
  maybe(() => [CORRELATION_DATA, counted(random.bytes(random.below(20)))]);
  maybe(() => [TOPIC_ALIAS, u16(random.pick([1, 2, 255, 65_535]))]);
  for (let i = random.below(3); i > 0; i--) {
    properties.push(subscriptionId(random.pick([1, 127, 128, 16_384, 2_097_152, 268_435_455])));
  }
  for (let i = random.below(4); i > 0; i--) {
    properties.push(pair(random.pick(TEXTS), random.pick(TEXTS)));
  }
  return random.shuffle(properties);
}

/** A PUBLISH that MQTT 5 allows, at QoS 0 or 1. */
export function randomPublish(random: Random): PublishParts {
  const qos = random.below(2);
  const properties = randomProperties(random);
  const hasAlias = properties.some(([id]) => id === TOPIC_ALIAS);
  return {
    qos,
    dup: qos === 1 && random.chance(0.2),
    retain: random.chance(0.2),
    packetId: qos === 0 ? 0 : random.pick([1, 2, 255, 256, 65_535]),
    topic: Buffer.from(hasAlias && random.chance(0.5) ? '' : randomTopic(random)),
    properties,
    payload: random.bytes(random.pick([0, 1, 7, 8, 9, 100, 130])),
  };
}

const SPOILERS = [0x00, 0x01, 0x02, 0x23, 0x26, 0x2b, 0x7f, 0x80, 0xc0, 0xed, 0xff] as const;

/** The packet with its bytes changed here and there, framed again so that its length is right. */
export function spoil(random: Random, publish: PublishParts): Buffer {
  let body = encodeBody(publish);
  const head = { qos: publish.qos, dup: publish.dup, retain: publish.retain };
  for (let i = random.between(1, 3); i > 0; i--) {
    const at = random.below(Math.max(body.length, 1));
    const before = body.subarray(0, at);
    switch (random.below(6)) {
      case 0:
        head.qos = random.below(4);
        head.dup = random.chance(0.5);
        break;
      case 1:
        body = Buffer.concat([before, random.bytes(random.between(1, 3)), body.subarray(at)]);
        break;
      case 2:
        body = Buffer.concat([before, body.subarray(at + random.between(1, 3))]);
        break;
      case 3:
        body = Buffer.from(before);
        break;
      default:
        body = Buffer.from(body);
        if (at < body.length)
          body[at] = random.chance(0.7) ? random.pick(SPOILERS) : random.below(256);
    }
  }
  return withFixedHeader(head, body);
}
