import { FRAME_DELIVERY_ID, recordBytesOf } from '../channel/frame.js';
import { ABANDONED, EXPIRED } from '../channel/settlement-ring.js';
import { type Failure, NEVER_ALONE, RECORD_EXPIRED } from '../kafka/addon.js';
import { classify, isTooLarge } from '../kafka/kafka-error.js';
import { Draining, type DrainingOptions } from './draining.js';
import type { QueuedRecord, TargetState } from './producer-pool.js';

const HOLD_MS_MIN = 250;
const HOLD_MS_MAX = 15_000;
const NOT_PERSISTED = 0;

export type RecoveryOptions = Omit<DrainingOptions, 'divert' | 'abandonQueue'>;

/** How the replacing of producers went. */
export interface Renewal {
  /** Records that were left to their senders meanwhile. */
  readonly abandonedRecords: number;
  /** Whether a producer was given up with what it had under way. */
  readonly timedOut: boolean;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #recovering = new Set<TargetState>();
  readonly #draining: Draining;
  #abandoned = 0;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#draining = new Draining({
      ...options,
      divert: (target) => this.#divert(target),
      abandonQueue: (target) => this.#abandonQueue(target),
    });
  }

  /** Whether `step` has anything to do. */
  get active(): boolean {
    return this.#recovering.size > 0 || this.#draining.active;
  }

  /** Takes what the addon gave back. */
  onFailures(failures: readonly Failure[]): void {
    const touched = new Set<TargetState>();
    for (const failure of failures) {
      const target = this.#options.pool.target(failure.targetId);
      if (this.#take(failure, target)) touched.add(target);
    }
    for (const target of touched) {
      target.queue.sort((a, b) => a.sequence - b.sequence);
      this.#divert(target);
    }
  }

  /** A fatal error: the producer and all that it holds is lost, and the senders send again. */
  onFatal(index: number, code: string): void {
    const producer = this.#options.pool.producerAt(index);
    if (producer !== undefined) this.#draining.lose(producer, code);
    else this.#options.pool.dropSuccessor(index);
  }

  /** Main has closed the connections that losses up to this one concern: what comes from here on is
   * in order again. */
  onBarrier(loss: number): void {
    this.#draining.onBarrier(loss);
  }

  /** What a target that was just opened gives waits, where its producer drains. */
  onOpened(target: TargetState): void {
    if (this.#draining.isDraining(this.#options.pool.producerOf(target))) this.#divert(target);
  }

  /** Replaces every producer by one that the pool opens now. Resolves when all are replaced; to be called
   * again only then. */
  async renew(): Promise<Renewal> {
    const abandonedBefore = this.#abandoned;
    const timedOut = await this.#draining.renew();
    return { abandonedRecords: this.#abandoned - abandonedBefore, timedOut };
  }

  /** Once a second: takes back records that can expire and do not get away. */
  onTick(kafkaUp: boolean): void {
    this.#draining.onTick(kafkaUp);
  }

  /** After each turn: whatever can go on, goes on. */
  step(): void {
    this.#draining.step();
    for (const target of this.#recovering) this.#stepTarget(target);
  }

  /** Whether the record is to be sent again. */
  #take(failure: Failure, target: TargetState): boolean {
    const { native, pool, errorName, post, wake } = this.#options;
    const producer = pool.producerOf(target);
    const solo = failure.producer !== producer.index;
    const recordBytes = recordBytesOf(failure.frame);
    if (failure.code !== 0) target.tryingSize = false;
    if (producer.loss > 0 && !(producer.barrierSeen && failure.code === 0)) {
      this.#settle(failure.frame, ABANDONED);
      return false;
    }
    const disposition = failure.code === 0 ? 'again' : classify(failure.code, failure.status, solo);
    switch (disposition) {
      case 'abandoned':
        this.#settle(failure.frame, ABANDONED);
        this.#draining.lose(producer, errorName(failure.code));
        return false;
      case 'refused':
        if (isTooLarge(failure.code)) {
          this.#sendAloneFrom(target, Math.min(recordBytes, target.aloneFrom));
        }
        post({ kind: 'refused', frame: failure.frame, code: errorName(failure.code) });
        wake();
        return false;
      case 'alone':
        target.leaving ||= pool.disturbs(target);
        this.#draining.drain(producer);
        break;
      case 'held':
        this.#hold(target, failure.code);
        if (native.outstandingOf(target.id) > 0) this.#draining.drain(producer);
        break;
      case 'again':
        // A probe that was taken back has shown nothing.
        if (failure.code !== 0) target.probing = false;
        break;
    }
    const alone = disposition === 'alone' || (solo && failure.code !== 0);
    const { frame, sequence } = failure;
    target.queue.push({ frame, sequence, recordBytes, alone });
    return true;
  }

  #sendAloneFrom(target: TargetState, recordBytes: number): void {
    if (target.aloneFrom === recordBytes) return;
    target.aloneFrom = recordBytes;
    this.#options.native.setAloneFrom(target.id, recordBytes);
  }

  #settle(frame: Uint8Array, settlement: typeof ABANDONED | typeof EXPIRED): void {
    if (settlement === ABANDONED) this.#abandoned++;
    this.#options.native.settle(deliveryIdOf(frame), frame.byteLength, settlement);
    // Settlements leave for main in a turn.
    this.#options.wake();
  }

  #divert(target: TargetState): void {
    this.#recovering.add(target);
    if (target.diverted) return;
    target.diverted = true;
    this.#options.native.divert(target.id, true);
  }

  #abandonQueue(target: TargetState): void {
    for (const entry of target.queue) this.#settle(entry.frame, ABANDONED);
    target.queue.length = 0;
  }

  #stepTarget(target: TargetState): void {
    const { native, pool, clock } = this.#options;
    if (!this.#draining.flows(pool.producerOf(target))) return;
    // One producer keeps its order by itself; between two of them, one waits for the other.
    const settled = native.outstandingOf(target.id) === 0;
    const alone = goesAlone(target, target.queue[0]);
    if ((target.probing || target.sendingAlone || target.leaving || alone) && !settled) return;
    target.sendingAlone = false;
    if (target.tryingSize) this.#sizeWasTaken(target);
    if (target.leaving && !this.#quarantine(target)) return;
    if (target.probing) this.#release(target);
    if (target.queue.length > 0 && target.heldUntilMs > clock.monotonicMs()) return;
    if (target.queue.length > 0) this.#resend(target, goesAlone(target, target.queue[0]));
    if (target.queue.length > 0 || target.sendingAlone || target.probing) return;
    // What was held has expired, or is its sender's again.
    if (target.holdMs > 0) this.#release(target);
    this.#recovering.delete(target);
    target.diverted = false;
    native.divert(target.id, false);
  }

  /** Moves a target to where refused batches disturb only their like. False: not now. */
  #quarantine(target: TargetState): boolean {
    const { pool } = this.#options;
    if (!this.#draining.flows(pool.quarantineOf(target))) return false;
    target.leaving = false;
    pool.moveToQuarantine(target);
    return true;
  }

  /** A record of a length that was refused once is in Kafka: the topic's limit is another now. */
  #sizeWasTaken(target: TargetState): void {
    target.tryingSize = false;
    this.#sendAloneFrom(target, NEVER_ALONE);
  }

  /** Sends again from the front: a run of records alone, or a run in batches, or one probe. */
  #resend(target: TargetState, alone: boolean): void {
    const { native, pool } = this.#options;
    if (alone) pool.openSolo(target);
    const limit = target.holdMs > 0 ? 1 : target.queue.length;
    let taken = 0;
    let sent = 0;
    let failed = 0;
    while (sent < limit && failed === 0) {
      const entry = target.queue[taken];
      if (entry === undefined || goesAlone(target, entry) !== alone) break;
      taken++;
      const code = native.produce(target.id, alone, entry.frame, entry.sequence);
      if (code === 0) {
        sent++;
        // The last of its run: what becomes of it shows by itself.
        target.tryingSize = entry.recordBytes >= target.aloneFrom;
        if (target.tryingSize) break;
      } else if (code === RECORD_EXPIRED) this.#settle(entry.frame, EXPIRED);
      else failed = code;
    }
    const last = target.queue.splice(0, taken).at(-1);
    target.sendingAlone = alone && sent > 0;
    target.probing = target.holdMs > 0 && sent > 0;
    if (last !== undefined && failed !== 0) this.#failedToSend(target, last, failed, alone);
    // A run of records alone may end before one that is not: then it goes on with the next turn.
    else if (target.queue.length > 0 && sent === 0) this.#options.wake();
  }

  #failedToSend(target: TargetState, entry: QueuedRecord, code: number, alone: boolean): void {
    const { pool } = this.#options;
    const producer = alone ? pool.soloIndexOf(target) : pool.producerOf(target).index;
    const { frame, sequence } = entry;
    const failure = { frame, sequence, targetId: target.id, code, status: NOT_PERSISTED, producer };
    this.onFailures([failure]);
    this.#options.wake();
  }

  #hold(target: TargetState, code: number): void {
    const first = target.holdMs === 0;
    // Each record of a failed batch comes here; only a new attempt doubles the wait.
    if (!first && target.heldUntilMs > this.#options.clock.monotonicMs()) return;
    target.probing = false;
    target.holdMs = first ? HOLD_MS_MIN : Math.min(target.holdMs * 2, HOLD_MS_MAX);
    target.heldUntilMs = this.#options.clock.monotonicMs() + target.holdMs;
    this.#options.clock.after(target.holdMs + 1, this.#options.wake);
    if (first) {
      const name = this.#options.errorName(code);
      this.#options.post({ kind: 'held', targetId: target.id, code: name });
    }
  }

  #release(target: TargetState): void {
    target.probing = false;
    target.holdMs = 0;
    target.heldUntilMs = 0;
    this.#options.post({ kind: 'held', targetId: target.id, code: undefined });
  }
}

function goesAlone(target: TargetState, entry: QueuedRecord | undefined): boolean {
  return entry !== undefined && (entry.alone || entry.recordBytes >= target.aloneFrom);
}

function deliveryIdOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(FRAME_DELIVERY_ID * 4, true);
}
