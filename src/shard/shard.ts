/* Shard: main's side of one worker: its rings and its credit. Main thread only.
 *
 * 1. What the worker has taken and not settled is bounded in records and in bytes, and no session can
 *    take what another needs: base/fair-share.ts.
 * 2. A frame is written only while `ready`; a shard whose worker has ended takes nothing.
 */
import { assert } from '../base/assert.js';
import { FairShare } from '../base/fair-share.js';
import { FrameRing, type MayWake } from '../channel/frame-ring.js';
import type { ControlFrame } from '../channel/protocol.js';
import { createRingMemory } from '../channel/ring-layout.js';
import { type OnSettled, SettlementRing } from '../channel/settlement-ring.js';
import {
  FRAME_RING_BYTES,
  SETTLEMENT_RING_BYTES,
  SHARD_OUTSTANDING_BYTES_MAX,
  SHARD_OUTSTANDING_RECORDS_MAX,
} from '../config/limits.js';

/** How its worker is woken. */
export interface WorkerBell {
  readonly ring: () => void;
  /** Undefined: always. */
  readonly mayWake?: MayWake;
}

export interface ShardOptions {
  readonly index: number;
  /** How many sessions share it. */
  readonly sessions: number;
  /** By delivery: the session whose credit its records have. */
  readonly sessionIndex: Uint16Array;
  readonly bell: WorkerBell;
  readonly onSettled: OnSettled;
}

export class Shard {
  readonly index: number;
  readonly #sessionIndex: Uint16Array;
  readonly #onSettled: OnSettled;
  readonly #bell: WorkerBell;
  frames: FrameRing;
  framesMemory: SharedArrayBuffer;
  settlementsMemory: SharedArrayBuffer;
  #settlements: SettlementRing;
  /** Whether a worker reads the frames. */
  ready = false;
  /** Counts the workers that it has had: what the last one knew, the next one does not. */
  generation = 0;
  readonly #records: FairShare;
  readonly #bytes: FairShare;

  constructor({ index, sessions, sessionIndex, bell, onSettled }: ShardOptions) {
    this.index = index;
    this.#sessionIndex = sessionIndex;
    this.#onSettled = onSettled;
    this.#bell = bell;
    this.#records = new FairShare(SHARD_OUTSTANDING_RECORDS_MAX, sessions);
    this.#bytes = new FairShare(SHARD_OUTSTANDING_BYTES_MAX, sessions);
    this.framesMemory = createRingMemory(FRAME_RING_BYTES);
    this.settlementsMemory = createRingMemory(SETTLEMENT_RING_BYTES);
    this.frames = new FrameRing(this.framesMemory, bell.ring, bell.mayWake);
    this.#settlements = this.#openSettlements();
  }

  get outstandingRecords(): number {
    return this.#records.taken;
  }

  get outstandingBytes(): number {
    return this.#bytes.taken;
  }

  /** Where a session's frame of up to `frameBytes` may be written, -1 without room or credit. */
  reserve(session: number, frameBytes: number): number {
    return this.#hasCredit(session, 1, frameBytes) ? this.frames.reserve(frameBytes) : -1;
  }

  /** Whether `records` frames of one message, `frameBytes` in all, would find room and credit. After
   * that it is `frames` that says where each of them goes. */
  hasRoom(session: number, records: number, frameBytes: number): boolean {
    return this.#hasCredit(session, records, frameBytes) && this.frames.hasRoom(frameBytes);
  }

  /** Takes the frame that was written where `reserve` said. */
  commit(session: number, frameBytes: number): void {
    this.#records.take(session, 1);
    this.#bytes.take(session, frameBytes);
    this.frames.commit(frameBytes);
  }

  publish(): void {
    this.frames.publish();
  }

  /** Sends a control frame, in order with the records. False: no room now. */
  control(control: ControlFrame): boolean {
    return this.ready && this.frames.control(Buffer.from(JSON.stringify(control)));
  }

  /** Reports what the worker has settled; returns how many records. */
  readSettlements(): number {
    return this.#settlements.readAll();
  }

  /** Gives a session credit back for a record that was settled some other way. */
  credit(session: number, frameBytes: number): void {
    this.#records.give(session, 1);
    this.#bytes.give(session, frameBytes);
    assert(this.#records.taken > 0 || this.#bytes.taken === 0, 'credit that no record has');
  }

  /** After its worker has ended: memory of its own for the next, and all credit back. */
  reset(): void {
    this.ready = false;
    this.generation++;
    this.#records.reset();
    this.#bytes.reset();
    this.framesMemory = createRingMemory(FRAME_RING_BYTES);
    this.settlementsMemory = createRingMemory(SETTLEMENT_RING_BYTES);
    this.frames = new FrameRing(this.framesMemory, this.#bell.ring, this.#bell.mayWake);
    this.#settlements = this.#openSettlements();
  }

  #hasCredit(session: number, records: number, frameBytes: number): boolean {
    return (
      this.ready &&
      this.#records.mayTake(session, records) &&
      this.#bytes.mayTake(session, frameBytes)
    );
  }

  #openSettlements(): SettlementRing {
    return new SettlementRing(this.settlementsMemory, (deliveryId, frameBytes, settlement) => {
      this.credit(this.#sessionIndex[deliveryId] as number, frameBytes);
      this.#onSettled(deliveryId, frameBytes, settlement);
    });
  }
}
