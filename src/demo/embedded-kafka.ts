/* Kafka in the process: librdkafka's mock cluster, which lives inside a producer that nobody uses.
 * It keeps 5 MB or 100,000 records of each partition, and makes four partitions a topic.
 */
import { setTimeout } from 'node:timers/promises';
import kafka from 'node-rdkafka';
import { OperatingError } from '../base/errors.js';

const BROKERS = 1;
const REQUEST_TIMEOUT_MS = 10_000;
const ATTEMPTS_MAX = 100;
const RETRY_MS = 20;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export class EmbeddedKafka {
  readonly bootstrapServers: string;
  readonly #host: kafka.Producer;

  constructor(host: kafka.Producer, bootstrapServers: string) {
    this.#host = host;
    this.bootstrapServers = bootstrapServers;
  }

  /** Creates topics; resolves with all of their partitions. */
  async createTopics(topics: readonly string[]): Promise<TopicPartition[]> {
    const partitions: TopicPartition[] = [];
    for (const topic of topics) {
      const ids = await this.#createTopic(topic);
      partitions.push(...ids.map((partition) => ({ topic, partition })));
    }
    return partitions;
  }

  /** The offset behind the last record, for each of `partitions`. */
  async endOffsets(partitions: readonly TopicPartition[]): Promise<number[]> {
    return Promise.all(
      partitions.map(async ({ topic, partition }) => {
        const offsets = await answer<kafka.WatermarkOffsets>((done) => {
          this.#host.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, done);
        });
        return offsets.highOffset;
      }),
    );
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#host.disconnect(() => resolve()));
  }

  /** The mock cluster creates what it is asked for, but the first answer may be without it. */
  async #createTopic(topic: string): Promise<number[]> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const metadata = await answer<kafka.Metadata>((done) => {
        this.#host.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, done);
      });
      const created = metadata.topics.find(({ name }) => name === topic)?.partitions ?? [];
      if (created.length > 0) return created.map(({ id }) => id);
      await setTimeout(RETRY_MS);
    }
    throw new OperatingError('ERR_DEMO_KAFKA', `the embedded Kafka did not create ${topic}`);
  }
}

/** Starts a cluster on a free port of 127.0.0.1. */
export async function startEmbeddedKafka(): Promise<EmbeddedKafka> {
  // The name stands for any: the mock cluster's own addresses take its place.
  const settings = { 'metadata.broker.list': 'mock', 'test.mock.num.brokers': BROKERS };
  const host = new kafka.Producer(settings);
  const metadata = await answer<kafka.Metadata>((done) => {
    host.connect({ timeout: REQUEST_TIMEOUT_MS }, done);
  });
  const servers = metadata.brokers.map((broker) => `${broker.host}:${broker.port}`);
  return new EmbeddedKafka(host, servers.join(','));
}

function answer<T>(
  ask: (done: (error: kafka.LibrdKafkaError, result: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((error, result) => {
      if (!error) resolve(result);
      else reject(new OperatingError('ERR_DEMO_KAFKA', `the embedded Kafka: ${error.message}`));
    });
  });
}
