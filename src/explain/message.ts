/* The PUBLISHes of `explain`: the one that it is asked about, encoded as a broker would send it to us,
 * and the one that a record becomes; each read by the very lane that reads packets off the wire.
 */
import { LARGE_PAYLOAD_BYTES } from '../config/limits.js';
import { Publish } from '../mqtt/receive/publish.js';
import { publishFault } from '../mqtt/receive/publish-check.js';
import { LANE_READ, LANE_TOO_LONG, readPublish } from '../mqtt/receive/publish-lane.js';
import { TopicCache } from '../mqtt/receive/topic-cache.js';
import { VARINT_BYTES_MAX, VARINT_MAX } from '../mqtt/wire.js';

export interface Message {
  readonly topicName: string;
  /** As it was published; the subscription may lower it. */
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly payloadBytes: number;
  /** In order; names may come again. */
  readonly userProperties: readonly (readonly [string, string])[];
  readonly payloadFormat?: 0 | 1 | undefined;
  readonly expirySeconds?: number | undefined;
  readonly contentType?: string | undefined;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: string | undefined;
}

/** Any packet identifier, and room for words at the end of the payload. */
const PACKET_ID = 1;
const PADDING_BYTES = 8;

/** The PUBLISH, its topic resolved; or what MQTT 5 forbids in it. */
export function publishOf(
  message: Message,
  qos: 0 | 1,
  subscriptionId: number,
): Publish | { readonly fault: string } {
  const { topicName, retain, payloadBytes } = message;
  const properties = encodeProperties(message, subscriptionId);
  return readBack({ topic: Buffer.from(topicName), qos, retain, properties, payloadBytes });
}

/** A PUBLISH but for its payload, of which the length is enough. */
export interface PublishOutline {
  readonly topic: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Without their length before them. */
  readonly properties: Uint8Array;
  readonly payloadBytes: number;
}

/** The same, read; or what MQTT 5 forbids in it. */
export function readBack(outline: PublishOutline): Publish | { readonly fault: string } {
  const head = encodeHead(outline);
  if (head.remainingLength > VARINT_MAX) return { fault: `more than ${VARINT_MAX} bytes` };
  const { payloadBytes } = outline;
  const made = payloadBytes <= LARGE_PAYLOAD_BYTES ? payloadBytes : 0;
  const memory = new ArrayBuffer((head.bytes.length + made + PADDING_BYTES) & ~3);
  const publish = new Publish(new Uint8Array(memory), new Int32Array(memory));
  publish.bytes.set(head.bytes);
  const packetEnd = head.bytes.length + payloadBytes;
  const read = readPublish(
    head.bytes[0] as number,
    head.bodyStart,
    packetEnd,
    Math.min(packetEnd, publish.bytes.length),
    publish,
  );
  if (read !== LANE_READ && read !== LANE_TOO_LONG) return { fault: publishFault(head.bytes).text };
  publish.packetBytes = packetEnd;
  const topics = new TopicCache(2, 0, 0);
  publish.topic = topics.find(publish.bytes, publish.topicStart, publish.topicEnd);
  if (publish.topic === undefined) return { fault: 'a topic name that MQTT 5 forbids' };
  // A larger one lies in the slab, and nothing looks into it.
  if (made < payloadBytes) publish.slabOffset = 0;
  return publish;
}

/** Fixed and variable header: the packet but for its payload. */
function encodeHead({ topic, qos, retain, properties, payloadBytes }: PublishOutline) {
  const body = Buffer.concat([
    counted(topic),
    qos === 1 ? u16(PACKET_ID) : Buffer.alloc(0),
    varint(properties.length),
    properties,
  ]);
  const remainingLength = body.length + payloadBytes;
  const length = varint(Math.min(remainingLength, VARINT_MAX));
  const firstByte = 0x30 | (qos << 1) | (retain ? 1 : 0);
  const bytes = Buffer.concat([Buffer.from([firstByte]), length, body]);
  return { bytes, bodyStart: 1 + length.length, remainingLength };
}

/** Section 3.3.2.3, in the order in which brokers tend to write them. */
function encodeProperties(message: Message, subscriptionId: number): Buffer {
  const parts: Buffer[] = [];
  const add = (id: number, value: Buffer) => parts.push(Buffer.from([id]), value);
  if (message.payloadFormat !== undefined) add(0x01, Buffer.from([message.payloadFormat]));
  if (message.expirySeconds !== undefined) {
    const seconds = Buffer.alloc(4);
    seconds.writeUInt32BE(message.expirySeconds);
    add(0x02, seconds);
  }
  if (message.contentType !== undefined) add(0x03, text(message.contentType));
  if (message.responseTopic !== undefined) add(0x08, text(message.responseTopic));
  if (message.correlationData !== undefined) add(0x09, text(message.correlationData));
  for (const [name, value] of message.userProperties) {
    add(0x26, Buffer.concat([text(name), text(value)]));
  }
  add(0x0b, varint(subscriptionId));
  return Buffer.concat(parts);
}

/** Section 1.5.4; the command line has bounded its length. */
function text(value: string): Buffer {
  return counted(Buffer.from(value));
}

function counted(bytes: Uint8Array): Buffer {
  return Buffer.concat([u16(bytes.length), bytes]);
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** Section 1.5.5. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0 && bytes.length < VARINT_BYTES_MAX);
  return Buffer.from(bytes);
}
