import kafka from 'node-rdkafka';
import { until } from './until.js';

/* Kafka written and a consumer group's offsets read with node-rdkafka, which shares nothing with what
 * is tested but librdkafka. */

const TIMEOUT_MS = 30_000;

export interface NewRecord {
  readonly value: string | Uint8Array | null;
  readonly key?: string;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes records in their order; resolves when Kafka has them. */
export async function writeRecords(
  bootstrap: string,
  topic: string,
  records: readonly NewRecord[],
): Promise<void> {
  const producer = new kafka.HighLevelProducer({
    'bootstrap.servers': bootstrap,
    'linger.ms': 1,
    'message.max.bytes': 100_000_000,
  });
  await call((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
  try {
    let delivered = 0;
    const failures: unknown[] = [];
    for (const { value, key, partition = 0, headers = {} } of records) {
      const bytes = value === null ? null : Buffer.from(value);
      const list = Object.entries(headers).map(([name, text]) => ({ [name]: text }));
      producer.produce(topic, partition, bytes, key ?? null, Date.now(), list, (error: unknown) => {
        if (error) failures.push(error);
        delivered++;
      });
    }
    await until('Kafka has the records', () => delivered === records.length, {
      detail: () => delivered,
    });
    if (failures.length > 0) throw failures[0];
  } finally {
    await call((done) => producer.disconnect(done));
  }
}

/** Asks for what a group has committed, without being its member. */
export class GroupOffsets {
  readonly #consumer: kafka.KafkaConsumer;

  private constructor(consumer: kafka.KafkaConsumer) {
    this.#consumer = consumer;
  }

  static async open(bootstrap: string, group: string): Promise<GroupOffsets> {
    const consumer = new kafka.KafkaConsumer(
      { 'bootstrap.servers': bootstrap, 'group.id': group, 'enable.auto.commit': false },
      {},
    );
    await call((done) => consumer.connect({ timeout: TIMEOUT_MS }, done));
    return new GroupOffsets(consumer);
  }

  /** By partition, 0 where nothing is committed. */
  async of(topic: string, partitions: number): Promise<number[]> {
    const wanted = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const found = await call<kafka.TopicPartitionOffset[]>((done) =>
      this.#consumer.committed(wanted, TIMEOUT_MS, done),
    );
    return found.map(({ offset }) => Math.max(0, Number(offset ?? 0)));
  }

  async close(): Promise<void> {
    await call((done) => this.#consumer.disconnect(done));
  }
}

function call<T>(
  run: (done: (error: kafka.LibrdKafkaError | null, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(error) : resolve(value)));
  });
}
