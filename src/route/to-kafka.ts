/* PUBLISH + route -> the frame of a Kafka record, written where it is to be. What is the same for every
 * message of a topic is made once, as a RecordPlan; the rest follows property-mapping: user properties
 * in their order, then the built-in ones, then Topic, QoS, Retain and Millrace. Pure.
 */
import {
  FLAG_EXPIRES,
  FLAG_PAYLOAD_IN_SLAB,
  FRAME_BYTES,
  FRAME_DEADLINE_HIGH,
  FRAME_DEADLINE_LOW,
  FRAME_DELIVERY_ID,
  FRAME_FLAGS,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_COUNT,
  FRAME_HEADERS_BYTES,
  FRAME_KEY_BYTES,
  FRAME_KIND,
  FRAME_PAYLOAD_BYTES,
  FRAME_PAYLOAD_OFFSET,
  FRAME_TARGET_ID,
  HEADER_ENTRY_BYTES,
  KIND_RECORD,
  NULL_KEY,
  ROUTE_INDEX_SHIFT,
} from '../channel/frame.js';
import { TOPIC_CACHED_BYTES_MAX } from '../config/limits.js';
import {
  CONTENT_TYPE,
  CORRELATION_DATA,
  EXPIRY,
  LISTED,
  MILLRACE,
  ORIGIN,
  PAYLOAD_FORMAT,
  QOS,
  RESPONSE_TOPIC,
  RETAIN,
  TOPIC,
} from './built-ins.js';
import { type Bytes, FrameCursor, viewed } from './frame-cursor.js';
import { hasPassed, millraceHeader } from './origin.js';
import {
  findUserProperty,
  nextUserProperty,
  type PropertyBytes,
  sameBytes,
  u16,
  valueText,
} from './properties.js';

/** What of a PUBLISH a record is made of; mqtt/receive/publish.ts has it, with the meaning of -1. */
export interface PublishBytes extends PropertyBytes, Bytes {
  readonly words: Int32Array;
  readonly qos: number;
  readonly retain: boolean;
  readonly payloadFormat: number;
  readonly expirySeconds: number;
  readonly contentTypeStart: number;
  readonly contentTypeEnd: number;
  readonly responseTopicStart: number;
  readonly responseTopicEnd: number;
  readonly correlationDataStart: number;
  readonly correlationDataEnd: number;
  readonly userProperties: number;
  readonly payloadStart: number;
  readonly payloadBytes: number;
  readonly slabOffset: number;
}

/** How the records of one route are made. */
export interface RecordShape {
  readonly routeIndex: number;
  readonly keyIsTopic: boolean;
  /** The user property whose value is the key; undefined where none is. */
  readonly keyProperty: Uint8Array | undefined;
  readonly copyMqttProperties: boolean;
  readonly preserveTopic: boolean;
  /** Whether a message's path travels on also where its properties do not. */
  readonly loopGuard: boolean;
  /** This route as a hop: route/origin.ts. */
  readonly through: string;
}

/** What the records of one route for one topic name have in common. */
export interface RecordPlan {
  readonly shape: RecordShape;
  readonly topicBytes: number;
  readonly routeIndex: number;
  /** Where key and headers lie that are the same for all of them. */
  readonly memory: PrefixMemory;
  /** From here on the key, where it is the topic name, then the header Topic, where there is one. */
  readonly prefixAt: number;
  readonly prefixBytes: number;
  /** Whether that is all, unless the message has come through other routes. */
  readonly isWhole: boolean;
  readonly keyBytes: number;
  readonly headerCount: number;
  readonly tails: readonly Tail[];
}

/** Memory that a frame is written to. */
export interface FrameMemory extends Bytes {
  readonly words: Int32Array;
}

/** The headers QoS, Retain and Millrace of a record that has no other properties than the user's. */
interface Tail extends Bytes {
  readonly headers: number;
}

const utf8 = new TextEncoder();
const DIGITS = [viewed(utf8.encode('0')), viewed(utf8.encode('1'))] as const;

