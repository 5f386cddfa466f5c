/* Reads what arrives in Kafka with node-rdkafka, which shares no code with the path that wrote it
 * but librdkafka. It is assigned every partition from offset 0: no consumer group, no rebalance.
 */
import kafka from 'node-rdkafka';
import type { Clock } from '../base/clock.js';
import { OperatingError } from '../base/errors.js';
import type { TopicPartition } from './embedded-kafka.js';
import type { ReadRecord } from './reconcile.js';

const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** A batch ends when it is full, or when for so long nothing came. */
const BATCH_RECORDS = 100;
const BATCH_IDLE_MS = 10;
const RETRY_MS = 100;
/** Above the largest record; a fetch is not split. */
const FETCH_BYTES = 8 * 1024 * 1024;

export interface ReaderOptions {
  readonly bootstrapServers: string;
  readonly partitions: readonly TopicPartition[];
  readonly onRecord: (record: ReadRecord) => void;
  readonly clock: Clock;
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #consumer: kafka.KafkaConsumer;
  /** Next offset by topic and partition. */
  readonly #positions = new Map<string, number>();
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#consumer = new kafka.KafkaConsumer(
      {
        'bootstrap.servers': options.bootstrapServers,
        'group.id': 'millrace-demo-reader',
        'enable.auto.commit': false,
        'enable.auto.offset.store': false,
        'fetch.wait.max.ms': 20,
        'fetch.message.max.bytes': FETCH_BYTES,
        'fetch.max.bytes': 2 * FETCH_BYTES,
        'queued.max.messages.kbytes': (2 * FETCH_BYTES) / 1024,
      },
      // A record that retention took before it was read shows as missing, not as an error.
      { 'auto.offset.reset': 'earliest' },
    );
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#consumer.connect({ timeout: CONNECT_TIMEOUT_MS }, (error) => {
        if (error) reject(new OperatingError('ERR_DEMO_READER', error.message));
        else resolve();
      });
    });
    this.#consumer.setDefaultConsumeTimeout(BATCH_IDLE_MS);
    this.#consumer.assign(this.#options.partitions.map((each) => ({ ...each, offset: 0 })));
    this.#loop = this.#run();
  }

  /** The offset behind the last record, for each of the partitions. */
  endOffsets(): Promise<number[]> {
    return Promise.all(
      this.#options.partitions.map(
        ({ topic, partition }) =>
          new Promise<number>((resolve, reject) => {
            const answer = (error: kafka.LibrdKafkaError, offsets: kafka.WatermarkOffsets) => {
              if (error) reject(new OperatingError('ERR_DEMO_READER', error.message));
              else resolve(offsets.highOffset);
            };
            this.#consumer.queryWatermarkOffsets(topic, partition, REQUEST_TIMEOUT_MS, answer);
          }),
      ),
    );
  }

  /** Whether everything before `endOffsets`, given for each of the partitions, was read. */
  hasReached(endOffsets: readonly number[]): boolean {
    return this.#options.partitions.every(
      (each, i) => (this.#positions.get(nameOf(each)) ?? 0) >= (endOffsets[i] ?? 0),
    );
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    if (!this.#consumer.isConnected()) return;
    await new Promise<void>((resolve) => this.#consumer.disconnect(() => resolve()));
  }

  async #run(): Promise<void> {
    const { onRecord, clock } = this.#options;
    while (!this.#stopped) {
      const messages = await this.#batch();
      if (messages === undefined) {
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
        continue;
      }
      for (const message of messages) {
        this.#positions.set(nameOf(message), message.offset + 1);
        onRecord(recordOf(message));
      }
    }
  }

  /** `undefined` where Kafka did not answer. */
  #batch(): Promise<kafka.Message[] | undefined> {
    return new Promise((resolve) => {
      this.#consumer.consume(BATCH_RECORDS, (error, messages) => {
        resolve(error ? undefined : messages);
      });
    });
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

function recordOf(message: kafka.Message): ReadRecord {
  const header = (name: string) => message.headers?.findLast((each) => name in each)?.[name];
  const correlationData = header('Correlation Data');
  return {
    kafkaTopic: message.topic,
    partition: message.partition,
    offset: message.offset,
    key: message.key?.toString() ?? '',
    mqttTopic: header('Topic')?.toString() ?? '',
    correlationData: correlationData === undefined ? undefined : Buffer.from(correlationData),
    payload: message.value ?? Buffer.alloc(0),
  };
}
