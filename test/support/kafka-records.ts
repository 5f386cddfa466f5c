import { randomUUID } from 'node:crypto';
import kafka from 'node-rdkafka';
import type { KafkaRecord } from './real/kcat.js';
import { until } from './until.js';

/* Kafka read with node-rdkafka, where there is no kcat: the embedded tests need no other program. */

const TIMEOUT_MS = 30_000;

/** Reads a whole topic from its beginning to its present end; in order within each partition. */
export async function readRecords(bootstrap: string, topic: string): Promise<KafkaRecord[]> {
  const consumer = new kafka.KafkaConsumer(
    {
      'bootstrap.servers': bootstrap,
      'group.id': `test-${randomUUID()}`,
      'enable.auto.commit': false,
      'fetch.message.max.bytes': 8_000_000,
    },
    { 'auto.offset.reset': 'earliest' },
  );
  await call((done) => consumer.connect({ timeout: TIMEOUT_MS }, done));
  try {
    const partitions = await partitionsOf(consumer, topic);
    const expected = await endOffsets(consumer, topic, partitions);
    const records: KafkaRecord[] = [];
    consumer.on('data', (message) => {
      records.push(toRecord(message));
    });
    consumer.assign(partitions.map((partition) => ({ topic, partition, offset: 0 })));
    consumer.consume();
    await until(`${expected} records of ${topic}`, () => records.length >= expected, {
      detail: () => records.length,
    });
    return records;
  } finally {
    await call((done) => consumer.disconnect(done));
  }
}

async function partitionsOf(consumer: kafka.KafkaConsumer, topic: string): Promise<number[]> {
  const metadata = await call<kafka.Metadata>((done) =>
    consumer.getMetadata({ topic, timeout: TIMEOUT_MS }, done),
  );
  const found = metadata.topics.find(({ name }) => name === topic);
  return found?.partitions.map(({ id }) => id) ?? [];
}

async function endOffsets(
  consumer: kafka.KafkaConsumer,
  topic: string,
  partitions: readonly number[],
): Promise<number> {
  let sum = 0;
  for (const partition of partitions) {
    const offsets = await call<kafka.WatermarkOffsets>((done) =>
      consumer.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, done),
    );
    sum += offsets.highOffset;
  }
  return sum;
}

function toRecord(message: kafka.Message): KafkaRecord {
  const headers = (message.headers ?? []).flatMap((header) =>
    Object.entries(header).map(([name, value]) => [name, Buffer.from(`${value}`)] as const),
  );
  return {
    partition: message.partition,
    offset: message.offset,
    timestampMs: message.timestamp ?? -1,
    key: message.key === undefined || message.key === null ? null : Buffer.from(message.key),
    value: message.value,
    headers,
  };
}

function call<T>(
  run: (done: (error: kafka.LibrdKafkaError | null, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(error) : resolve(value)));
  });
}