/** Names of headers that we write ourselves, their lengths, and the digits of their values. */
const BUILT_IN_BYTES_MAX = 512;
/** The headers QoS, Retain and Millrace, but for the route in the last. */
const TAIL_BYTES_MAX = 256;
/** Below this, words are copied one by one; above it, the call of `set` costs less. */
const COPY_BY_WORDS_BYTES = 128;
const ALIGNMENT_BYTES = 24;
/** Prefixes that lie together. */
const PREFIXES_BYTES = 65_536;

/** What is the same for all messages of `topic` that this route sends to one Kafka topic. */
export function planRecords(shape: RecordShape, topic: Uint8Array): RecordPlan {
  const name = viewed(topic);
  const keyBytes = shape.keyIsTopic ? topic.length : 0;
  const size = keyBytes + HEADER_ENTRY_BYTES + TOPIC.bytes.length + topic.length;
  const { memory, at: prefixAt } = prefixes.reserve(size, topic.length > TOPIC_CACHED_BYTES_MAX);
  cursor.begin(memory, prefixAt);
  if (shape.keyIsTopic) cursor.put(name, 0, topic.length);
  if (shape.preserveTopic) cursor.header(TOPIC, name, 0, topic.length);
  const { at, headers } = cursor;
  return {
    shape,
    topicBytes: topic.length,
    routeIndex: shape.routeIndex,
    memory,
    prefixAt,
    prefixBytes: at - prefixAt,
    isWhole: !shape.copyMqttProperties && shape.keyProperty === undefined,
    keyBytes: shape.keyIsTopic ? keyBytes : NULL_KEY,
    headerCount: headers,
    tails: tailsOf(shape),
  };
}

/** At most how long the frame of this message is, a multiple of 8. */
export function frameBytesMax(plan: RecordPlan, publish: PublishBytes): number {
  let bytes = FRAME_HEADER_BYTES + ALIGNMENT_BYTES;
  if (publish.slabOffset < 0) bytes += publish.payloadBytes;
  if (plan.isWhole && !mayCarryPath(plan.shape, publish)) bytes += plan.prefixBytes;
  else {
    // A user property takes 5 bytes more than its text in the packet, 8 in a frame; the origin is
    // written once, in the header Millrace; a key is the value of one of them.
    const properties = publish.propertiesEnd - publish.propertiesStart;
    const { through } = plan.shape;
    bytes += 3 * properties + 2 * plan.topicBytes + 3 * through.length + BUILT_IN_BYTES_MAX;
  }
  return (bytes + 7) & ~7;
}

/**
 * Writes the frame at `offset` (a multiple of 8), for which `frameBytesMax` bytes are free; returns
 * how many it took, a multiple of 8.
 * @param deadlineMs when the message expires, on the monotonic clock; read where it has an expiry
 */
export function writeFrame(
  memory: FrameMemory,
  offset: number,
  plan: RecordPlan,
  publish: PublishBytes,
  deliveryId: number,
  targetId: number,
  deadlineMs: number,
): number {
  const { words } = memory;
  const word = offset >> 2;
  let at: number;
  if (plan.isWhole && pathOf(plan.shape, publish) === undefined) {
    at = copyPrefix(memory, offset + FRAME_HEADER_BYTES, plan);
    words[word + FRAME_KEY_BYTES] = plan.keyBytes;
    words[word + FRAME_HEADER_COUNT] = plan.headerCount;
    words[word + FRAME_HEADERS_BYTES] =
      plan.keyBytes === NULL_KEY ? plan.prefixBytes : plan.prefixBytes - plan.keyBytes;
  } else {
    at = writeKeyAndHeaders(memory, offset, plan, publish);
  }
  let flags = plan.routeIndex << ROUTE_INDEX_SHIFT;
  if (publish.slabOffset >= 0) {
    flags |= FLAG_PAYLOAD_IN_SLAB;
    words[word + FRAME_PAYLOAD_OFFSET] = publish.slabOffset;
  } else {
    at = copyPayload(memory, at, publish);
    words[word + FRAME_PAYLOAD_OFFSET] = at - offset;
    at += publish.payloadBytes;
  }
  if (publish.expirySeconds >= 0) {
    flags |= FLAG_EXPIRES;
    words[word + FRAME_DEADLINE_LOW] = Math.floor(deadlineMs) | 0;
    words[word + FRAME_DEADLINE_HIGH] = Math.floor(deadlineMs / 2 ** 32);
  }
  const frameBytes = (at - offset + 7) & ~7;
  words[word + FRAME_BYTES] = frameBytes;
  words[word + FRAME_KIND] = KIND_RECORD;
  words[word + FRAME_DELIVERY_ID] = deliveryId;
  words[word + FRAME_TARGET_ID] = targetId;
  words[word + FRAME_PAYLOAD_BYTES] = publish.payloadBytes;
  words[word + FRAME_FLAGS] = flags;
  return frameBytes;
}

