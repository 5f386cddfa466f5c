/* KafkaReader: reads a topic from its beginning, through the addon: up to given ends, and on for as long
 * as it is open. It joins no consumer group and commits nothing, so a Kafka has no trace of it.
 *
 *   librdkafka --turn of the addon--> record ring --onRecord--> released
 *
 * All on one thread, the caller's. A record is there during the call of `onRecord` only.
 */
import { OperatingError } from '../../base/errors.js';
import {
  closeDoorbell,
  listenToDoorbell,
  openDoorbell,
  ringDoorbell,
} from '../../channel/doorbell.js';
import { RecordRing } from '../../channel/record-ring.js';
import { createRingMemory } from '../../channel/ring-layout.js';
import { LARGE_RING_BYTES_MIN, RECORD_RING_BYTES } from '../../config/limits.js';
import {
  addon,
  CONSUMER_EVENTS,
  CONSUMER_MORE,
  type Consumer,
  type ConsumerEvent,
  EVENT_ERROR,
} from '../../kafka/addon.js';
import { consumerProperties } from '../../kafka/consumer-config.js';
import { consumerDisposition } from '../../kafka/kafka-error.js';
import { plainAccess } from '../../kafka/security-properties.js';

const CLIENT_ID = 'millrace-bench-reader';
const WATCH_EVERY_MS = 50;

export interface KafkaReaderOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** It has the partitions 0 to this number - 1. */
  readonly partitions: number;
  /** A larger record comes without its body. */
  readonly recordBytesMax: number;
  /** How long Kafka waits for more before it says that there is nothing; undefined: as a connector has
   * it. A real one answers as soon as there is something, the embedded one never before. */
  readonly waitMs?: number;
  /** Is handed each record, in the order of its partition; `record` says what it is like. */
  readonly onRecord: (record: RecordRing) => void;
  /** All that came at one moment was handed over. */
  readonly onBatch?: () => void;
  /** The reader gets nothing more. */
  readonly onFailed: (error: OperatingError) => void;
}

export class KafkaReader {
  readonly #options: KafkaReaderOptions;
  readonly #ring: RecordRing;
  readonly #doorbell = openDoorbell();
  readonly #stopListening: () => void;
  readonly #native: Consumer;
  /** By partition: the offset of the record that comes next. */
  readonly #next: Float64Array;
  #again: NodeJS.Immediate | undefined;
  #isOpen = true;
  #records = 0;

  /** Begins to read. Throws when librdkafka refuses a setting. */
  constructor(options: KafkaReaderOptions) {
    const { bootstrapServers, topic, partitions, recordBytesMax } = options;
    this.#options = options;
    this.#next = new Float64Array(partitions);
    const memory = createRingMemory(RECORD_RING_BYTES);
    // One is read while the next is on its way.
    const largeBytes = Math.max(LARGE_RING_BYTES_MIN, 2 * recordBytesMax);
    const large = new SharedArrayBuffer(largeBytes);
    this.#ring = new RecordRing(memory, large, () => ringDoorbell(this.#doorbell));
    const task = {
      clientId: CLIENT_ID,
      ...plainAccess(bootstrapServers),
      messageBytesMax: recordBytesMax,
    };
    // librdkafka wants a name of a group also from who joins none.
    const settings = {
      groupId: topic,
      groupInstanceId: undefined,
      offsetReset: 'earliest',
    } as const;
    const properties = { ...consumerProperties(task, settings) };
    const bell = this.#doorbell;
    const [ring, bodies] = [new Uint8Array(memory), new Uint8Array(large)];
    if (options.waitMs !== undefined) properties['fetch.wait.max.ms'] = `${options.waitMs}`;
    this.#native = new addon.Consumer(properties, topic, ring, bodies, bell, bell, true);
    this.#stopListening = listenToDoorbell(bell, () => this.#turn());
    this.#native.assign(
      Array.from({ length: partitions }, (_, partition) => ({ partition, offset: 0 })),
    );
  }

  /** Records that were handed over. */
  get records(): number {
    return this.#records;
  }

  /**
   * Resolves when each partition was read up to its end, which is the offset after its last record.
   * False: nothing has come for `stallMs`, though there should be more, or `interrupted` says so.
   */
  async readTo(
    ends: readonly number[],
    { stallMs, interrupted }: { stallMs: number; interrupted?: AbortSignal },
  ): Promise<boolean> {
    let [recordsSeen, seenAtMs] = [this.#records, performance.now()];
    while (!ends.every((end, partition) => (this.#next[partition] as number) >= end)) {
      if (!this.#isOpen || interrupted?.aborted) return false;
      const nowMs = performance.now();
      if (this.#records > recordsSeen) [recordsSeen, seenAtMs] = [this.#records, nowMs];
      else if (nowMs - seenAtMs > stallMs) return false;
      await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS));
    }
    return true;
  }

  /** May be called again. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#again !== undefined) clearImmediate(this.#again);
    this.#stopListening();
    this.#native.destroy();
    closeDoorbell(this.#doorbell);
  }

  #turn(): void {
    if (!this.#isOpen) return;
    const flags = this.#native.turn();
    if ((flags & CONSUMER_EVENTS) !== 0)
      for (const event of this.#native.takeEvents()) this.#hear(event);
    this.#read();
    if ((flags & CONSUMER_MORE) !== 0) this.#turnSoon();
  }

  #turnSoon(): void {
    this.#again ??= setImmediate(() => {
      this.#again = undefined;
      this.#turn();
    });
  }

  #read(): void {
    const ring = this.#ring;
    const { onRecord, onBatch } = this.#options;
    const before = this.#records;
    while (this.#isOpen && ring.next()) {
      onRecord(ring);
      this.#next[ring.partition] = ring.offset + 1;
      this.#records += 1;
      ring.release(ring.position);
    }
    if (this.#records > before) onBatch?.();
    if (this.#isOpen) ring.wakeWriter();
  }

  #hear({ kind, code, fatal, text }: ConsumerEvent): void {
    if (kind !== EVENT_ERROR || !this.#isOpen) return;
    const disposition = consumerDisposition(code, fatal);
    if (disposition !== 'stop' && disposition !== 'reopen') return;
    const { topic, onFailed } = this.#options;
    this.close();
    onFailed(new OperatingError('ERR_BENCH_KAFKA', `the topic ${topic} cannot be read: ${text}`));
  }
}
