/* Feeder: writes the records of a feed to Kafka, from the generator's process, to all partitions of the
 * topic in turn: at a rate what falls due within a millisecond to one, so that it is one request.
 * librdkafka's idempotence keeps them in order.
 */
import kafka from 'node-rdkafka';
import { OperatingError } from '../../base/errors.js';
import type { Feed } from '../protocol.js';
import { payloadOf, userPropertyOf } from './payload.js';
import { writeStamp } from './stamp.js';

const ANSWER_TIMEOUT_MS = 10_000;
/** What librdkafka holds of records that Kafka does not have yet. */
const QUEUED_KIB_MAX = 256 * 1024;
const QUEUED_RECORDS_MAX = 200_000;
const MESSAGE_OVERHEAD_BYTES = 1_048_576;
/** In saturation a request carries more than what came within a moment. */
const LINGER_MS = 20;
/** At a rate it carries what was due at once; with 0 librdkafka would send the first record alone. */
const LINGER_IN_TIME_MS = 1;
const MS_PER_SECOND = 1000;
const QUEUE_FULL_AGAIN_MS = 5;
const FLUSH_STEP_MS = 1000;

/** What a run needs of a feeder. */
export interface RecordFeeder {
  readonly partitions: number;
  /** Records that were handed over. */
  readonly written: number;
  /** Whether that record is one of them. */
  wrote(partition: number, sequence: number): boolean;
  /** Writes on until there are `upTo`, or librdkafka's queue is full. */
  write(upTo: number, dueAtMs: (index: number) => number): void;
}

export class Feeder implements RecordFeeder {
  readonly partitions: number;
  written = 0;
  readonly #feed: Feed;
  /** Records in a row that go to the same partition. */
  readonly #inRow: number;
  /** By partition. */
  readonly #counts: number[];
  readonly #producer: kafka.Producer;
  readonly #payload: Buffer;
  readonly #keys: readonly Buffer[];
  readonly #headers: kafka.MessageHeader[];

  private constructor(feed: Feed, producer: kafka.Producer, partitions: number) {
    this.#feed = feed;
    this.#inRow = Math.max(1, Math.round((feed.ratePerSecond ?? 0) / MS_PER_SECOND));
    this.#counts = Array.from({ length: partitions }, () => 0);
    this.#producer = producer;
    this.partitions = partitions;
    this.#payload = payloadOf(feed.payloadBytes);
    this.#keys = Array.from({ length: feed.topics }, (_, n) => Buffer.from(String(n)));
    this.#headers = Array.from({ length: feed.userProperties }, (_, n) =>
      Object.fromEntries([userPropertyOf(n)]),
    );
  }

  static async open(feed: Feed): Promise<Feeder> {
    const producer = new kafka.Producer(settingsOf(feed));
    // What a lost connection leads to shows in what does not come.
    producer.on('event.error', () => undefined);
    const metadata = await new Promise<kafka.Metadata>((resolve, reject) => {
      const options = { timeout: ANSWER_TIMEOUT_MS, topic: feed.kafkaTopic };
      producer.connect(options, (error, found) => (error ? reject(error) : resolve(found)));
    });
    const found = metadata.topics.find(({ name }) => name === feed.kafkaTopic);
    const partitions = found?.partitions.length ?? 0;
    if (partitions > 0) return new Feeder(feed, producer, partitions);
    throw new OperatingError('ERR_BENCH_KAFKA', `the topic ${feed.kafkaTopic} has no partitions`);
  }

  wrote(partition: number, sequence: number): boolean {
    return sequence < (this.#counts[partition] ?? 0);
  }

  write(upTo: number, dueAtMs: (index: number) => number): void {
    const { topics, kafkaTopic } = this.#feed;
    const payload = this.#payload;
    while (this.written < upTo) {
      const index = this.written;
      const partition = this.#partitionOf(index);
      const sequence = this.#counts[partition] as number;
      writeStamp(payload, partition, sequence, dueAtMs(index));
      const key = this.#keys[index % topics] as Buffer;
      try {
        // It copies the payload.
        this.#producer.produce(kafkaTopic, partition, payload, key, null, null, this.#headers);
      } catch (error) {
        if ((error as { code?: number }).code !== kafka.CODES.ERRORS.ERR__QUEUE_FULL) throw error;
        break;
      }
      this.#counts[partition] = sequence + 1;
      this.written += 1;
    }
    // Until its delivery report is taken a record counts as queued.
    this.#producer.poll();
  }

  #partitionOf(index: number): number {
    const { recordsBefore, ratePerSecond } = this.#feed;
    // Of those at a rate; the ones before are to reach every partition.
    if (ratePerSecond === undefined || index < recordsBefore) return index % this.partitions;
    return Math.floor((index - recordsBefore) / this.#inRow) % this.partitions;
  }

  /** Writes until there are `upTo`, and Kafka has them all. */
  async fill(upTo: number): Promise<void> {
    const { stallSeconds } = this.#feed;
    let progressAtMs = performance.now();
    while (this.written < upTo) {
      const before = this.written;
      this.write(upTo, () => 0);
      if (this.written > before) progressAtMs = performance.now();
      else if (performance.now() - progressAtMs > stallSeconds * 1000) {
        throw new OperatingError('ERR_BENCH_KAFKA', `Kafka took no record for ${stallSeconds} s`);
      }
      await new Promise((resolve) => setTimeout(resolve, QUEUE_FULL_AGAIN_MS));
    }
    await this.#flush(stallSeconds * 1000);
  }

  async #flush(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    const flushed = () =>
      new Promise<boolean>((resolve) => {
        this.#producer.flush(FLUSH_STEP_MS, (error) => resolve(!error));
      });
    while (!(await flushed())) {
      if (performance.now() < deadlineMs) continue;
      throw new OperatingError('ERR_BENCH_KAFKA', 'Kafka did not take the last records');
    }
  }
}

function settingsOf(feed: Feed): kafka.ProducerGlobalConfig {
  const inTime = feed.ratePerSecond !== undefined || feed.recordsBefore < feed.records;
  return {
    'metadata.broker.list': feed.bootstrapServers,
    'enable.idempotence': true,
    'message.max.bytes': feed.payloadBytes + MESSAGE_OVERHEAD_BYTES,
    'compression.codec': feed.compression,
    'linger.ms': inTime ? LINGER_IN_TIME_MS : LINGER_MS,
    'queue.buffering.max.kbytes': QUEUED_KIB_MAX,
    'queue.buffering.max.messages': QUEUED_RECORDS_MAX,
  };
}
