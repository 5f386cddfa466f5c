/* Frame: one record as it travels from the main thread to a worker. src/native/frame.h reads it.
 *
 *   word  0 frameBytes   1 kind        2 deliveryId   3 targetId
 *         4 keyBytes     5 headerCount 6 headersBytes 7 payloadOffset
 *         8 payloadBytes 9 flags, routeIndex << 16     10, 11 deadlineMs, low and high
 *   byte 48: key, headers, padding, payload, padding to a multiple of 8
 *
 * A header is u16 nameBytes, u16 value kind, u32 valueBytes, name, value; little endian, unaligned.
 * The payload begins where it stood modulo 8 in the buffer it came from, so that it is copied by
 * words: V8 copies memory that threads share byte by byte otherwise, at a tenth of the speed.
 */

export const FRAME_HEADER_BYTES = 48;
export const HEADER_ENTRY_BYTES = 8;
export const NULL_KEY = 0xffffffff;

export const FRAME_BYTES = 0;
export const FRAME_KIND = 1;
export const FRAME_DELIVERY_ID = 2;
export const FRAME_TARGET_ID = 3;
export const FRAME_KEY_BYTES = 4;
export const FRAME_HEADER_COUNT = 5;
export const FRAME_HEADERS_BYTES = 6;
export const FRAME_PAYLOAD_OFFSET = 7;
export const FRAME_PAYLOAD_BYTES = 8;
export const FRAME_FLAGS = 9;
export const FRAME_DEADLINE_LOW = 10;
export const FRAME_DEADLINE_HIGH = 11;
/** Above the flags in their word: which route of the connector the record is of. */
export const ROUTE_INDEX_SHIFT = 16;

export const KIND_RECORD = 1;
export const KIND_SKIP = 2;
export const KIND_CONTROL = 3;

/** The payload lies in the slab at payloadOffset. */
export const FLAG_PAYLOAD_IN_SLAB = 1;
/** deadlineMs holds: the CLOCK_MONOTONIC from which on the record is not sent. */
export const FLAG_EXPIRES = 2;

export const VALUE_BYTES = 0;
/** The addon writes the seconds that remain, as decimal text. */
export const VALUE_REMAINING_SECONDS = 1;

/** A record read back out of a frame, for dead letters and tests; never on the hot path. */
export interface FrameRecord {
  readonly deliveryId: number;
  readonly targetId: number;
  readonly routeIndex: number;
  readonly frameBytes: number;
  readonly key: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
  /** A view of the frame or of the slab. */
  readonly payload: Uint8Array;
  readonly payloadInSlab: boolean;
}

/**
 * Reads a frame that the addon gave back.
 * @param slab where payloads too big for a frame lie
 * @param nowMs the monotonic clock, from which the seconds that remain are told; their header is
 *   empty without it
 */
export function readFrame(frame: Uint8Array, slab: Uint8Array, nowMs?: number): FrameRecord {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const word = (index: number) => view.getUint32(index * 4, true);
  const keyBytes = word(FRAME_KEY_BYTES);
  const hasKey = keyBytes !== NULL_KEY;
  let position = FRAME_HEADER_BYTES + (hasKey ? keyBytes : 0);
  const key = hasKey ? frame.subarray(FRAME_HEADER_BYTES, position) : null;
  const headers: [string, Uint8Array][] = [];
  for (let i = 0; i < word(FRAME_HEADER_COUNT); i++) {
    const headerStart = position;
    const nameBytes = view.getUint16(position, true);
    const valueBytes = view.getUint32(position + 4, true);
    const nameStart = position + HEADER_ENTRY_BYTES;
    const valueStart = nameStart + nameBytes;
    position = valueStart + valueBytes;
    const name = Buffer.from(frame.subarray(nameStart, valueStart)).toString('utf8');
    const computed = view.getUint16(headerStart + 2, true) === VALUE_REMAINING_SECONDS;
    const value =
      computed && nowMs !== undefined
        ? remainingSeconds(word(FRAME_DEADLINE_LOW), word(FRAME_DEADLINE_HIGH), nowMs)
        : frame.subarray(valueStart, position);
    headers.push([name, value]);
  }
  const payloadInSlab = (word(FRAME_FLAGS) & FLAG_PAYLOAD_IN_SLAB) !== 0;
  const source = payloadInSlab ? slab : frame;
  const payloadStart = word(FRAME_PAYLOAD_OFFSET);
  return {
    deliveryId: word(FRAME_DELIVERY_ID),
    targetId: word(FRAME_TARGET_ID),
    routeIndex: word(FRAME_FLAGS) >>> ROUTE_INDEX_SHIFT,
    frameBytes: word(FRAME_BYTES),
    key,
    headers,
    payload: source.subarray(payloadStart, payloadStart + word(FRAME_PAYLOAD_BYTES)),
    payloadInSlab,
  };
}