function copyPrefix(memory: FrameMemory, at: number, plan: RecordPlan): number {
  const prefix = plan.memory.words;
  const { prefixAt, prefixBytes } = plan;
  const { words } = memory;
  const start = prefixAt >> 2;
  const end = start + ((prefixBytes + 3) >> 2);
  let to = at >> 2;
  if (prefixBytes <= 2 * COPY_BY_WORDS_BYTES) {
    for (let i = start; i < end; i++) words[to++] = prefix[i] as number;
  } else {
    words.set(prefix.subarray(start, end), to);
  }
  return at + prefixBytes;
}

/** Copies the payload behind `at`, aligned as it was; returns where it begins. */
function copyPayload(memory: FrameMemory, at: number, publish: PublishBytes): number {
  const from = publish.payloadStart;
  const bytes = publish.payloadBytes;
  const to = ((at + 7) & ~7) + (from & 7);
  if (bytes > COPY_BY_WORDS_BYTES) {
    memory.bytes.set(publish.bytes.subarray(from, from + bytes), to);
    return to;
  }
  // Whole words: what they hold before and behind the payload lands in the frame's own padding.
  const { words } = memory;
  const source = publish.words;
  let target = to >> 2;
  for (let i = from >> 2; i < (from + bytes + 3) >> 2; i++) words[target++] = source[i] as number;
  return to;
}

function writeKeyAndHeaders(
  memory: FrameMemory,
  offset: number,
  plan: RecordPlan,
  publish: PublishBytes,
): number {
  const { shape } = plan;
  const { words } = memory;
  const word = offset >> 2;
  cursor.begin(memory, offset + FRAME_HEADER_BYTES);
  words[word + FRAME_KEY_BYTES] = writeKey(plan, publish);
  const headersStart = cursor.at;
  if (shape.copyMqttProperties) writeProperties(plan, publish);
  else writeTopicAndPath(plan, publish);
  words[word + FRAME_HEADER_COUNT] = cursor.headers;
  words[word + FRAME_HEADERS_BYTES] = cursor.at - headersStart;
  return cursor.at;
}

function mayCarryPath(shape: RecordShape, publish: PublishBytes): boolean {
  return publish.userProperties > 0 && shape.loopGuard;
}

/** The `Millrace-Origin` that has to travel on without the other properties. */
function pathOf(shape: RecordShape, publish: PublishBytes): string | undefined {
  if (!mayCarryPath(shape, publish)) return undefined;
  const at = findUserProperty(publish, ORIGIN.bytes);
  return at < 0 ? undefined : valueText(publish.bytes, at);
}

/** What a record has without copyMqttProperties: else a circle over two connectors went unseen. */
function writeTopicAndPath(plan: RecordPlan, publish: PublishBytes): void {
  const { shape } = plan;
  putTopic(plan);
  const path = pathOf(shape, publish);
  if (path === undefined) return;
  const millrace = millraceValue(shape, shape.preserveTopic ? TOPIC.bit : 0, path);
  cursor.header(MILLRACE, millrace, 0, millrace.bytes.length);
}

