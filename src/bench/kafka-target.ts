/* The Kafka that a bench writes to and reads: the user's, or an embedded mock cluster. */
import { OperatingError } from '../base/errors.js';
import { forkModule, releaseModule } from './children.js';
import { createTopic, deleteTopic, requireKafka, type TopicShape } from './kafka-client.js';
import type { MockKafkaEvent } from './protocol.js';

export interface KafkaTarget {
  readonly bootstrapServers: string;
  readonly embedded: boolean;
  createTopic(topic: string, shape: TopicShape): Promise<void>;
  /** Takes the topic away again, if it was made. */
  deleteTopic(topic: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * `bootstrapServers` as given, or a mock cluster in a child process where it is undefined, which takes
 * `roundTripMs` for each answer. Rejects within a few seconds where no Kafka answers.
 */
export async function openKafka(
  bootstrapServers: string | undefined,
  roundTripMs = 0,
): Promise<KafkaTarget> {
  return bootstrapServers === undefined
    ? await embeddedKafka(roundTripMs)
    : await givenKafka(bootstrapServers);
}

async function givenKafka(bootstrapServers: string): Promise<KafkaTarget> {
  await requireKafka(bootstrapServers);
  return {
    bootstrapServers,
    embedded: false,
    createTopic: (topic, shape) => createTopic(bootstrapServers, topic, shape),
    deleteTopic: (topic) => deleteTopic(bootstrapServers, topic),
    close: async () => undefined,
  };
}

/** A mock cluster has no requests for topics: it makes them when they are written to. */
async function embeddedKafka(roundTripMs: number): Promise<KafkaTarget> {
  const child = forkModule('./mock-kafka-main.js', [`${roundTripMs}`]);
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
    createTopic: async () => undefined,
    deleteTopic: async () => undefined,
    close: () => releaseModule(child),
  };
}
