/* Kafka in the process: librdkafka's mock cluster, on a free port of 127.0.0.1. It keeps 5 MB or
 * 100,000 records of each partition, and lets a consumer that has read everything wait as long as its
 * request allows (half a second for Millrace's), where a real Kafka answers as soon as a record is there.
 */
import { OperatingError } from '../base/errors.js';
import { addon, type MockCluster } from '../kafka/addon.js';

const BROKERS = 1;
const PARTITIONS = 4;
/** A new consumer group waits for other members: 3 s, unless it is told that there will be none. */
const GROUP_DELAY_MS = 10;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export class EmbeddedKafka {
  readonly bootstrapServers: string;
  readonly #cluster: MockCluster;

  constructor(cluster: MockCluster) {
    this.#cluster = cluster;
    this.bootstrapServers = cluster.bootstrapServers;
  }

  /** Creates a topic; returns its partitions. */
  createTopic(topic: string): TopicPartition[] {
    orRefused(() => this.#cluster.createTopic(topic, PARTITIONS));
    return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));
  }

  /** Its clients have to be gone. */
  async close(): Promise<void> {
    this.#cluster.close();
  }
}

export function startEmbeddedKafka(): EmbeddedKafka {
  return orRefused(() => {
    const cluster = new addon.MockCluster(BROKERS);
    cluster.setGroupDelayMs(GROUP_DELAY_MS);
    return new EmbeddedKafka(cluster);
  });
}

function orRefused<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const message = `the embedded Kafka: ${cause instanceof Error ? cause.message : cause}`;
    throw new OperatingError('ERR_DEMO_KAFKA', message, { cause });
  }
}
