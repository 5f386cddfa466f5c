/* Record frame: one record of Kafka's as it travels from a worker to the main thread.
 * src/native/record-writer.cc writes it.
 *
 *   word  0 frameBytes    1 kind               2 flags             3 partition
 *         4, 5 offset, low and high            6, 7 timestampMs, low and high; -1: none
 *         8 keyBytes (0xffffffff: null)        9 headerCount       10 headersBytes
 *        11 bodyOffset   12 payloadBytes      13 settled: the reader's own      14, 15 nobody's
 *   byte 64: body: key, headers, payload, one behind the other; then padding to a multiple of 8
 *
 * A header is u16 nameBytes, u16 value kind, u32 valueBytes, name, value; little endian, unaligned. One
 * whose name is over 65,535 bytes is left out: MQTT could not carry it.
 */
import { HEADER_ENTRY_BYTES, NULL_KEY } from './frame.js';

export const RECORD_HEADER_BYTES = 64;

export const RECORD_FRAME_BYTES = 0;
export const RECORD_KIND = 1;
export const RECORD_FLAGS = 2;
export const RECORD_PARTITION = 3;
export const RECORD_OFFSET_LOW = 4;
export const RECORD_OFFSET_HIGH = 5;
export const RECORD_TIMESTAMP_LOW = 6;
export const RECORD_TIMESTAMP_HIGH = 7;
export const RECORD_KEY_BYTES = 8;
export const RECORD_HEADER_COUNT = 9;
export const RECORD_HEADERS_BYTES = 10;
export const RECORD_BODY_OFFSET = 11;
export const RECORD_PAYLOAD_BYTES = 12;
export const RECORD_SETTLED = 13;

/** The body lies in the large ring; bodyOffset counts from its start, else from the frame's. */
export const RECORD_IN_LARGE = 1;
/** The record's value is null: a tombstone. */
export const RECORD_NO_VALUE = 2;
/** Larger than the large ring: there is no body, payloadBytes is the true size. */
export const RECORD_OVERSIZE = 4;

/** Kinds of a header's value. */
export const RECORD_VALUE_BYTES = 0;
export const RECORD_VALUE_NULL = 2;

/** A record with all its parts, for dead letters and tests; never on the hot path. */
export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  /** -1: none. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array | null])[];
  /** null: a tombstone, or `oversize`. */
  readonly value: Uint8Array | null;
  /** The true size of the value where the record is larger than the large ring. */
  readonly oversizeBytes: number | undefined;
}

/** Copies what a frame says out of the rings. */
export function readRecord(frame: Uint8Array, large: Uint8Array): ReadRecord {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const word = (index: number) => view.getUint32(index * 4, true);
  const flags = word(RECORD_FLAGS);
  const oversize = (flags & RECORD_OVERSIZE) !== 0;
  const keyBytes = word(RECORD_KEY_BYTES);
  const hasKey = keyBytes !== NULL_KEY;
  const source = (flags & RECORD_IN_LARGE) === 0 ? frame : large;
  const keyStart = word(RECORD_BODY_OFFSET);
  const headersStart = keyStart + (hasKey ? keyBytes : 0);
  const payloadStart = headersStart + word(RECORD_HEADERS_BYTES);
  const hasValue = !oversize && (flags & RECORD_NO_VALUE) === 0;
  return {
    partition: word(RECORD_PARTITION),
    offset: Number(view.getBigInt64(RECORD_OFFSET_LOW * 4, true)),
    timestampMs: Number(view.getBigInt64(RECORD_TIMESTAMP_LOW * 4, true)),
    key: hasKey ? source.slice(keyStart, headersStart) : null,
    headers: readHeaders(source.subarray(headersStart, payloadStart), word(RECORD_HEADER_COUNT)),
    value: hasValue ? source.slice(payloadStart, payloadStart + word(RECORD_PAYLOAD_BYTES)) : null,
    oversizeBytes: oversize ? word(RECORD_PAYLOAD_BYTES) : undefined,
  };
}

function readHeaders(bytes: Uint8Array, count: number): [string, Uint8Array | null][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headers: [string, Uint8Array | null][] = [];
  for (let i = 0, at = 0; i < count; i++) {
    const valueKind = view.getUint16(at + 2, true);
    const nameStart = at + HEADER_ENTRY_BYTES;
    const valueStart = nameStart + view.getUint16(at, true);
    const end = valueStart + view.getUint32(at + 4, true);
    const name = Buffer.from(bytes.slice(nameStart, valueStart)).toString('utf8');
    headers.push([name, valueKind === RECORD_VALUE_NULL ? null : bytes.slice(valueStart, end)]);
    at = end;
  }
  return headers;
}