/** The header Topic, where the route has one. */
function putTopic({ memory, prefixAt, prefixBytes, keyBytes, headerCount }: RecordPlan): void {
  const start = keyBytes === NULL_KEY ? prefixAt : prefixAt + keyBytes;
  cursor.putHeaders(memory, start, prefixAt + prefixBytes, headerCount);
}

function writeKey(plan: RecordPlan, publish: PublishBytes): number {
  const { shape } = plan;
  if (shape.keyIsTopic) {
    cursor.put(plan.memory, plan.prefixAt, plan.prefixAt + plan.keyBytes);
    return plan.keyBytes;
  }
  if (shape.keyProperty === undefined) return NULL_KEY;
  const at = findUserProperty(publish, shape.keyProperty);
  if (at < 0) return NULL_KEY;
  const bytes = u16(publish.bytes, at);
  cursor.put(publish, at + 2, at + 2 + bytes);
  return bytes;
}

function writeProperties(plan: RecordPlan, publish: PublishBytes): void {
  const origin = publish.userProperties > 0 ? writeUserProperties(publish) : undefined;
  if (origin === undefined && hasUserPropertiesOnly(publish)) {
    putTopic(plan);
    const tail = plan.tails[2 * publish.qos + (publish.retain ? 1 : 0)] as Tail;
    cursor.putHeaders(tail, 0, tail.bytes.length, tail.headers);
    return;
  }
  let builtIns = QOS.bit | RETAIN.bit;
  if (publish.payloadFormat >= 0) {
    cursor.header(PAYLOAD_FORMAT, DIGITS[publish.payloadFormat as 0 | 1], 0, 1);
    builtIns |= PAYLOAD_FORMAT.bit;
  }
  const { responseTopicStart, correlationDataStart, contentTypeStart } = publish;
  if (responseTopicStart >= 0) {
    cursor.header(RESPONSE_TOPIC, publish, responseTopicStart, publish.responseTopicEnd);
    builtIns |= RESPONSE_TOPIC.bit;
  }
  if (publish.expirySeconds >= 0) {
    cursor.remainingSeconds(EXPIRY);
    builtIns |= EXPIRY.bit;
  }
  if (correlationDataStart >= 0) {
    cursor.header(CORRELATION_DATA, publish, correlationDataStart, publish.correlationDataEnd);
    builtIns |= CORRELATION_DATA.bit;
  }
  if (contentTypeStart >= 0) {
    cursor.header(CONTENT_TYPE, publish, contentTypeStart, publish.contentTypeEnd);
    builtIns |= CONTENT_TYPE.bit;
  }
  if (plan.shape.preserveTopic) {
    putTopic(plan);
    builtIns |= TOPIC.bit;
  }
  putTail(plan.shape, publish.qos, publish.retain, builtIns, origin);
}

function hasUserPropertiesOnly(publish: PublishBytes): boolean {
  return (
    publish.payloadFormat < 0 &&
    publish.expirySeconds < 0 &&
    publish.responseTopicStart < 0 &&
    publish.correlationDataStart < 0 &&
    publish.contentTypeStart < 0
  );
}

function putTail(
  shape: RecordShape,
  qos: number,
  retain: boolean,
  builtIns: number,
  origin: string | undefined,
): void {
  cursor.header(QOS, DIGITS[qos as 0 | 1], 0, 1);
  cursor.header(RETAIN, DIGITS[retain ? 1 : 0], 0, 1);
  const millrace = millraceValue(shape, builtIns, origin);
  cursor.header(MILLRACE, millrace, 0, millrace.bytes.length);
}

const tailsOfShapes = new WeakMap<RecordShape, readonly Tail[]>();

