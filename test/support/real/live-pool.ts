import type { Test } from 'tap';
import { systemClock } from '../../../src/base/clock.js';
import type {
  CredentialsInUse,
  CredentialsRefused,
  FromWorker,
} from '../../../src/channel/protocol.js';
import { DELIVERED, type Settlement } from '../../../src/channel/settlement-ring.js';
import type { KafkaConnection } from '../../../src/config/model.js';
import type { KafkaCredentials } from '../../../src/secrets/kafka-credentials.js';
import { seal } from '../../../src/secrets/sealed.js';
import { ShardPool } from '../../../src/shard/pool.js';
import type { RecordSource } from '../../../src/shard/record-source.js';
import type { Shard } from '../../../src/shard/shard.js';
import { frameOf } from '../frames.js';
import { openTargetOf } from '../open-targets.js';
import { until } from '../until.js';
import { readEach } from './kcat.js';

/* A pool of workers that writes records to a topic, 5,000/s, and reads them again, as a connector would:
 * to change what it connects with while they flow. */

const KEYS = 50;
const EVERY_MS = 10;
const RECORDS_EACH = 50;

export interface LivePoolOptions {
  readonly kafka: KafkaConnection;
  readonly credentials: KafkaCredentials;
  readonly topic: string;
}

export class LivePool {
  readonly #options: LivePoolOptions;
  readonly #pool: ShardPool;
  readonly messages: FromWorker[] = [];
  readonly #settled = new Map<number, Settlement>();
  /** By partition: the offset of the record that comes next, and how many came again. */
  readonly #next = new Map<number, number>();
  #readAgain = 0;
  #skipped = 0;
  #read = 0;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(t: Test, options: LivePoolOptions) {
    const { kafka, credentials, topic } = options;
    this.#options = options;
    this.#pool = new ShardPool({
      shards: 1,
      sessions: 1,
      sessionIndex: new Uint16Array(10_000_000),
      slab: new SharedArrayBuffer(64),
      task: {
        connector: topic,
        clientId: topic,
        kafka,
        kafkaCredentials: seal(credentials),
        messageBytesMax: 1_000_000,
        logLevel: 'info',
      },
      clock: systemClock,
      consumers: [
        {
          routeIndex: 0,
          topic,
          groupId: topic,
          groupInstanceId: topic,
          offsetReset: 'earliest',
          payloadBytesMax: 1_000,
        },
      ],
      onSettled: (_, deliveryId, __, settlement) => this.#settled.set(deliveryId, settlement),
      onBurstEnd: () => {},
      onSilent: () => {},
      onHopeless: (error) => {
        throw error;
      },
      onRecords: (source) => this.#onRecords(source),
      onMessage: (_, message) => this.#onMessage(message),
      onLost: (_, error) => {
        throw error;
      },
    });
    t.teardown(() => this.close());
  }

  get #shard(): Shard {
    return this.#pool.shards[0] as Shard;
  }

  get written(): number {
    return this.#written;
  }

  get read(): number {
    return this.#read;
  }

  /** Has records flow; resolves when some have come through both ways. */
  async start(): Promise<void> {
    this.#pool.start();
    await until('the worker is ready', () => this.#shard.ready);
    this.#shard.control(openTargetOf(this.#options.topic));
    this.#timer = setInterval(() => this.#write(), EVERY_MS);
    await this.flows();
  }

  /** Until records that were written from now on are delivered, and read. */
  async flows(): Promise<void> {
    const count = this.#written + 1_000;
    await until('records flow', () => this.#settled.size >= count && this.#read >= count, {
      deadlineMs: 60_000,
      detail: () => this.#state(),
    });
  }

  /** Changes what the workers connect with. Returns the number of the change. */
  change(credentials: KafkaCredentials): number {
    return this.#pool.setCredentials(seal(credentials));
  }

  async inUse(generation: number): Promise<CredentialsInUse> {
    return this.#said('credentialsInUse', generation);
  }

  async refused(generation: number): Promise<CredentialsRefused> {
    return this.#said('credentialsRefused', generation);
  }

  /** Nothing is lost, nothing came twice, and the order of each key is that of the writing. */
  async check(t: Test, plainBootstrap: string): Promise<void> {
    clearInterval(this.#timer);
    const written = this.#written;
    const ended = () => this.#settled.size === written && this.#read >= written;
    await until('all have come through', ended, {
      deadlineMs: 60_000,
      detail: () => this.#state(),
    });
    t.ok([...this.#settled.values()].every((settlement) => settlement === DELIVERED));
    t.equal(this.#read, written, 'each was read once');
    t.equal(this.#readAgain, 0);
    t.equal(this.#skipped, 0, 'and in order');
    const last = new Map<string, number>();
    let [inKafka, disordered] = [0, 0];
    await readEach(plainBootstrap, this.#options.topic, {
      onRecord: ({ key, value }) => {
        inKafka++;
        if (Number(value) <= (last.get(`${key}`) ?? -1)) disordered++;
        last.set(`${key}`, Number(value));
      },
    });
    t.equal(inKafka, written, 'each is in Kafka once');
    t.equal(disordered, 0);
    t.equal(last.size, KEYS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.close();
  }

  #write(): void {
    const shard = this.#shard;
    for (let i = 0; i < RECORDS_EACH; i++) {
      const id = this.#written;
      const frame = frameOf({ deliveryId: id, key: `key-${id % KEYS}`, payload: `${id}` });
      const offset = shard.reserve(0, frame.byteLength);
      if (offset < 0) break;
      shard.frames.bytes.set(frame, offset);
      shard.commit(0, frame.byteLength);
      this.#written++;
    }
    shard.publish();
  }

  #onRecords({ ring }: RecordSource): void {
    while (ring.next()) {
      const { partition, offset } = ring;
      const expected = this.#next.get(partition) ?? 0;
      if (offset < expected) this.#readAgain++;
      else if (offset > expected) this.#skipped++;
      this.#next.set(partition, Math.max(expected, offset + 1));
      this.#read++;
      ring.release(ring.position);
    }
    ring.wakeWriter();
  }

  #onMessage(message: FromWorker): void {
    this.messages.push(message);
    if (message.kind !== 'revoking') return;
    const { revocation, partitions } = message;
    this.#pool.sources[0]?.ring.discard(new Set(partitions));
    const offsets = partitions.flatMap((partition) => {
      const offset = this.#next.get(partition);
      return offset === undefined ? [] : [{ partition, offset }];
    });
    this.#pool.post(0, { kind: 'released', routeIndex: 0, revocation, offsets });
  }

  async #said<Kind extends 'credentialsInUse' | 'credentialsRefused'>(
    kind: Kind,
    generation: number,
  ): Promise<Extract<FromWorker, { kind: Kind }>> {
    const find = () =>
      this.messages.find(
        (message): message is Extract<FromWorker, { kind: Kind }> =>
          message.kind === kind && (message as CredentialsInUse).generation === generation,
      );
    await until(`${kind} ${generation}`, () => find() !== undefined, {
      deadlineMs: 60_000,
      detail: () => this.#state(),
    });
    return find() as Extract<FromWorker, { kind: Kind }>;
  }

  #state(): object {
    return {
      written: this.#written,
      settled: this.#settled.size,
      read: this.#read,
      messages: this.messages.slice(-40),
    };
  }
}