/** Rounded up, as RemainingSeconds in src/native/producer.cc. */
function remainingSeconds(low: number, high: number, nowMs: number): Uint8Array {
  const leftMs = high * 2 ** 32 + low - nowMs;
  return Buffer.from(String(Math.max(Math.ceil(leftMs / 1000), 0)));
}

/** What a frame is built of, outside the data path. */
export interface RecordParts {
  readonly key: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
  readonly value: Uint8Array;
}

/** Bytes of key, headers and payload of the record in a frame, wherever the payload lies. */
export function recordBytesOf(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const word = (index: number) => view.getUint32(index * 4, true);
  const keyBytes = word(FRAME_KEY_BYTES);
  const key = keyBytes === NULL_KEY ? 0 : keyBytes;
  return key + word(FRAME_HEADERS_BYTES) + word(FRAME_PAYLOAD_BYTES);
}

/** Where the frame belongs; its payload lies in the slab already. */
export interface FramePlace {
  readonly deliveryId: number;
  readonly targetId: number;
  readonly slabOffset: number;
}

/** A frame in memory of its own; route/to-kafka.ts is what the data path has. */
export function buildFrame(record: RecordParts, place: FramePlace): Uint8Array {
  const key = record.key ?? new Uint8Array(0);
  const headers = Buffer.concat(record.headers.map(([name, value]) => headerEntry(name, value)));
  const frameBytes = (FRAME_HEADER_BYTES + key.byteLength + headers.byteLength + 7) & ~7;
  const frame = new Uint8Array(frameBytes);
  const words = new Uint32Array(frame.buffer, 0, FRAME_HEADER_BYTES / 4);
  words[FRAME_BYTES] = frameBytes;
  words[FRAME_KIND] = KIND_RECORD;
  words[FRAME_DELIVERY_ID] = place.deliveryId;
  words[FRAME_TARGET_ID] = place.targetId;
  words[FRAME_KEY_BYTES] = record.key === null ? NULL_KEY : key.byteLength;
  words[FRAME_HEADER_COUNT] = record.headers.length;
  words[FRAME_HEADERS_BYTES] = headers.byteLength;
  words[FRAME_PAYLOAD_OFFSET] = place.slabOffset;
  words[FRAME_PAYLOAD_BYTES] = record.value.byteLength;
  words[FRAME_FLAGS] = FLAG_PAYLOAD_IN_SLAB;
  frame.set(key, FRAME_HEADER_BYTES);
  frame.set(headers, FRAME_HEADER_BYTES + key.byteLength);
  return frame;
}

/** A header as both kinds of frame have it. */
export function headerEntry(name: string, value: Uint8Array): Uint8Array {
  const nameBytes = Buffer.from(name);
  const head = Buffer.alloc(HEADER_ENTRY_BYTES);
  head.writeUInt16LE(nameBytes.byteLength, 0);
  head.writeUInt16LE(VALUE_BYTES, 2);
  head.writeUInt32LE(value.byteLength, 4);
  return Buffer.concat([head, nameBytes, value]);
}
