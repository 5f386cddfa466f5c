import {
  FLAG_EXPIRES,
  FRAME_DELIVERY_ID,
  FRAME_FLAGS,
  recordBytesOf,
} from '../../src/channel/frame.js';
import { DELIVERED, EXPIRED, type Settlement } from '../../src/channel/settlement-ring.js';
import {
  EVENT_ERROR,
  EVENT_STATISTICS,
  type Failure,
  NEVER_ALONE,
  type ProducerEvent,
  RECORD_EXPIRED,
  type ShardProducers,
  TURN_CONTROL,
  TURN_EVENTS,
  TURN_FAILURES,
} from '../../src/kafka/addon.js';
import { type FrameSpec, frameOf } from './frames.js';
import type { ManualClock } from './manual-clock.js';

/* The addon without librdkafka and Kafka: what becomes of each record, and when, is the test's to say.
 * As with librdkafka, a record with a producer waits in its queue or is in flight, and gets one
 * delivery report. */

export const NOT_PERSISTED = 0;
export const POSSIBLY_PERSISTED = 1;
export const PURGE_QUEUE = -152;
export const PURGE_INFLIGHT = -151;
export const FATAL = -150;

export interface FakeRecord {
  readonly deliveryId: number;
  readonly targetId: number;
  readonly sequence: number;
  readonly frame: Uint8Array;
  readonly solo: boolean;
  readonly producedMs: number;
  inFlight: boolean;
  /** It was in flight once, and may have arrived. */
  retried: boolean;
}

export interface FakeProducer {
  readonly index: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly topics: Set<string>;
  records: FakeRecord[];
  /** Delivery reports of errors that nobody has polled yet: their records are outstanding still. */
  reports: Failure[];
  fatal: boolean;
}

interface FakeTarget {
  batched: number;
  solo: number;
  diverted: boolean;
  aloneFrom: number;
}

type RingItem =
  | { readonly kind: 'frame'; readonly frame: Uint8Array }
  | { readonly kind: 'control'; readonly payload: Uint8Array };

export class FakeShardProducers implements ShardProducers {
  readonly producers = new Map<number, FakeProducer>();
  readonly targets = new Map<number, FakeTarget>();
  /** By delivery id. One entry each, whatever happens: a second settlement throws. */
  readonly settled = new Map<number, Settlement>();
  /** Delivery ids in the order in which Kafka took them, by target. */
  readonly delivered = new Map<number, number[]>();
  /** The calls of `setCredentials` and `setToken`: the producer, then the values. */
  readonly logins: (readonly (number | string)[])[] = [];
  /** What they answer. */
  loginFault: string | undefined;
  /** What `produce` answers at once, by delivery id. */
  readonly refusedAtOnce = new Map<number, number>();
  readonly #clock: ManualClock;
  readonly #ring: RingItem[] = [];
  #failures: Failure[] = [];
  #events: ProducerEvent[] = [];
  #sequence = 0;
  #nextIndex = 0;
  closed = false;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  // What a test does.

  write(spec: FrameSpec): void {
    this.#ring.push({ kind: 'frame', frame: frameOf(spec) });
  }

  control(control: object): void {
    this.#ring.push({ kind: 'control', payload: Buffer.from(JSON.stringify(control)) });
  }

  get ringEmpty(): boolean {
    return this.#ring.length === 0;
  }

  /** The producers that are open, in the order in which they were opened. */
  open(): FakeProducer[] {
    return [...this.producers.values()];
  }

  batched(targetId = 0): FakeProducer {
    return this.#producer(this.#target(targetId).batched);
  }

  solo(targetId = 0): FakeProducer {
    return this.#producer(this.#target(targetId).solo);
  }

  /** Delivery ids that a producer has, in their order. */
  with(producer: FakeProducer): number[] {
    return producer.records.map(({ deliveryId }) => deliveryId);
  }

