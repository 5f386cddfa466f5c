/* The record that `explain` is asked about, laid out in memory as the consumer lays out records. */
import { headerEntry } from '../channel/frame.js';
import type { RecordBytes } from '../route/record-bytes.js';

export interface KafkaRecord {
  readonly kafkaTopic: string;
  readonly partition: number;
  readonly key: string | undefined;
  /** In order; names may come again. */
  readonly headers: readonly (readonly [string, string])[];
  readonly payloadBytes: number;
  /** When it was written, since the epoch. */
  readonly timestampMs: number;
}

/** Its payload is only counted: nothing looks into it. */
export function recordBytesOf(record: KafkaRecord): RecordBytes {
  const { key, partition, payloadBytes, timestampMs } = record;
  const keyBytes = Buffer.from(key ?? '');
  const headers = Buffer.concat(
    record.headers.map(([name, value]) => headerEntry(name, Buffer.from(value))),
  );
  return {
    bytes: new Uint8Array(Buffer.concat([keyBytes, headers])),
    keyStart: 0,
    keyBytes: key === undefined ? -1 : keyBytes.length,
    headersStart: keyBytes.length,
    headerCount: record.headers.length,
    headersBytes: headers.length,
    payloadStart: keyBytes.length + headers.length,
    payloadBytes,
    timestampMs,
    partition,
  };
}
