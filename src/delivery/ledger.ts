/* Ledger: our promises. A delivery is opened for each PUBLISH, with as many parts as it became records,
 * and ends when every part is settled. Arrays of numbers, no object a message. Main thread only.
 *
 * 1. A delivery is open from `open` until its last part is settled; its id is used again after that.
 * 2. Each part is settled exactly once; one too many is a programmer's error.
 * 3. The outcome of a delivery is the worst of its parts'.
 * 4. open <= capacity: when it is full, whoever reads PUBLISHes waits.
 */
import { assert } from '../base/assert.js';

/** Outcomes of a part, better ones first: the worst of a delivery's parts counts. */
export const PERSISTED = 0;
/** Its time was over before it could be sent. */
export const PART_EXPIRED = 1;
/** It is in the dead-letter store, synced. */
export const DEAD_LETTERED = 2;
/** Nobody knows whether it is in Kafka. */
export const UNKNOWN = 3;
export type Outcome =
  | typeof PERSISTED
  | typeof PART_EXPIRED
  | typeof DEAD_LETTERED
  | typeof UNKNOWN;

export const NO_SHARD = -1;
export const SEVERAL_SHARDS = -2;
/** No payload in the slab. */
export const NO_REGION = -1;

export class Ledger<Context> {
  readonly capacity: number;
  readonly sessionIndex: Uint16Array;
  readonly packetId: Uint16Array;
  /** Where in the slab the payload lies, NO_REGION if in no region. */
  readonly region: Int32Array;
  readonly openedMs: Float64Array;
  /** Which shard has the records; SEVERAL_SHARDS where they are not all in one. */
  readonly shard: Int16Array;
  readonly #parts: Uint16Array;
  readonly #outcome: Uint8Array;
  readonly #context: (Context | undefined)[];
  readonly #free: Int32Array;
  #freeCount: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.sessionIndex = new Uint16Array(capacity);
    this.packetId = new Uint16Array(capacity);
    this.region = new Int32Array(capacity);
    this.openedMs = new Float64Array(capacity);
    this.shard = new Int16Array(capacity);
    this.#parts = new Uint16Array(capacity);
    this.#outcome = new Uint8Array(capacity);
    this.#context = new Array<Context | undefined>(capacity).fill(undefined);
    this.#free = new Int32Array(capacity);
    // The lowest ids are taken first and again and again: what is in use stays in the cache.
    for (let i = 0; i < capacity; i++) this.#free[i] = capacity - 1 - i;
    this.#freeCount = capacity;
  }

  get openCount(): number {
    return this.capacity - this.#freeCount;
  }

  get full(): boolean {
    return this.#freeCount === 0;
  }

  /** Opens a delivery of `parts` records (at least 1) and returns its id. */
  open(
    sessionIndex: number,
    packetId: number,
    parts: number,
    region: number,
    nowMs: number,
    context: Context,
  ): number {
    assert(this.#freeCount > 0, 'the ledger is full');
    const id = this.#free[--this.#freeCount] as number;
    this.sessionIndex[id] = sessionIndex;
    this.packetId[id] = packetId;
    this.#parts[id] = parts;
    this.#outcome[id] = PERSISTED;
    this.region[id] = region;
    this.openedMs[id] = nowMs;
    this.shard[id] = NO_SHARD;
    this.#context[id] = context;
    return id;
  }

  /** Settles one part. True: it was the last, and `outcome` holds until `close`. */
  settle(id: number, outcome: Outcome): boolean {
    const parts = this.#parts[id] as number;
    assert(parts > 0, 'a part was settled that is not open');
    if (outcome > (this.#outcome[id] as number)) this.#outcome[id] = outcome;
    this.#parts[id] = parts - 1;
    return parts === 1;
  }

  /** Whether a delivery with this id is open. */
  isOpen(id: number): boolean {
    return (this.#parts[id] ?? 0) > 0;
  }

  outcome(id: number): Outcome {
    return this.#outcome[id] as Outcome;
  }

  context(id: number): Context {
    return this.#context[id] as Context;
  }

  /** Gives the id of a settled delivery back. */
  close(id: number): void {
    assert(this.#parts[id] === 0, 'a delivery with open parts was closed');
    this.#context[id] = undefined;
    this.#free[this.#freeCount++] = id;
  }
}