  deliver(producer: FakeProducer, count = producer.records.length): void {
    for (const record of producer.records.splice(0, count)) {
      const order = this.delivered.get(record.targetId) ?? [];
      this.delivered.set(record.targetId, [...order, record.deliveryId]);
      this.#settle(record.deliveryId, DELIVERED);
    }
  }

  /** The first `count` records get a delivery report with this error. */
  fail(
    producer: FakeProducer,
    code: number,
    { count = producer.records.length, status = NOT_PERSISTED } = {},
  ): void {
    for (const record of producer.records.splice(0, count)) {
      const { frame, sequence, targetId } = record;
      producer.reports.push({ frame, sequence, targetId, code, status, producer: producer.index });
    }
  }

  setFatal(producer: FakeProducer, code: number): void {
    producer.fatal = true;
    const event = { kind: EVENT_ERROR, producer: producer.index, code, fatal: true, text: 'fatal' };
    this.#events.push(event);
  }

  /** Statistics of one producer, with or without a broker that is up. */
  tell(producer: FakeProducer, up: boolean): void {
    const text = JSON.stringify({ brokers: { b: { state: up ? 'UP' : 'DOWN', nodeid: 1 } } });
    const { index } = producer;
    this.#events.push({ kind: EVENT_STATISTICS, producer: index, code: 0, fatal: false, text });
  }

  event(event: ProducerEvent): void {
    this.#events.push(event);
  }

  // What the worker does.

  addProducer(properties: Readonly<Record<string, string>>): number {
    const index = this.#nextIndex++;
    const empty = { topics: new Set<string>(), records: [], reports: [] };
    this.producers.set(index, { index, properties, ...empty, fatal: false });
    return index;
  }

  removeProducer(index: number): void {
    if (this.outstanding(index) > 0) throw new Error(`producer ${index} has records`);
    this.producers.delete(index);
  }

  setCredentials(producer: number, username: string, password: string): string | undefined {
    this.logins.push([producer, username, password]);
    return this.loginFault;
  }

  setToken(producer: number, value: string): string | undefined {
    this.logins.push([producer, value]);
    return this.loginFault;
  }

  setTarget(
    targetId: number,
    producer: number,
    topic: string,
    _properties: Readonly<Record<string, string>>,
    _rule: number,
    _instanceId: number,
    solo: boolean,
  ): void {
    const { topics } = this.#producer(producer);
    if (topics.has(topic)) throw new Error(`${topic} is open in producer ${producer} already`);
    topics.add(topic);
    const none = { batched: -1, solo: -1, diverted: false, aloneFrom: NEVER_ALONE };
    const target = this.targets.get(targetId) ?? none;
    if (solo) target.solo = producer;
    else target.batched = producer;
    this.targets.set(targetId, target);
  }

  divert(targetId: number, on: boolean): void {
    this.#target(targetId).diverted = on;
  }

  setAloneFrom(targetId: number, recordBytes: number): void {
    this.#target(targetId).aloneFrom = recordBytes;
  }

