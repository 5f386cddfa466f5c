/* RecordSender: single records to Kafka, each confirmed, outside the data path: for replaying dead
 * letters. Through the addon, so that keys and headers arrive byte for byte.
 */
import { assert } from '../base/assert.js';
import { OperatingError } from '../base/errors.js';
import { closeDoorbell, listenToDoorbell, openDoorbell } from '../channel/doorbell.js';
import { buildFrame, type RecordParts } from '../channel/frame.js';
import { KEYED, type OpenTarget, type ProducerSettings } from '../channel/protocol.js';
import { createRingMemory } from '../channel/ring-layout.js';
import { SettlementRing } from '../channel/settlement-ring.js';
import { PayloadSlab } from '../ring/payload-slab.js';
import { addon, type ProducerEvent, type ShardProducers, TURN_EVENTS, TURN_MORE } from './addon.js';
import { producerProperties, topicProperties } from './client-config.js';
import { tokenFault } from './connection-fault.js';
import { connectionNews, isCertain } from './connection-news.js';
import { openProducer } from './login.js';
import type { KafkaAccess } from './security-properties.js';

/** librdkafka's own maximum: how large a record may be is for Kafka to say. */
const MESSAGE_BYTES_MAX = 1_000_000_000;
/** Payloads on their way; memory is used as far as it is written to. */
const SLAB_BYTES = 512 * 1024 * 1024;
const RING_BYTES = 65_536;
const STATISTICS_MS = '100';

const SETTINGS: ProducerSettings = {
  lingerMs: 0,
  batchMessagesMax: 1,
  batchBytesMax: 1_000_000,
  idempotent: true,
  requestsInFlightMax: 1,
  variant: 0,
};

export interface SentRecord extends RecordParts {
  readonly topic: string;
  /** Always undefined so far: the partitioner decides by the key. */
  readonly partition: number | undefined;
}

interface Pending {
  readonly region: number;
  readonly resolve: () => void;
  readonly reject: (error: OperatingError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Opens a sender; rejects when no broker answers within `timeoutMs`, or one refuses us. */
export async function openRecordSender(
  access: KafkaAccess,
  timeoutMs: number,
): Promise<RecordSender> {
  const sender = new RecordSender(access, timeoutMs);
  try {
    await sender.connected();
  } catch (error) {
    await sender.close();
    throw error;
  }
  return sender;
}

export class RecordSender {
  readonly #access: KafkaAccess;
  readonly #timeoutMs: number;
  readonly #native: ShardProducers;
  readonly #producer: number;
  readonly #slab = new PayloadSlab(SLAB_BYTES);
  readonly #settlements: SettlementRing;
  readonly #fd = openDoorbell();
  readonly #stopListening: () => void;
  readonly #targets = new Map<string, number>();
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #onUp: () => void = () => {};
  #onFault: (detail: string, isFinal: boolean) => void = () => {};

  /** Use `openRecordSender`. */
  constructor(access: KafkaAccess, timeoutMs: number) {
    this.#access = access;
    this.#timeoutMs = timeoutMs;
    const frames = createRingMemory(RING_BYTES);
    const settlements = createRingMemory(RING_BYTES);
    this.#settlements = new SettlementRing(settlements, (id) => this.#settle(id, undefined));
    this.#native = new addon.ShardProducers(
      new Uint8Array(frames),
      new Uint8Array(settlements),
      this.#slab.bytes,
      this.#fd,
      this.#fd,
    );
    const task = {
      clientId: 'millrace-dead-letters',
      ...access,
      messageBytesMax: MESSAGE_BYTES_MAX,
    };
    const properties = producerProperties(task, SETTINGS, true);
    properties['statistics.interval.ms'] = STATISTICS_MS;
    this.#producer = openProducer(this.#native, access, properties);
    this.#stopListening = listenToDoorbell(this.#fd, () => this.#turn());
    this.#turn();
  }

  /** Resolves when a broker answers. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      let why =
        tokenFault(this.#access, Date.now())?.detail ??
        `Kafka at ${this.#access.kafka.bootstrapServers} does not answer`;
      const fail = () => reject(replayError(why));
      const timer = setTimeout(fail, this.#timeoutMs);
      this.#onFault = (detail, isFinal) => {
        why = `no connection to Kafka: ${detail}`;
        if (!isFinal) return;
        clearTimeout(timer);
        fail();
      };
      this.#onUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Resolves when Kafka has the record, at acks all. Records sent one after another keep their order. */
  async send(record: SentRecord): Promise<void> {
    if (record.partition !== undefined) {
      throw replayError(
        `the letter names partition ${record.partition}; give another --kafka-topic`,
      );
    }
    const region = this.#slab.reserve(record.value.byteLength);
    assert(region >= 0, 'more payload is under way than the slab holds');
    this.#slab.bytes.set(record.value, region);
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    const targetId = this.#targetOf(record.topic);
    const frame = buildFrame(record, { deliveryId: id, targetId, slabOffset: region });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        // What is in flight is not taken back: it may be in Kafka, and the letter stays.
        this.#settle(id, `no answer within ${this.#timeoutMs} ms`);
      }, this.#timeoutMs);
      this.#pending.set(id, { region, resolve, reject, timer });
      const code = this.#native.produce(targetId, false, frame, id);
      if (code !== 0) this.#settle(id, addon.errorName(code));
    });
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#native.close();
    closeDoorbell(this.#fd);
    for (const id of [...this.#pending.keys()]) this.#settle(id, 'closed');
  }

  #targetOf(topic: string): number {
    const known = this.#targets.get(topic);
    if (known !== undefined) return known;
    const id = this.#targets.size;
    const settings: Pick<OpenTarget, 'acks' | 'compression'> = { acks: 'all', compression: 'none' };
    this.#native.setTarget(
      id,
      this.#producer,
      topic,
      topicProperties(settings, this.#access.kafka),
      KEYED,
      0,
      false,
    );
    this.#targets.set(topic, id);
    return id;
  }

  #turn(): void {
    const flags = this.#native.turn();
    this.#native.report();
    this.#settlements.readAll();
    if ((flags & TURN_EVENTS) !== 0) {
      for (const event of this.#native.takeEvents()) this.#onEvent(event);
    }
    for (const { frame, code } of this.#native.takeFailures()) {
      const id = new DataView(frame.buffer, frame.byteOffset).getUint32(8, true);
      this.#settle(id, addon.errorName(code));
    }
    if ((flags & TURN_MORE) !== 0) setImmediate(() => this.#turn());
  }

  #onEvent(event: ProducerEvent): void {
    const { isUp, fault } = connectionNews(event, this.#access.kafka);
    if (isUp) this.#onUp();
    if (fault !== undefined) this.#onFault(fault.detail, isCertain(fault));
  }

  #settle(id: number, failure: string | undefined): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (failure === undefined) {
      this.#slab.release(pending.region);
      pending.resolve();
      return;
    }
    // A record that may still be sent keeps its region: its payload must stay as it is.
    pending.reject(replayError(`Kafka did not confirm it: ${failure}`));
  }
}

function replayError(message: string): OperatingError {
  return new OperatingError('ERR_DEAD_LETTER_REPLAY', message);
}
