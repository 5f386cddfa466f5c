/* A frame that was written and read back, and its target, as an explanation. Pure. */
import type { FrameRecord } from '../channel/frame.js';
import { INSTANCE, KEYED } from '../channel/protocol.js';
import type { CompiledRoute } from '../flow/to-kafka/routes.js';
import type { Publish } from '../mqtt/receive/publish.js';
import { murmur2 } from '../shard/shard-of.js';
import type { Target } from '../shard/targets.js';
import type {
  HeaderExplanation,
  PartitionExplanation,
  PossibleDeadLetter,
  ProducerExplanation,
  RecordExplanation,
} from './explanation.js';
import { bytesOf } from './explanation.js';

/** Kafka's default of `message.max.bytes`, and of a topic's `max.message.bytes`. */
const KAFKA_BATCH_BYTES_DEFAULT = 1_048_588;
const EXPIRY_HEADER = 'Message Expiry Interval';

export interface WrittenRecord {
  readonly route: CompiledRoute;
  readonly target: Target;
  readonly frame: FrameRecord;
  readonly publish: Publish;
  /** -1 where any will do. */
  readonly shard: number;
}

export function describeRecord(
  { route, target, frame, publish, shard }: WrittenRecord,
  { partitions }: { readonly partitions: number | undefined },
): RecordExplanation {
  const { key, headers } = frame;
  const { payloadBytes } = publish;
  const headerBytes = headers.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + value.length,
    0,
  );
  const recordBytes = (key?.length ?? 0) + headerBytes + payloadBytes;
  return {
    kafkaTopic: target.open.topic,
    key: key === null ? null : bytesOf(key),
    keyMissing: route.shape.keyProperty !== undefined && key === null,
    partition: partitionOf(target, key, partitions),
    shard: shard < 0 ? null : shard,
    headers: headersOf(frame, publish),
    payloadBytes,
    recordBytes,
    producer: producerOf(route, target),
    deadLetterReasons: possibleDeadLetters(route, recordBytes),
  };
}

/** The same rules as Producer::Partition in src/native/producer.cc. */
function partitionOf(
  { open }: Target,
  key: Uint8Array | null,
  partitions: number | undefined,
): PartitionExplanation {
  const of = partitions === undefined ? 'the number of partitions' : String(partitions);
  if (open.rule === INSTANCE) {
    const partition = partitions === undefined ? null : open.instanceId % partitions;
    const inWords = `instance id ${open.instanceId} modulo ${of}`;
    return { rule: 'instance', inWords, partition };
  }
  if (open.rule === KEYED && key !== null) {
    const positive = murmur2(key, 0, key.length) & 0x7fffffff;
    const partition = partitions === undefined ? null : positive % partitions;
    return { rule: 'key', inWords: `murmur2 of the key modulo ${of}`, partition };
  }
  const inWords = 'each available partition in turn, for each shard and topic';
  return { rule: 'roundRobin', inWords, partition: null };
}

function headersOf(frame: FrameRecord, publish: Publish): HeaderExplanation[] {
  const { headers } = frame;
  // Built-in headers come after the user properties, of which one may have the same name.
  const expiryAt =
    publish.expirySeconds < 0 ? -1 : headers.findLastIndex(([name]) => name === EXPIRY_HEADER);
  return headers.map(([name, value], index) => {
    if (index !== expiryAt) return { name, value: bytesOf(value) };
    const note = 'the seconds that remain when the record is produced, at most this';
    return { name, value: bytesOf(value), note };
  });
}

function producerOf(route: CompiledRoute, { open }: Target): ProducerExplanation {
  const { producer, acks, compression } = open;
  const { idempotent, requestsInFlightMax, lingerMs, batchMessagesMax, batchBytesMax } = producer;
  return {
    acks,
    idempotent,
    requestsInFlightMax,
    compression,
    batching: route.map.batching !== undefined,
    lingerMs,
    batchMessagesMax,
    batchBytesMax,
  };
}

function possibleDeadLetters(route: CompiledRoute, recordBytes: number): PossibleDeadLetter[] {
  const isOverDefault = recordBytes > KAFKA_BATCH_BYTES_DEFAULT;
  const asDefault = isOverDefault ? `, as Kafka's default of ${KAFKA_BATCH_BYTES_DEFAULT} is` : '';
  const found: PossibleDeadLetter[] = [
    {
      reason: 'recordTooLarge',
      when: `max.message.bytes of the Kafka topic is below ${recordBytes} and some framing${asDefault}`,
    },
    { reason: 'recordInvalid', when: 'Kafka finds the record invalid' },
  ];
  if (route.template.constant === undefined) {
    const { maxKafkaTopics } = route.map;
    const when = `the route has ${maxKafkaTopics} other Kafka topics by then (maxKafkaTopics)`;
    found.push({ reason: 'kafkaTopicLimit', when });
  }
  return found;
}
