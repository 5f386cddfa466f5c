/* A record from Kafka that lies apart, as a dead letter has it -> the PUBLISH of its route. Outside the
 * data path, where records are read in the ring.
 */
import { HEADER_ENTRY_BYTES, VALUE_BYTES } from '../channel/frame.js';
import type { Connector, KafkaToMqttRoute, TopicMap } from '../config/model.js';
import { hop } from './origin.js';
import { type RecordBytes, VALUE_NULL } from './record-bytes.js';
import { EXPIRED, LOOPED, MAPPED, PropertiesWriter } from './to-mqtt.js';

export interface ApartRecord {
  readonly partition: number;
  /** -1: none. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array | null])[];
}

export interface ReplayedPublish {
  /** Encoded, without the Property Length. */
  readonly properties: Uint8Array;
  readonly retain: boolean;
}

/** The route of that name, and its map; undefined where the configuration has it no more. */
export function findRecordRoute(
  { topicMaps }: Pick<Connector, 'topicMaps'>,
  name: string | undefined,
): { readonly map: TopicMap; readonly route: KafkaToMqttRoute } | undefined {
  for (const map of topicMaps) {
    for (const route of map.routes) {
      if (route.kind === 'kafkaToMqtt' && route.name === name) return { map, route };
    }
  }
  return undefined;
}

/** Which route makes a PUBLISH of a record, and when. */
export interface ReplayedThrough {
  /** Its name. */
  readonly connector: string;
  readonly map: TopicMap;
  readonly route: KafkaToMqttRoute;
  /** Since the epoch: a Message Expiry Interval counts from the record's timestamp. */
  readonly nowMs: number;
}

/** What the route makes of the record now; or why it makes nothing. */
export function replayedPublish(
  { connector, map, route, nowMs }: ReplayedThrough,
  record: ApartRecord,
): ReplayedPublish | string {
  const writer = new PropertiesWriter({
    copyMqttProperties: map.copyMqttProperties,
    retain: route.retain,
    loopGuard: map.loopGuard,
    through: hop(connector, route.name),
  });
  const verdict = writer.write(recordBytes(record), nowMs);
  if (verdict === EXPIRED) return 'its Message Expiry Interval has passed';
  if (verdict === LOOPED) return 'it has come through this route before';
  if (verdict !== MAPPED) return 'its headers are more than the properties of one PUBLISH may be';
  return { properties: writer.bytes.slice(0, writer.length), retain: writer.retain };
}

/** Without its value, of which no property is made. */
function recordBytes({ key, headers, partition, timestampMs }: ApartRecord): RecordBytes {
  const keyBytes = key?.byteLength ?? 0;
  const bytes = Buffer.concat([key ?? new Uint8Array(0), ...headers.map(headerEntry)]);
  return {
    bytes,
    keyStart: 0,
    keyBytes: key === null ? -1 : keyBytes,
    headersStart: keyBytes,
    headerCount: headers.length,
    headersBytes: bytes.byteLength - keyBytes,
    payloadStart: bytes.byteLength,
    payloadBytes: 0,
    timestampMs,
    partition,
  };
}

function headerEntry([name, value]: ApartRecord['headers'][number]): Uint8Array {
  const nameBytes = Buffer.from(name);
  const head = Buffer.alloc(HEADER_ENTRY_BYTES);
  head.writeUInt16LE(nameBytes.byteLength, 0);
  head.writeUInt16LE(value === null ? VALUE_NULL : VALUE_BYTES, 2);
  head.writeUInt32LE(value?.byteLength ?? 0, 4);
  return Buffer.concat([head, nameBytes, value ?? new Uint8Array(0)]);
}
