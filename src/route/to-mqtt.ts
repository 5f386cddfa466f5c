/* Record + route -> the properties of a PUBLISH, written into memory that is used again for the next
 * record: the mirror image of to-kafka.ts. Headers are read in place; nothing is made for one.
 *
 * 1. A header that stands for a property becomes that property again. With a header `Millrace` these are
 *    the ones that it lists, without it any of the five names; of repeated ones the last. What is no
 *    valid value of the property is a header like any other.
 * 2. Every other header becomes a user property, in order. One that MQTT cannot carry (not UTF-8, with
 *    U+0000, of 64 KiB or more, null) is left out and counted; the record still goes.
 * 3. Expiry counts from the record's timestamp and only falls. It and the path hold with and without
 *    copyMqttProperties; without it they are all that is written, and RETAIN is never set.
 * 4. The properties never take more than HEADER_PART_BYTES_MAX; the memory grows up to that.
 */
import { isUtf8 } from 'node:buffer';
import { HEADER_PART_BYTES_MAX } from '../config/limits.js';
import {
  type BuiltIn,
  BuiltInHeaders,
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
import { decimalDigits, readDecimal, writeDecimal } from './decimal.js';
import { LEFT_OUT_KEY, LEFT_OUT_PLACES } from './left-out.js';
import { isMqttText, isMqttTopicName, MQTT_TEXT_BYTES_MAX } from './mqtt-text.js';
import { type Passage, Passages } from './passages.js';
import { USER_PROPERTY } from './properties.js';
import {
  headerEnd,
  headerIs,
  headerIsNull,
  headerNameBytes,
  headerNameStart,
  headerValueStart,
  type RecordBytes,
} from './record-bytes.js';

/** How the PUBLISHes of one route are made. */
export interface PublishShape {
  readonly copyMqttProperties: boolean;
  readonly retain: 'keep' | 'never';
  readonly loopGuard: boolean;
  /** This route as a hop: route/origin.ts. */
  readonly through: string;
}

/** What `write` says: whether the record is to be published. */
export const MAPPED = 0;
/** Nothing is left of its Message Expiry Interval. */
export const EXPIRED = 1;
/** It has come through this route before. */
export const LOOPED = 2;
/** Its properties take more than HEADER_PART_BYTES_MAX: nobody could be sent them. */
export const TOO_LARGE = 3;

const SECONDS_MAX = 4_294_967_295;
const FIRST_BYTES = 1_024;
const PAIR_BYTES = 5;
const KEY_NAME = new TextEncoder().encode('Key');
const TIMESTAMP_NAME = new TextEncoder().encode('Timestamp');
/** What may be a property or a flag where no header `Millrace` says which are. */
const UNLISTED =
  PAYLOAD_FORMAT.bit | RESPONSE_TOPIC.bit | EXPIRY.bit | CORRELATION_DATA.bit | CONTENT_TYPE.bit;

/** Writes properties without their length before them; one for each route. */
export class PropertiesWriter {
  bytes = new Uint8Array(FIRST_BYTES);
  /** How many of `bytes` the properties take. */
  length = 0;
  retain = false;
  /** How many headers, and whether the key, MQTT could not carry. */
  leftOut = 0;
  /** Where the first of them begin: left-out.ts says why. */
  readonly leftOutAt = new Int32Array(LEFT_OUT_PLACES);
  readonly #shape: PublishShape;
  readonly #passages: Passages;
  readonly #headers = new BuiltInHeaders();
  #tooLarge = false;

  constructor(shape: PublishShape) {
    this.#shape = shape;
    this.#passages = new Passages(shape.through);
  }

  /**
   * Writes the properties of the record's PUBLISH.
   * @param nowMs since the epoch, as the record's timestamp
   */
  write(record: RecordBytes, nowMs: number): number {
    this.length = 0;
    this.retain = false;
    this.leftOut = 0;
    this.#tooLarge = false;
    this.#headers.read(record);
    const known = this.#knownPassage(record);
    const listed = known === undefined ? this.#unlisted() : known.listed;
    const expiry = this.#expiryOf(record, listed);
    const seconds = expiry < 0 ? -1 : secondsLeft(expiry, record.timestampMs, nowMs);
    if (seconds === 0) return EXPIRED;
    const passage = known ?? this.#unknownPassage(record);
    const { loopGuard } = this.#shape;
    if (loopGuard && passage.looped) return LOOPED;
    if (seconds > 0) this.#expiry(seconds);
    if (this.#shape.copyMqttProperties) this.#copy(record, listed, expiry, known !== undefined);
    if (loopGuard) this.#put(passage.origin, 0, passage.origin.length);
    return this.#tooLarge ? TOO_LARGE : MAPPED;
  }

  /** What the last header `Millrace` says, where it is one of ours. */
  #knownPassage({ bytes }: RecordBytes): Passage | undefined {
    const header = this.#headers.last(MILLRACE);
    if (header < 0) return undefined;
    return this.#passages.find(bytes, headerValueStart(bytes, header), headerEnd(bytes, header));
  }

  #unknownPassage({ bytes }: RecordBytes): Passage {
    const at = this.#headers.last(ORIGIN);
    if (at < 0) return this.#passages.first;
    return this.#passages.afterOrigin(bytes, headerValueStart(bytes, at), headerEnd(bytes, at));
  }

  #unlisted(): number {
    return this.#shape.retain === 'keep' ? UNLISTED | RETAIN.bit : UNLISTED;
  }

  /** The Message Expiry Interval that the record was written with; -1 without one. */
  #expiryOf({ bytes }: RecordBytes, listed: number): number {
    const header = this.#in(listed, EXPIRY);
    if (header < 0) return -1;
    return readDecimal(
      bytes,
      headerValueStart(bytes, header),
      headerEnd(bytes, header),
      SECONDS_MAX,
    );
  }

  /** Where the header of one that is listed begins; -1 where it is not listed or not there. */
  #in(listed: number, which: BuiltIn): number {
    return (listed & which.bit) === 0 ? -1 : this.#headers.last(which);
  }

  #copy(record: RecordBytes, listed: number, expiry: number, isKnown: boolean): void {
    let consumed = this.#properties(record.bytes, listed) | this.#flags(record.bytes, listed);
    if (expiry >= 0) consumed |= EXPIRY.bit;
    if (isKnown) consumed |= MILLRACE.bit;
    this.#userProperties(record, consumed);
    if (!isKnown) this.#keyAndTimestamp(record);
  }

  /** Writes the properties but for the expiry; returns the bits of the headers they were made of. */
  #properties(bytes: Uint8Array, listed: number): number {
    let consumed = 0;
    for (const which of LISTED) {
      const header = this.#in(listed, which);
      if (header < 0) continue;
      const start = headerValueStart(bytes, header);
      if (this.#property(which, bytes, start, headerEnd(bytes, header))) consumed |= which.bit;
    }
    return consumed;
  }

  /** False where that is no valid value of the property. */
  #property(which: BuiltIn, bytes: Uint8Array, start: number, end: number): boolean {
    const isShort = end - start <= MQTT_TEXT_BYTES_MAX;
    switch (which) {
      case PAYLOAD_FORMAT: {
        const value = end - start === 1 ? readDecimal(bytes, start, end, 1) : -1;
        if (value < 0) return false;
        if (this.#room(2)) {
          this.bytes[this.length++] = 0x01;
          this.bytes[this.length++] = value;
        }
        return true;
      }
      case CONTENT_TYPE:
        return isShort && isMqttText(bytes, start, end) && this.#counted(0x03, bytes, start, end);
      case RESPONSE_TOPIC:
        return isMqttTopicName(bytes, start, end) && this.#counted(0x08, bytes, start, end);
      case CORRELATION_DATA:
        return isShort && this.#counted(0x09, bytes, start, end);
      default:
        return false;
    }
  }

  /** Sets RETAIN; returns the bits of the headers that are of no more use. */
  #flags(bytes: Uint8Array, listed: number): number {
    let consumed = listed & (TOPIC.bit | QOS.bit);
    const header = this.#in(listed, RETAIN);
    if (header < 0) return consumed;
    const start = headerValueStart(bytes, header);
    const value = readDecimal(bytes, start, headerEnd(bytes, header), 1);
    if (value >= 0) consumed |= RETAIN.bit;
    this.retain = value === 1 && this.#shape.retain === 'keep';
    return consumed;
  }

  #userProperties({ bytes, headersStart, headerCount }: RecordBytes, consumed: number): void {
    const { loopGuard } = this.#shape;
    let header = headersStart;
    for (let i = 0; i < headerCount && !this.#tooLarge; i++) {
      const end = headerEnd(bytes, header);
      const isOurs =
        this.#headers.isIn(consumed, bytes, header) ||
        // The path goes on in a property of its own, of which there is to be one.
        (loopGuard && headerIs(bytes, header, ORIGIN.bytes));
      if (!isOurs && !this.#userProperty(bytes, header, end)) this.#leaveOut(header);
      header = end;
    }
  }

  /** False where MQTT cannot carry the header. */
  #userProperty(bytes: Uint8Array, header: number, end: number): boolean {
    if (headerIsNull(bytes, header)) return false;
    const nameStart = headerNameStart(header);
    const valueStart = nameStart + headerNameBytes(bytes, header);
    if (end - valueStart > MQTT_TEXT_BYTES_MAX) return false;
    return this.#pair(bytes, nameStart, valueStart, bytes, valueStart, end);
  }

  #keyAndTimestamp({ bytes, keyStart, keyBytes, timestampMs }: RecordBytes): void {
    if (keyBytes >= 0) {
      const isShort = keyBytes <= MQTT_TEXT_BYTES_MAX;
      const keyEnd = keyStart + keyBytes;
      if (!isShort || !this.#pair(KEY_NAME, 0, KEY_NAME.length, bytes, keyStart, keyEnd)) {
        this.#leaveOut(LEFT_OUT_KEY);
      }
    }
    if (timestampMs < 0) return;
    const digits = decimalDigits(timestampMs);
    if (!this.#room(PAIR_BYTES + TIMESTAMP_NAME.length + digits)) return;
    this.bytes[this.length++] = USER_PROPERTY;
    this.#u16(TIMESTAMP_NAME.length);
    this.#put(TIMESTAMP_NAME, 0, TIMESTAMP_NAME.length);
    this.#u16(digits);
    this.length = writeDecimal(this.bytes, this.length, timestampMs);
  }

  #leaveOut(at: number): void {
    if (this.leftOut < LEFT_OUT_PLACES) this.leftOutAt[this.leftOut] = at;
    this.leftOut++;
  }

  #expiry(seconds: number): void {
    if (!this.#room(5)) return;
    this.bytes[this.length++] = 0x02;
    this.#u16(seconds >>> 16);
    this.#u16(seconds & 0xffff);
  }

  /** A user property; false, and nothing written, where name or value is no text of MQTT. */
  #pair(
    names: Uint8Array,
    nameStart: number,
    nameEnd: number,
    values: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    if (!this.#room(PAIR_BYTES + nameEnd - nameStart + valueEnd - valueStart)) return true;
    const before = this.length;
    this.bytes[this.length++] = USER_PROPERTY;
    if (this.#text(names, nameStart, nameEnd) && this.#text(values, valueStart, valueEnd)) {
      return true;
    }
    this.length = before;
    return false;
  }

  /** Copies and checks in one pass. */
  #text(source: Uint8Array, start: number, end: number): boolean {
    this.#u16(end - start);
    const { bytes } = this;
    const textStart = this.length;
    let at = textStart;
    let every = 0;
    for (let i = start; i < end; i++) {
      const byte = source[i] as number;
      if (byte === 0) return false;
      every |= byte;
      bytes[at++] = byte;
    }
    this.length = at;
    return every < 0x80 || isUtf8(bytes.subarray(textStart, at));
  }

  #counted(id: number, source: Uint8Array, start: number, end: number): true {
    if (this.#room(3 + end - start)) {
      this.bytes[this.length++] = id;
      this.#u16(end - start);
      this.#put(source, start, end);
    }
    return true;
  }

  #u16(value: number): void {
    this.bytes[this.length++] = value >> 8;
    this.bytes[this.length++] = value;
  }

  #put(source: Uint8Array, start: number, end: number): void {
    if (!this.#room(end - start)) return;
    const { bytes } = this;
    let at = this.length;
    for (let i = start; i < end; i++) bytes[at++] = source[i] as number;
    this.length = at;
  }

  /** Whether so many bytes more may be written. */
  #room(count: number): boolean {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return true;
    if (this.#tooLarge || needed > HEADER_PART_BYTES_MAX) {
      this.#tooLarge = true;
      return false;
    }
    const larger = new Uint8Array(Math.min(2 * needed, HEADER_PART_BYTES_MAX));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    return true;
  }
}

/** Rounded up, never more than there were; 0 where none is left. */
function secondsLeft(seconds: number, timestampMs: number, nowMs: number): number {
  const ageMs = timestampMs < 0 ? 0 : Math.max(nowMs - timestampMs, 0);
  return Math.max(Math.ceil((seconds * 1_000 - ageMs) / 1_000), 0);
}
