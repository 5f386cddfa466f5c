/* The Kafka that a bench writes to: the user's, or an embedded mock cluster. */
import kafka from 'node-rdkafka';
import { OperatingError } from '../base/errors.js';
import { forkModule, releaseModule } from './children.js';
import type { MockKafkaEvent } from './protocol.js';

const REQUEST_TIMEOUT_MS = 10_000;
const COUNT_AGAIN_MS = 50;

export interface KafkaTarget {
  readonly bootstrapServers: string;
  readonly embedded: boolean;
  close(): Promise<void>;
}

/** `bootstrapServers` as given, or a mock cluster in a child process where it is undefined. */
export async function openKafka(bootstrapServers: string | undefined): Promise<KafkaTarget> {
  if (bootstrapServers !== undefined) {
    return { bootstrapServers, embedded: false, close: async () => undefined };
  }
  const child = forkModule('./mock-kafka-main.js', []);
  const event = await new Promise<MockKafkaEvent>((resolve) => {
    child.once('message', (message) => resolve(message as MockKafkaEvent));
    child.once('exit', (code) =>
      resolve({ kind: 'failed', message: `it ended with code ${code}` }),
    );
  });
  if (event.kind === 'failed') {
    await releaseModule(child);
    throw new OperatingError(
      'ERR_BENCH_KAFKA',
      `the embedded Kafka did not start: ${event.message}`,
    );
  }
  return {
    bootstrapServers: event.bootstrapServers,
    embedded: true,
    close: () => releaseModule(child),
  };
}

function partitionsOf(client: kafka.Producer, topic: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    client.getMetadata({ topic, timeout: REQUEST_TIMEOUT_MS }, (error, metadata) => {
      if (error) return reject(error);
      const found = metadata.topics.find(({ name }) => name === topic);
      resolve(found?.partitions.map(({ id }) => id) ?? []);
    });
  });
}

function endOffset(client: kafka.Producer, topic: string, partition: number): Promise<number> {
  return new Promise((resolve, reject) => {
    client.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, (error, offsets) => {
      if (error) reject(error);
      else resolve(offsets.highOffset);
    });
  });
}

async function sumOfEndOffsets(client: kafka.Producer, topic: string): Promise<number> {
  const partitions = await partitionsOf(client, topic);
  const ends = await Promise.all(
    partitions.map((partition) => endOffset(client, topic, partition)),
  );
  return ends.reduce((sum, end) => sum + end, 0);
}

/** How many records a topic ever got, which the end offsets of a fresh topic say. Waits until there
 * are `expected`, or for `waitMs`: with acks zero they may still be on their way. */
export async function countRecords(
  bootstrapServers: string,
  topic: string,
  wait: { readonly expected: number; readonly waitMs: number },
): Promise<number> {
  const client = new kafka.Producer({ 'metadata.broker.list': bootstrapServers });
  await new Promise<void>((resolve, reject) => {
    client.connect({ timeout: REQUEST_TIMEOUT_MS }, (error) => (error ? reject(error) : resolve()));
  });
  const deadlineMs = performance.now() + wait.waitMs;
  let records = await sumOfEndOffsets(client, topic);
  while (records < wait.expected && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, COUNT_AGAIN_MS));
    records = await sumOfEndOffsets(client, topic);
  }
  await new Promise<void>((resolve) => client.disconnect(() => resolve()));
  return records;
}
