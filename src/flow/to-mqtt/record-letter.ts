/* The dead letter of a record that can never be published. Pure. */
import { readRecord } from '../../channel/record-frame.js';
import type { RecordRing } from '../../channel/record-ring.js';
import type { DeadLetter } from '../../dead-letter/letter.js';
import type { DeadLetterReason } from '../../metrics/reasons.js';
import type { CompiledRecordRoute } from './record-routes.js';

export interface RecordFault {
  readonly reason: DeadLetterReason;
  readonly message: string;
  /** Where it was to be published; empty where that is the fault. */
  readonly topicName: string;
}

export interface RecordLetterOptions {
  readonly connector: string;
  readonly route: CompiledRecordRoute;
  /** Its cursor is at the record. */
  readonly ring: RecordRing;
  readonly fault: RecordFault;
  readonly timeMs: number;
}

const NOTHING = new Uint8Array(0);

export function recordLetter(options: RecordLetterOptions): DeadLetter {
  const { connector, route, ring, fault, timeMs } = options;
  const { kafkaTopic, qos } = route.route;
  const record = readRecord(ring.frame, ring.large);
  const place = `${kafkaTopic}[${record.partition}] at offset ${record.offset}`;
  const { topicName } = fault;
  return {
    timeMs,
    connector,
    route: route.name,
    direction: 'kafkaToMqtt',
    reason: { code: fault.reason, message: `${fault.message} (${place})` },
    mqtt:
      topicName === '' ? undefined : { topic: topicName, qos, retain: false, packetId: undefined },
    kafka: {
      topic: kafkaTopic,
      partition: record.partition,
      offset: record.offset,
      timestampMs: record.timestampMs < 0 ? undefined : record.timestampMs,
      key: record.key,
      headers: record.headers,
      acks: 'all',
    },
    payload: record.value ?? NOTHING,
  };
}
