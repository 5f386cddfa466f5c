import { HEADER_ENTRY_BYTES, VALUE_BYTES } from '../../src/channel/frame.js';
import { type RecordBytes, VALUE_NULL } from '../../src/route/record-bytes.js';

/** What a test says of a record from Kafka; the rest is empty. */
export interface RecordSpec {
  readonly key?: string | Uint8Array | null;
  /** A value of `null` is one that Kafka calls null. */
  readonly headers?: readonly (readonly [string | Uint8Array, string | Uint8Array | null])[];
  readonly payload?: string | Uint8Array;
  readonly timestampMs?: number;
  readonly partition?: number;
}

/** Before and behind the record, so that places counted from elsewhere than its start show. */
const MARGIN_BYTES = 11;

/** A record as the consumer writes it, in memory that threads share. */
export function kafkaRecord(spec: RecordSpec = {}): RecordBytes {
  const key = Buffer.from(spec.key ?? '');
  const headers = Buffer.concat((spec.headers ?? []).map(headerOf));
  const payload = Buffer.from(spec.payload ?? '');
  const keyStart = MARGIN_BYTES;
  const headersStart = keyStart + key.length;
  const payloadStart = headersStart + headers.length;
  const size = payloadStart + payload.length + MARGIN_BYTES;
  const bytes = new Uint8Array(new SharedArrayBuffer(size)).fill(0xa5);
  bytes.set(key, keyStart);
  bytes.set(headers, headersStart);
  bytes.set(payload, payloadStart);
  return {
    bytes,
    keyStart,
    keyBytes: (spec.key ?? null) === null ? -1 : key.length,
    headersStart,
    headerCount: spec.headers?.length ?? 0,
    headersBytes: headers.length,
    payloadStart,
    payloadBytes: payload.length,
    timestampMs: spec.timestampMs ?? -1,
    partition: spec.partition ?? 0,
  };
}

function headerOf([name, value]: readonly [string | Uint8Array, string | Uint8Array | null]) {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value ?? '');
  const entry = Buffer.alloc(HEADER_ENTRY_BYTES);
  entry.writeUInt16LE(nameBytes.length, 0);
  entry.writeUInt16LE(value === null ? VALUE_NULL : VALUE_BYTES, 2);
  entry.writeUInt32LE(valueBytes.length, 4);
  return Buffer.concat([entry, nameBytes, valueBytes]);
}
