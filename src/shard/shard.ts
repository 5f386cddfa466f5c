/* Shard: main's side of one worker: its rings and its credit. Main thread only.
 *
 * 1. What the worker has taken and not settled is bounded in records and in bytes.
 * 2. A frame is written only while `ready`; a shard whose worker has ended takes nothing.
 */
import { assert } from '../base/assert.js';
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

export class Shard {
  readonly index: number;
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
  #records = 0;
  #bytes = 0;

  constructor(index: number, bell: WorkerBell, onSettled: OnSettled) {
    this.index = index;
    this.#onSettled = onSettled;
    this.#bell = bell;
    this.framesMemory = createRingMemory(FRAME_RING_BYTES);
    this.settlementsMemory = createRingMemory(SETTLEMENT_RING_BYTES);
    this.frames = new FrameRing(this.framesMemory, bell.ring, bell.mayWake);
    this.#settlements = this.#openSettlements();
  }

  get outstandingRecords(): number {
    return this.#records;
  }

  get outstandingBytes(): number {
    return this.#bytes;
  }

  /** Where a frame of up to `frameBytes` may be written, -1 without room or credit. */
  reserve(frameBytes: number): number {
    if (
      !this.ready ||
      this.#records >= SHARD_OUTSTANDING_RECORDS_MAX ||
      this.#bytes + frameBytes > SHARD_OUTSTANDING_BYTES_MAX
    ) {
      return -1;
    }
    return this.frames.reserve(frameBytes);
  }

  /** Whether `records` frames of `frameBytes` in all would find room and credit. */
  hasRoom(records: number, frameBytes: number): boolean {
    return (
      this.ready &&
      this.#records + records <= SHARD_OUTSTANDING_RECORDS_MAX &&
      this.#bytes + frameBytes <= SHARD_OUTSTANDING_BYTES_MAX &&
      this.frames.hasRoom(frameBytes)
    );
  }

  /** Takes the frame that was written where `reserve` said. */
  commit(frameBytes: number): void {
    this.#records++;
    this.#bytes += frameBytes;
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
  drain(): number {
    return this.#settlements.drain();
  }

  /** Gives credit back for a record that was settled some other way. */
  credit(frameBytes: number): void {
    this.#records--;
    this.#bytes -= frameBytes;
    assert(this.#bytes >= 0 && this.#records >= 0, 'more credit came back than was taken');
    assert(this.#records > 0 || this.#bytes === 0, 'credit is taken and no record has it');
  }

  /** After its worker has ended: memory of its own for the next, and all credit back. */
  reset(): void {
    this.ready = false;
    this.generation++;
    this.#records = 0;
    this.#bytes = 0;
    this.framesMemory = createRingMemory(FRAME_RING_BYTES);
    this.settlementsMemory = createRingMemory(SETTLEMENT_RING_BYTES);
    this.frames = new FrameRing(this.framesMemory, this.#bell.ring, this.#bell.mayWake);
    this.#settlements = this.#openSettlements();
  }

  #openSettlements(): SettlementRing {
    return new SettlementRing(this.settlementsMemory, (deliveryId, frameBytes, settlement) => {
      this.credit(frameBytes);
      this.#onSettled(deliveryId, frameBytes, settlement);
    });
  }
}
