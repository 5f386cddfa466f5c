/* One letter in one file:
 *
 *   0        32               32 + metaBytes
 *   | header | meta (msgpack) | payload, as it came |
 *
 * Header, little-endian: magic 'MRDL', version, metaBytes, CRC-32 of meta, payloadBytes, CRC-32 of
 * payload, 4 bytes reserved, CRC-32 of the 28 bytes before. A file of another length than the
 * header says, or of another checksum, is damaged. To list letters reads header and meta only.
 */
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import { OperatingError } from '../base/errors.js';
import type { DeadLetterMeta, KafkaHeader, KafkaRecord, MqttOrigin, StoredMeta } from './letter.js';

export const headerBytes = 32;
const magic = 0x4c44_524d;
const formatVersion = 1;

export interface Header {
  readonly metaBytes: number;
  readonly metaCrc: number;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
}

/** What a damaged file has wrong with it, for people. */
export class DamagedLetterError extends OperatingError {
  constructor(problem: string, options?: ErrorOptions) {
    super('ERR_DEAD_LETTER_DAMAGED', problem, options);
    this.name = 'DamagedLetterError';
  }
}

/** The first 32 bytes of a letter's file, with their own checksum. */
export function encodeHeader({ metaBytes, metaCrc, payloadBytes, payloadCrc }: Header): Uint8Array {
  const bytes = new Uint8Array(headerBytes);
  const view = new DataView(bytes.buffer);
  const words = [magic, formatVersion, metaBytes, metaCrc, payloadBytes, payloadCrc, 0];
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  view.setUint32(28, crc32(bytes.subarray(0, 28)), true);
  return bytes;
}

/** Throws `DamagedLetterError`; `fileBytes` is the true length of the file. */
export function decodeHeader(bytes: Uint8Array, fileBytes: number): Header {
  if (bytes.byteLength < headerBytes) throw new DamagedLetterError('shorter than its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  if (view.getUint32(0, true) !== magic) throw new DamagedLetterError('not a dead letter');
  if (view.getUint32(28, true) !== crc32(bytes.subarray(0, 28))) {
    throw new DamagedLetterError('checksum of the header is wrong');
  }
  const version = view.getUint32(4, true);
  if (version !== formatVersion) {
    throw new DamagedLetterError(`version ${version}, and this Millrace reads ${formatVersion}`);
  }
  const header = {
    metaBytes: view.getUint32(8, true),
    metaCrc: view.getUint32(12, true),
    payloadBytes: view.getUint32(16, true),
    payloadCrc: view.getUint32(20, true),
  };
  const expected = headerBytes + header.metaBytes + header.payloadBytes;
  if (expected !== fileBytes) {
    throw new DamagedLetterError(`${fileBytes} bytes long instead of ${expected}`);
  }
  return header;
}

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The version is in here too, for whoever reads the msgpack with other tools. */
export function encodeMeta(id: string, meta: DeadLetterMeta): Uint8Array {
  const { mqtt, kafka } = meta;
  return packr.pack({
    version: formatVersion,
    id,
    timeMs: meta.timeMs,
    connector: meta.connector,
    route: meta.route ?? null,
    direction: meta.direction,
    reason: { code: meta.reason.code, message: meta.reason.message },
    mqtt: mqtt === undefined ? null : { ...mqtt, packetId: mqtt.packetId ?? null },
    kafka: kafka === undefined ? null : recordFields(kafka),
  });
}

/** What only records from Kafka have is left out of others, as letters have always been. */
function recordFields({ offset, timestampMs, ...record }: KafkaRecord): Record<string, unknown> {
  return {
    ...record,
    partition: record.partition ?? null,
    ...(offset !== undefined && { offset }),
    ...(timestampMs !== undefined && { timestampMs }),
  };
}

/** Throws `DamagedLetterError` for anything that `encodeMeta` cannot have written under this id. */
export function decodeMeta(bytes: Uint8Array, header: Header, id: string): StoredMeta {
  if (crc32(bytes) !== header.metaCrc) throw new DamagedLetterError('checksum of meta is wrong');
  const meta = fields(unpack(bytes));
  if (meta.id !== id) throw new DamagedLetterError('the file has the name of another letter');
  const reason = fields(meta.reason);
  return {
    timeMs: number(meta.timeMs),
    connector: string(meta.connector),
    route: optional(meta.route, string),
    direction: oneOf(['mqttToKafka', 'kafkaToMqtt'] as const, meta.direction),
    reason: { code: string(reason.code), message: string(reason.message) },
    mqtt: optional(meta.mqtt, mqttOrigin),
    kafka: optional(meta.kafka, kafkaRecord),
  };
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (error) {
    throw new DamagedLetterError('meta is not msgpack', { cause: error });
  }
}

function mqttOrigin(value: unknown): MqttOrigin {
  const origin = fields(value);
  return {
    topic: string(origin.topic),
    qos: oneOf([0, 1] as const, origin.qos),
    retain: oneOf([true, false] as const, origin.retain),
    packetId: optional(origin.packetId, number),
  };
}

function kafkaRecord(value: unknown): KafkaRecord {
  const record = fields(value);
  if (!Array.isArray(record.headers)) throw unexpected('headers');
  return {
    topic: string(record.topic),
    partition: optional(record.partition, number),
    offset: optional(record.offset ?? null, number),
    timestampMs: optional(record.timestampMs ?? null, number),
    key: record.key === null ? null : byteArray(record.key),
    headers: record.headers.map(kafkaHeader),
    acks: oneOf(['zero', 'one', 'all'] as const, record.acks),
  };
}

function kafkaHeader(value: unknown): KafkaHeader {
  if (!Array.isArray(value) || value.length !== 2) throw unexpected('header');
  return [string(value[0]), value[1] === null ? null : byteArray(value[1])];
}

function fields(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unexpected('fields');
  }
  return value as Record<string, unknown>;
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === null ? undefined : read(value);
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw unexpected('text');
  return value;
}

function number(value: unknown): number {
  if (typeof value !== 'number') throw unexpected('number');
  return value;
}

function byteArray(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected('bytes');
  return value;
}

function oneOf<T>(allowed: readonly T[], value: unknown): T {
  const found = allowed.find((other) => other === value);
  if (found === undefined) throw unexpected('value');
  return found;
}

function unexpected(what: string): DamagedLetterError {
  return new DamagedLetterError(`meta has an unexpected ${what}`);
}