  turn(): number {
    if (this.closed) throw new Error('closed');
    let flags = 0;
    for (const producer of this.open()) this.#failures.push(...producer.reports.splice(0));
    for (let item = this.#ring[0]; item?.kind === 'frame'; item = this.#ring[0]) {
      this.#ring.shift();
      this.#take(item.frame);
    }
    if (this.#ring.length > 0) flags |= TURN_CONTROL;
    if (this.#failures.length > 0) flags |= TURN_FAILURES;
    if (this.#events.length > 0) flags |= TURN_EVENTS;
    return flags;
  }

  report(): void {}

  takeControl(): Uint8Array {
    const item = this.#ring.shift();
    if (item?.kind !== 'control') throw new Error('no control frame is next');
    return item.payload;
  }

  takeFailures(): Failure[] {
    return this.#failures.splice(0);
  }

  takeEvents(): ProducerEvent[] {
    return this.#events.splice(0);
  }

  produce(targetId: number, solo: boolean, frame: Uint8Array, sequence: number): number {
    const target = this.#target(targetId);
    const producer = this.#producer(solo ? target.solo : target.batched);
    if (this.#expired(frame)) return RECORD_EXPIRED;
    if (producer.fatal) return FATAL;
    const deliveryId = wordOf(frame, FRAME_DELIVERY_ID);
    const code = this.refusedAtOnce.get(deliveryId);
    if (code !== undefined) return code;
    const producedMs = this.#clock.monotonicMs();
    const state = { producedMs, inFlight: false, retried: false };
    producer.records.push({ deliveryId, targetId, sequence, frame, solo, ...state });
    return 0;
  }

  settle(deliveryId: number, _frameBytes: number, settlement: number): void {
    this.#settle(deliveryId, settlement as Settlement);
  }

  purge(index: number, inFlight: boolean): void {
    const producer = this.#producer(index);
    const purged = producer.records.filter((record) => inFlight || !record.inFlight);
    producer.records = producer.records.filter((record) => !purged.includes(record));
    for (const { frame, sequence, targetId, inFlight: sent, retried } of purged) {
      const code = sent ? PURGE_INFLIGHT : PURGE_QUEUE;
      const status = sent || retried ? POSSIBLY_PERSISTED : NOT_PERSISTED;
      producer.reports.push({ frame, sequence, targetId, code, status, producer: index });
    }
  }

  outstanding(index: number): number {
    const { records = [], reports = [] } = this.producers.get(index) ?? {};
    return records.length + reports.length;
  }

  outstandingOf(targetId: number): number {
    return this.open()
      .flatMap(({ records, reports }) => [...records, ...reports])
      .filter((record) => record.targetId === targetId).length;
  }

  hasStale(index: number, ageMs: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    return this.#producer(index).records.some(
      ({ frame, producedMs }) => expires(frame) && nowMs - producedMs > ageMs,
    );
  }

  oldestMs(index: number): number {
    const nowMs = this.#clock.monotonicMs();
    const ages = this.#producer(index).records.map(({ producedMs }) => nowMs - producedMs);
    return Math.max(0, ...ages);
  }

  close(): void {
    this.closed = true;
  }

  #take(frame: Uint8Array): void {
    const targetId = wordOf(frame, 3);
    const target = this.#target(targetId);
    const sequence = ++this.#sequence;
    const failure = { frame, sequence, targetId, status: NOT_PERSISTED, producer: target.batched };
    if (recordBytesOf(frame) >= target.aloneFrom) target.diverted = true;
    if (target.diverted) {
      this.#failures.push({ ...failure, code: 0 });
      return;
    }
    const code = this.produce(targetId, false, frame, sequence);
    if (code === RECORD_EXPIRED) this.#settle(wordOf(frame, FRAME_DELIVERY_ID), EXPIRED);
    else if (code !== 0) {
      // What comes behind it in the ring must not overtake it.
      target.diverted = true;
      this.#failures.push({ ...failure, code });
    }
  }

  #settle(deliveryId: number, settlement: Settlement): void {
    if (this.settled.has(deliveryId)) throw new Error(`${deliveryId} is settled twice`);
    this.settled.set(deliveryId, settlement);
  }

  #expired(frame: Uint8Array): boolean {
    const deadlineMs = wordOf(frame, 10) + wordOf(frame, 11) * 2 ** 32;
    return expires(frame) && deadlineMs <= this.#clock.monotonicMs();
  }

  #producer(index: number): FakeProducer {
    const producer = this.producers.get(index);
    if (producer === undefined) throw new Error(`no producer ${index}`);
    return producer;
  }

  #target(id: number): FakeTarget {
    const target = this.targets.get(id);
    if (target === undefined) throw new Error(`no target ${id}`);
    return target;
  }
}

function expires(frame: Uint8Array): boolean {
  return (wordOf(frame, FRAME_FLAGS) & FLAG_EXPIRES) !== 0;
}

function wordOf(frame: Uint8Array, word: number): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(word * 4, true);
}
