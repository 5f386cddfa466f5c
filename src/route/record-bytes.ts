/* A record from Kafka, read in place where the consumer has written it. Pure.
 *
 * A header is u16 nameBytes, u16 value kind, u32 valueBytes, name, value; little endian, unaligned: as
 * in channel/frame.ts.
 */
import { HEADER_ENTRY_BYTES } from '../channel/frame.js';
import { sameBytes } from './properties.js';

/** What of a record a PUBLISH is made of: places in `bytes`, which threads may share. */
export interface RecordBytes {
  readonly bytes: Uint8Array;
  readonly keyStart: number;
  /** -1 for a null key. */
  readonly keyBytes: number;
  readonly headersStart: number;
  readonly headerCount: number;
  readonly headersBytes: number;
  readonly payloadStart: number;
  /** 0 also where the record has no value. */
  readonly payloadBytes: number;
  /** Since the epoch; -1 where the record has none. */
  readonly timestampMs: number;
  readonly partition: number;
}

/** The value kind of a header whose value is null. */
export const VALUE_NULL = 2;

export function headerNameBytes(bytes: Uint8Array, header: number): number {
  return (bytes[header] as number) | ((bytes[header + 1] as number) << 8);
}

export function headerIsNull(bytes: Uint8Array, header: number): boolean {
  return bytes[header + 2] === VALUE_NULL;
}

export function headerValueBytes(bytes: Uint8Array, header: number): number {
  return (
    ((bytes[header + 4] as number) |
      ((bytes[header + 5] as number) << 8) |
      ((bytes[header + 6] as number) << 16) |
      ((bytes[header + 7] as number) << 24)) >>>
    0
  );
}

export function headerNameStart(header: number): number {
  return header + HEADER_ENTRY_BYTES;
}

export function headerValueStart(bytes: Uint8Array, header: number): number {
  return header + HEADER_ENTRY_BYTES + headerNameBytes(bytes, header);
}

export function headerEnd(bytes: Uint8Array, header: number): number {
  return headerValueStart(bytes, header) + headerValueBytes(bytes, header);
}

/** Where the last header of this name begins; -1 without one. Of repeated ones the last counts. */
export function findLastHeader(record: RecordBytes, name: Uint8Array): number {
  const { bytes, headerCount } = record;
  let found = -1;
  let header = record.headersStart;
  for (let i = 0; i < headerCount; i++) {
    if (headerIs(bytes, header, name)) found = header;
    header = headerEnd(bytes, header);
  }
  return found;
}

export function headerIs(bytes: Uint8Array, header: number, name: Uint8Array): boolean {
  if (headerNameBytes(bytes, header) !== name.length) return false;
  return sameBytes(bytes, headerNameStart(header), name);
}

/** For people. */
export function headerName(bytes: Uint8Array, header: number): string {
  const start = headerNameStart(header);
  const end = headerValueStart(bytes, header);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
