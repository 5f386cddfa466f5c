/* RecordLedger: the records that were read and are not settled, by delivery: sent and awaiting their PUBACK,
 * held, or on their way to the dead-letter store. Arrays, no object a record. Main thread only.
 *
 * 1. A delivery is open from when its record is read until it is settled; its number is used again after that.
 * 2. One that was sent stays open until its PUBACK, whatever becomes of its partition or its worker: its packet
 *    identifier is taken for so long, and on a resumed session the PUBLISH is sent again.
 * 3. The record lies in the ring that the delivery refers to: a worker that died has left one behind.
 * 4. What is open is bounded by the rings, whose room every open record takes.
 */
import { assert } from '../../base/assert.js';
import type { RecordRing } from '../../channel/record-ring.js';
import type { OutgoingTopic } from '../../mqtt/send/outgoing-topics.js';
import type { Partition } from './partitions.js';
import type { RecordFlow } from './record-flow.js';

export class RecordLedger {
  readonly #flows: (RecordFlow | undefined)[] = [];
  readonly #rings: (RecordRing | undefined)[] = [];
  readonly #partitions: (Partition | undefined)[] = [];
  readonly #topics: (OutgoingTopic | undefined)[] = [];
  /** Where in the ring the record lies. */
  readonly position: number[] = [];
  /** Its number in the partition's tracker. */
  readonly number: number[] = [];
  readonly sentMs: number[] = [];
  readonly #free: number[] = [];

  get openCount(): number {
    return this.#flows.length - this.#free.length;
  }

  /** The record at the cursor of the route's ring; `number`, `sentMs` are the caller's to set. */
  open(flow: RecordFlow, ring: RecordRing, partition: Partition): number {
    const id = this.#free.pop() ?? this.#flows.length;
    this.#flows[id] = flow;
    this.#rings[id] = ring;
    this.#partitions[id] = partition;
    this.#topics[id] = undefined;
    this.position[id] = ring.position;
    return id;
  }

  isOpen(id: number): boolean {
    return this.#flows[id] !== undefined;
  }

  flow(id: number): RecordFlow {
    return this.#flows[id] as RecordFlow;
  }

  ring(id: number): RecordRing {
    return this.#rings[id] as RecordRing;
  }

  partition(id: number): Partition {
    return this.#partitions[id] as Partition;
  }

  /** What it was published to; set by `setTopic` when that is known. */
  topic(id: number): OutgoingTopic {
    return this.#topics[id] as OutgoingTopic;
  }

  setTopic(id: number, topic: OutgoingTopic): void {
    this.#topics[id] = topic;
  }

  close(id: number): void {
    assert(this.#flows[id] !== undefined, `delivery ${id} is not open`);
    this.#flows[id] = undefined;
    this.#rings[id] = undefined;
    this.#partitions[id] = undefined;
    this.#topics[id] = undefined;
    this.#free.push(id);
  }
}
