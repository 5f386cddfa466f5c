/* Feeder: writes the records of a feed to Kafka, from the generator's process, as its FeedPlan says.
 * librdkafka's idempotence keeps them in order.
 */
import kafka from 'node-rdkafka';
import { OperatingError } from '../../base/errors.js';
import { countPartitions } from '../kafka-client.js';
import type { Feed } from '../protocol.js';
import { FeedPlan } from './feed-plan.js';
import { userPropertyOf } from './payload.js';
import { payloadBytesMax } from './payload-mix.js';
import { viewOf, writeStamp } from './stamp.js';

const ANSWER_TIMEOUT_MS = 10_000;
/** What librdkafka holds of records that Kafka does not have yet. */
const QUEUED_KIB_MAX = 256 * 1024;
const QUEUED_RECORDS_MAX = 200_000;
const MESSAGE_OVERHEAD_BYTES = 1_048_576;
/** In saturation a request carries more than what came within a moment. */
const LINGER_MS = 20;
/** At a rate it carries what was due at once; with 0 librdkafka would send the first record alone. */
const LINGER_IN_TIME_MS = 1;
const QUEUE_FULL_AGAIN_MS = 5;
const FLUSH_STEP_MS = 1000;

/** What a run needs of a feeder. */
export interface RecordFeeder {
  readonly plan: FeedPlan;
  /** Records that were handed over. */
  readonly written: number;
  /** Writes on until there are `upTo`, or librdkafka's queue is full. */
  write(upTo: number, dueAtMs: (index: number) => number): void;
}

export class Feeder implements RecordFeeder {
  readonly plan: FeedPlan;
  written = 0;
  readonly #feed: Feed;
  readonly #producer: kafka.Producer;
  /** By length: the beginning of one and the same memory. */
  readonly #payloads: ReadonlyMap<number, Buffer>;
  readonly #view: DataView;
  readonly #headers: kafka.MessageHeader[];

  private constructor(feed: Feed, producer: kafka.Producer, partitions: number) {
    this.#feed = feed;
    this.#producer = producer;
    this.plan = new FeedPlan(feed, partitions);
    // Of its own: what is expected has no stamp.
    const payload = Buffer.from(this.plan.payload);
    this.#payloads = new Map(feed.payload.map(({ bytes }) => [bytes, payload.subarray(0, bytes)]));
    this.#view = viewOf(payload);
    this.#headers = Array.from({ length: feed.userProperties }, (_, n) =>
      Object.fromEntries([userPropertyOf(n)]),
    );
  }

  static async open(feed: Feed): Promise<Feeder> {
    const partitions = await countPartitions(feed.bootstrapServers, feed.kafkaTopic);
    const producer = new kafka.Producer(settingsOf(feed));
    // What a lost connection leads to shows in what does not come.
    producer.on('event.error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      const options = { timeout: ANSWER_TIMEOUT_MS };
      producer.connect(options, (error) => (error ? reject(error) : resolve()));
    });
    return new Feeder(feed, producer, partitions);
  }

  write(upTo: number, dueAtMs: (index: number) => number): void {
    const { plan } = this;
    const { kafkaTopic } = this.#feed;
    while (this.written < upTo) {
      const index = this.written;
      writeStamp(this.#view, 0, plan.contentOf(index), index, dueAtMs(index));
      const payload = this.#payloads.get(plan.payloadBytesOf(index)) as Buffer;
      const partition = plan.partitionOf(index);
      const key = plan.keyOf(index);
      try {
        // It copies the payload.
        this.#producer.produce(kafkaTopic, partition, payload, key, null, null, this.#headers);
      } catch (error) {
        if ((error as { code?: number }).code !== kafka.CODES.ERRORS.ERR__QUEUE_FULL) throw error;
        break;
      }
      this.written += 1;
    }
    // Until its delivery report is taken a record counts as queued.
    this.#producer.poll();
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
    'message.max.bytes': payloadBytesMax(feed.payload) + MESSAGE_OVERHEAD_BYTES,
    'compression.codec': feed.compression,
    'linger.ms': inTime ? LINGER_IN_TIME_MS : LINGER_MS,
    'queue.buffering.max.kbytes': QUEUED_KIB_MAX,
    'queue.buffering.max.messages': QUEUED_RECORDS_MAX,
  };
}