/** By 2 * QoS, and one more with RETAIN. */
function tailsOf(shape: RecordShape): readonly Tail[] {
  const known = tailsOfShapes.get(shape);
  if (known !== undefined) return known;
  const builtIns = QOS.bit | RETAIN.bit | (shape.preserveTopic ? TOPIC.bit : 0);
  const memory = viewed(new Uint8Array(TAIL_BYTES_MAX + 3 * shape.through.length));
  const tails = [0, 1, 2, 3].map((index): Tail => {
    cursor.begin(memory, 0);
    putTail(shape, index >> 1, (index & 1) === 1, builtIns, undefined);
    return { ...viewed(memory.bytes.slice(0, cursor.at)), headers: cursor.headers };
  });
  tailsOfShapes.set(shape, tails);
  return tails;
}

/** User properties as headers, in order. The origin is none of them: it comes back as text. */
function writeUserProperties(publish: PublishBytes): string | undefined {
  const { bytes, propertiesEnd } = publish;
  let origin: string | undefined;
  let at = nextUserProperty(bytes, publish.propertiesStart, propertiesEnd);
  while (at >= 0) {
    const nameEnd = at + 2 + u16(bytes, at);
    const valueEnd = nameEnd + 2 + u16(bytes, nameEnd);
    if (isOrigin(bytes, at + 2, nameEnd)) origin ??= valueText(bytes, nameEnd);
    else cursor.pair(publish, at + 2, nameEnd, nameEnd + 2, valueEnd);
    at = nextUserProperty(bytes, valueEnd, propertiesEnd);
  }
  return origin;
}

function isOrigin(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === ORIGIN.bytes.length && sameBytes(bytes, start, ORIGIN.bytes);
}

const millraceValues = new WeakMap<RecordShape, (Bytes | undefined)[]>();

/** Value of the header Millrace: few combinations occur, and each is made once. */
function millraceValue(shape: RecordShape, builtIns: number, origin: string | undefined): Bytes {
  let cached = millraceValues.get(shape);
  if (cached === undefined) {
    cached = [];
    millraceValues.set(shape, cached);
  }
  const known = origin === undefined ? cached[builtIns] : undefined;
  if (known !== undefined) return known;
  const names = LISTED.filter(({ bit }) => (builtIns & bit) !== 0).map(({ name }) => name);
  const value = viewed(utf8.encode(millraceHeader(names, shape.through, origin)));
  if (origin === undefined) cached[builtIns] = value;
  return value;
}

/** Whether the message has come through this route before. */
export function loops(shape: RecordShape, publish: PublishBytes): boolean {
  if (publish.userProperties === 0) return false;
  const at = findUserProperty(publish, ORIGIN.bytes);
  return at >= 0 && hasPassed(valueText(publish.bytes, at), shape.through);
}

/** When a message that came at `nowMs` expires. */
export function deadlineOf(publish: PublishBytes, nowMs: number): number {
  return nowMs + publish.expirySeconds * 1000;
}

/** One for the module, because nothing here waits. */
const cursor = new FrameCursor();

/** Where prefixes lie, one after the other: as views of their own they would take twice the memory, and
 * a message that comes once in 100,000 would wait for twice the cache lines. */
class PrefixMemory implements Bytes {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: number) {
    this.words = new Int32Array(bytes / 4);
    this.bytes = new Uint8Array(this.words.buffer);
    this.view = new DataView(this.words.buffer);
  }
}

/** Gives room in one after the other; one that is full belongs to the plans that point to it. */
class Prefixes {
  #current = new PrefixMemory(0);
  #next = 0;

  /**
   * Room for so many bytes, which begins at `at`, a multiple of 4. Plans of names that nobody remembers
   * have memory of their own: made for each message, they would use up what the others share.
   */
  reserve(bytes: number, alone: boolean): { readonly memory: PrefixMemory; readonly at: number } {
    const padded = (bytes + 3) & ~3;
    if (alone) return { memory: new PrefixMemory(padded), at: 0 };
    if (this.#next + padded > this.#current.bytes.length) {
      this.#current = new PrefixMemory(PREFIXES_BYTES);
      this.#next = 0;
    }
    const at = this.#next;
    this.#next += padded;
    return { memory: this.#current, at };
  }
}

const prefixes = new Prefixes();
