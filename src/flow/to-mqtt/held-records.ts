/* HeldRecords: what the broker did not take now and may take later: No matching subscribers where the route
 * holds for them, Quota exceeded. Main thread only.
 *
 *   topic:  flowing --a record is held--> waiting --backoff--> trying --taken, none left--> flowing
 *                                            ^------ held again ------'
 *                                         waiting --no room to send--> due --room--> trying
 *
 * 1. A topic with a held record sends nothing past it: what comes for it lines up behind, and goes one by one
 *    once the first is taken. Other topics go on.
 * 2. A held record keeps its place in the ring, so what may be held is bounded by the ring.
 */
import type { Clock } from '../../base/clock.js';
import type { OutgoingTopic } from '../../mqtt/send/outgoing-topics.js';
import type { Partition } from './partitions.js';
import type { RecordLedger } from './record-ledger.js';

const WAIT_MS_MIN = 500;
const WAIT_MS_MAX = 30_000;

interface HeldTopic {
  readonly topic: OutgoingTopic;
  /** Deliveries, in the order of the ring. */
  deliveries: number[];
  waitMs: number;
  /** Set while it waits. */
  cancelWait: (() => void) | undefined;
  /** The record that was its first, and is under way. */
  trying: number | undefined;
}

export class HeldRecords {
  readonly #clock: Clock;
  readonly #ledger: RecordLedger;
  readonly #onDue: (topic: OutgoingTopic) => void;
  /** By name: the cache of topics may give another object for it meanwhile. */
  readonly #topics = new Map<string, HeldTopic>();
  /** Those whose time has come while nothing could be sent. */
  readonly #due = new Set<HeldTopic>();
  #count = 0;

  /** @param onDue the first record of a topic shall be tried: `first`, then `hold` or `taken` */
  constructor(clock: Clock, ledger: RecordLedger, onDue: (topic: OutgoingTopic) => void) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#onDue = onDue;
  }

  get count(): number {
    return this.#count;
  }

  has(topic: OutgoingTopic): boolean {
    return this.#topics.size > 0 && this.#topics.has(topic.name);
  }

  /** A record for a topic that is held. */
  lineUp(topic: OutgoingTopic, delivery: number): void {
    this.#insert(this.#topics.get(topic.name) ?? this.#add(topic), delivery);
  }

  /** A record that was sent has come back: it waits, longer each time. */
  hold(topic: OutgoingTopic, delivery: number): void {
    const held = this.#topics.get(topic.name) ?? this.#add(topic);
    this.#insert(held, delivery);
    if (held.trying === delivery) held.trying = undefined;
    if (held.trying !== undefined || held.cancelWait !== undefined || this.#due.has(held)) return;
    held.waitMs = Math.min(Math.max(2 * held.waitMs, WAIT_MS_MIN), WAIT_MS_MAX);
    this.#wait(held);
  }

  /** The first record could not be tried: it is due as soon as something can be sent. */
  postpone(topic: OutgoingTopic): void {
    const held = this.#topics.get(topic.name);
    if (held !== undefined) this.#due.add(held);
  }

  /** A topic whose first record waits for nothing but room; it is no longer due. */
  takeDue(): OutgoingTopic | undefined {
    if (this.#due.size === 0) return undefined;
    const [held] = this.#due;
    if (held !== undefined) this.#due.delete(held);
    return held?.topic;
  }

  /** Takes the first record of a topic, which is tried now. */
  first(topic: OutgoingTopic): number | undefined {
    const held = this.#topics.get(topic.name);
    const delivery = held?.deliveries.shift();
    if (held === undefined || delivery === undefined) return undefined;
    held.trying = delivery;
    this.#count--;
    return delivery;
  }

  /** A record is done with. True: it was tried, and another one follows, to be tried at once. */
  taken(topic: OutgoingTopic, delivery: number): boolean {
    if (this.#topics.size === 0) return false;
    const held = this.#topics.get(topic.name);
    // Others that were under way when the first was held decide nothing.
    if (held?.trying !== delivery) return false;
    held.trying = undefined;
    held.waitMs = 0;
    if (held.deliveries.length > 0) return true;
    this.#topics.delete(topic.name);
    return false;
  }

  /** Takes out every record of these partitions: they are somebody else's. */
  drop(partitions: ReadonlySet<Partition>): number[] {
    const dropped: number[] = [];
    for (const [name, held] of this.#topics) {
      const kept: number[] = [];
      for (const delivery of held.deliveries) {
        const goes = partitions.has(this.#ledger.partition(delivery));
        (goes ? dropped : kept).push(delivery);
      }
      held.deliveries = kept;
      // One that is under way decides what becomes of the topic.
      if (kept.length > 0 || held.trying !== undefined) continue;
      held.cancelWait?.();
      this.#due.delete(held);
      this.#topics.delete(name);
    }
    this.#count -= dropped.length;
    return dropped;
  }

  /** Takes everything out; nothing is tried again. */
  close(): number[] {
    const all = [...this.#topics.values()].flatMap(({ deliveries }) => deliveries);
    for (const { cancelWait } of this.#topics.values()) cancelWait?.();
    this.#topics.clear();
    this.#due.clear();
    this.#count = 0;
    return all;
  }

  #add(topic: OutgoingTopic): HeldTopic {
    const held: HeldTopic = {
      topic,
      deliveries: [],
      waitMs: 0,
      cancelWait: undefined,
      trying: undefined,
    };
    this.#topics.set(topic.name, held);
    return held;
  }

  /** What was under way comes back before what lined up behind it. */
  #insert(held: HeldTopic, delivery: number): void {
    const { deliveries } = held;
    let at = deliveries.length;
    while (at > 0 && this.#isBefore(delivery, deliveries[at - 1] as number)) at--;
    deliveries.splice(at, 0, delivery);
    this.#count++;
  }

  #isBefore(a: number, b: number): boolean {
    // Positions are modulo 2^32.
    const { position } = this.#ledger;
    return (((position[a] as number) - (position[b] as number)) | 0) < 0;
  }

  #wait(held: HeldTopic): void {
    held.cancelWait = this.#clock.after(held.waitMs, () => {
      held.cancelWait = undefined;
      this.#onDue(held.topic);
    });
  }
}
