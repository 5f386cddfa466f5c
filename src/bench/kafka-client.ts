/* What a bench asks of a Kafka: whether it answers, a topic for each round, how many records are in
 * it. Every failure is an OperatingError `ERR_BENCH_KAFKA` that says what Kafka or librdkafka said.
 */
import kafka from 'node-rdkafka';
import { OperatingError } from '../base/errors.js';

/** For one answer. A Kafka that is there takes a fraction of it. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Kafka creates a topic once its controller has, and all its replicas are. */
const TOPIC_TIMEOUT_MS = 15_000;
const COUNT_AGAIN_MS = 50;
/** Kafka's own words for "what this cluster has as its default". */
const AS_THE_CLUSTER_HAS_IT = -1;

/** As node-rdkafka gives it to callbacks: nothing where all went well. */
type Failure = { readonly message: string; readonly code?: number } | null | undefined;

function kafkaError(what: string, cause: unknown): OperatingError {
  const why = (cause as Failure)?.message ?? String(cause);
  return new OperatingError('ERR_BENCH_KAFKA', `${what}: ${why}`, { cause });
}

/** Resolves with what `call` gives its callback. */
function answerOf<T>(
  what: string,
  call: (done: (error: Failure, answer: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      call((error, answer) => {
        if (error) reject(kafkaError(what, error));
        else resolve(answer);
      });
    } catch (error) {
      reject(kafkaError(what, error));
    }
  });
}

/** A client that is connected for as long as `use` takes; rejects when no broker answers. */
async function withClient<T>(
  bootstrapServers: string,
  use: (client: kafka.Producer) => Promise<T>,
): Promise<T> {
  const client = new kafka.Producer({ 'metadata.broker.list': bootstrapServers });
  // librdkafka's own account of a lost connection; what it leads to is told by the calls below.
  client.on('event.error', () => undefined);
  const what = `no Kafka answers at ${bootstrapServers} within ${ANSWER_TIMEOUT_MS / 1000} s`;
  // A client that could not connect has disconnected itself, and would never answer a second time.
  await answerOf(what, (done) => client.connect({ timeout: ANSWER_TIMEOUT_MS }, done));
  try {
    return await use(client);
  } finally {
    await new Promise<void>((resolve) => client.disconnect(() => resolve()));
  }
}

/** Rejects within a few seconds where no Kafka answers. */
export async function requireKafka(bootstrapServers: string): Promise<void> {
  await withClient(bootstrapServers, async () => undefined);
}

async function withAdmin(
  bootstrapServers: string,
  what: string,
  use: (admin: kafka.IAdminClient, done: (error: Failure) => void) => void,
): Promise<void> {
  const admin = kafka.AdminClient.create({ 'metadata.broker.list': bootstrapServers });
  try {
    await answerOf<void>(what, (done) => use(admin, (error) => done(error, undefined)));
  } finally {
    admin.disconnect();
  }
}

export interface TopicShape {
  /** Undefined: as the cluster has it. */
  readonly partitions: number | undefined;
  /** The largest records that it takes, whatever the cluster's `message.max.bytes` is. */
  readonly recordBytesMax: number;
}

/** Creates a topic whose replicas are the cluster's default. */
export async function createTopic(
  bootstrapServers: string,
  topic: string,
  { partitions, recordBytesMax }: TopicShape,
): Promise<void> {
  const definition = {
    topic,
    num_partitions: partitions ?? AS_THE_CLUSTER_HAS_IT,
    replication_factor: AS_THE_CLUSTER_HAS_IT,
    config: { 'max.message.bytes': `${recordBytesMax}` },
  };
  const what = `Kafka at ${bootstrapServers} did not create the topic ${topic}`;
  await withAdmin(bootstrapServers, what, (admin, done) => {
    admin.createTopic(definition, TOPIC_TIMEOUT_MS, done);
  });
}

/** Also of a topic that is not there: then there is nothing to delete, and no complaint. */
export async function deleteTopic(bootstrapServers: string, topic: string): Promise<void> {
  const what = `Kafka at ${bootstrapServers} did not delete the topic ${topic}`;
  await withAdmin(bootstrapServers, what, (admin, done) => {
    admin.deleteTopic(topic, ANSWER_TIMEOUT_MS, (error) => {
      const isMissing = error?.code === kafka.CODES.ERRORS.ERR_UNKNOWN_TOPIC_OR_PART;
      done(isMissing ? undefined : error);
    });
  });
}

async function partitionsOf(client: kafka.Producer, topic: string): Promise<number[]> {
  const metadata = await answerOf<kafka.Metadata>(`the partitions of ${topic}`, (done) =>
    client.getMetadata({ topic, timeout: ANSWER_TIMEOUT_MS }, done),
  );
  const found = metadata.topics.find(({ name }) => name === topic);
  return found?.partitions.map(({ id }) => id).sort((a, b) => a - b) ?? [];
}

/** How many partitions a topic has. Waits for one that is being made: Kafka tells of it a moment later. */
export async function countPartitions(bootstrapServers: string, topic: string): Promise<number> {
  return await withClient(bootstrapServers, async (client) => {
    const deadlineMs = performance.now() + TOPIC_TIMEOUT_MS;
    for (;;) {
      const { length } = await partitionsOf(client, topic);
      if (length > 0) return length;
      if (performance.now() > deadlineMs) {
        throw new OperatingError('ERR_BENCH_KAFKA', `the topic ${topic} has no partitions`);
      }
      await new Promise((resolve) => setTimeout(resolve, COUNT_AGAIN_MS));
    }
  });
}

async function endOffset(client: kafka.Producer, topic: string, partition: number) {
  const what = `the end of partition ${partition} of ${topic}`;
  const offsets = await answerOf<kafka.WatermarkOffsets>(what, (done) =>
    client.queryWatermarkOffsets(topic, partition, ANSWER_TIMEOUT_MS, done),
  );
  return offsets.highOffset;
}

async function endOffsets(client: kafka.Producer, topic: string): Promise<number[]> {
  const partitions = await partitionsOf(client, topic);
  return await Promise.all(partitions.map((partition) => endOffset(client, topic, partition)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

export interface CountWait {
  readonly expected: number;
  readonly waitMs: number;
  /** Ends the wait with what there is. */
  readonly interrupted?: AbortSignal;
}

/** How many records a topic ever got, which the end offsets of a fresh topic say: `countByPartition`. */
export async function countRecords(
  bootstrapServers: string,
  topic: string,
  wait: CountWait,
): Promise<number> {
  return sum(await countByPartition(bootstrapServers, topic, wait));
}

/** How many records each partition of a topic ever got: the end offsets of a fresh topic. Waits until
 * there are `expected` in all, or for `waitMs`: with acks zero they may still be on their way. */
export async function countByPartition(
  bootstrapServers: string,
  topic: string,
  { expected, waitMs, interrupted }: CountWait,
): Promise<number[]> {
  return await withClient(bootstrapServers, async (client) => {
    const deadlineMs = performance.now() + waitMs;
    let ends = await endOffsets(client, topic);
    while (sum(ends) < expected && performance.now() < deadlineMs && !interrupted?.aborted) {
      await new Promise((resolve) => setTimeout(resolve, COUNT_AGAIN_MS));
      ends = await endOffsets(client, topic);
    }
    return ends;
  });
}
