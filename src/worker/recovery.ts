/* Recovery: what becomes of records that librdkafka gave back. Worker only; never on the hot path.
 *
 * A target with a queue is *diverted*: the addon hands its frames out instead of producing them, so
 * that they line up behind the records that came back. The queue is in the order in which frames left
 * the ring, and is sent again from its front.
 *
 *   flowing --a record comes back--> diverted --queue empty--> flowing
 *   producer: flowing --batch refused | stale | fatal--> draining --nothing outstanding--> flowing
 *
 * 1. Records of a target reach librdkafka in the order of their sequence.
 * 2. A record is settled once: delivered, expired, abandoned, or refused (main's dead letter).
 * 3. Queues are bounded by main's credit: a queued record keeps what it took of it.
 * 4. A purge leaves a gap in an idempotent producer's sequence, so a drained one is replaced.
 */
import type { Clock } from '../base/clock.js';
import { FRAME_DELIVERY_ID } from '../channel/frame.js';
import type { FromWorker } from '../channel/protocol.js';
import { ABANDONED, EXPIRED } from '../channel/settlement-ring.js';
import { type Failure, RECORD_EXPIRED, type ShardProducers } from '../kafka/addon.js';
import { classify } from '../kafka/kafka-error.js';
import type { ProducerPool, ProducerState, QueuedRecord, TargetState } from './producer-pool.js';

const HOLD_MS_MIN = 250;
const HOLD_MS_MAX = 15_000;
/** How long a record that can expire may wait inside librdkafka, where its age cannot be written. */
const STALE_MS = 1000;

export interface RecoveryOptions {
  readonly native: ShardProducers;
  readonly pool: ProducerPool;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  readonly errorName: (code: number) => string;
  /** Asks for a turn soon, for when nothing else would wake the worker. */
  readonly wake: () => void;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #recovering = new Set<TargetState>();
  readonly #draining = new Set<ProducerState>();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Whether `step` has anything to do. */
  get active(): boolean {
    return this.#recovering.size > 0 || this.#draining.size > 0;
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
    if (producer === undefined || producer.lost) return;
    producer.lost = true;
    this.#drain(producer);
    for (const target of producer.targets) this.#abandonQueue(target);
    this.#options.post({ kind: 'producerLost', code });
  }

  /** Main has closed the connections: records that come from here on are in order again. */
  onBarrier(): void {
    for (const producer of this.#options.pool.producers) {
      if (!producer.lost) continue;
      for (const target of producer.targets) this.#abandonQueue(target);
      producer.barrierSeen = true;
    }
  }

  /** Once a second: takes back records that can expire and do not get away. */
  onTick(kafkaUp: boolean): void {
    for (const producer of this.#options.pool.producers) {
      if (producer.gated && kafkaUp) producer.gated = false;
      if (this.#draining.has(producer) || producer.gated) continue;
      if (!this.#options.native.hasStale(producer.index, STALE_MS)) continue;
      producer.gated = true;
      this.#drain(producer);
    }
  }

  /** After each turn: whatever can go on, goes on. */
  step(): void {
    for (const producer of this.#draining) this.#stepDrain(producer);
    for (const target of this.#recovering) this.#stepTarget(target);
  }

  /** Whether the record is to be sent again. */
  #take(failure: Failure, target: TargetState): boolean {
    const { native, pool } = this.#options;
    const producer = pool.producerOf(target);
    const solo = failure.producer !== producer.index;
    if (producer.lost && !(producer.barrierSeen && failure.code === 0)) {
      this.#settle(failure.frame, ABANDONED);
      return false;
    }
    const disposition = failure.code === 0 ? 'again' : classify(failure.code, failure.status, solo);
    switch (disposition) {
      case 'abandoned':
        native.settle(deliveryIdOf(failure.frame), failure.frame.byteLength, ABANDONED);
        return false;
      case 'refused': {
        const code = this.#options.errorName(failure.code);
        this.#options.post({ kind: 'refused', frame: failure.frame, code });
        return false;
      }
      case 'alone':
        this.#drain(producer);
        break;
      case 'held':
        this.#hold(target, failure.code);
        break;
      case 'again':
        break;
    }
    const alone = disposition === 'alone' || (solo && failure.code !== 0);
    target.queue.push({ frame: failure.frame, sequence: failure.sequence, alone });
    return true;
  }

  #settle(frame: Uint8Array, settlement: typeof ABANDONED | typeof EXPIRED): void {
    this.#options.native.settle(deliveryIdOf(frame), frame.byteLength, settlement);
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

  #drain(producer: ProducerState): void {
    if (this.#draining.has(producer)) return;
    this.#draining.add(producer);
    for (const target of producer.targets) this.#divert(target);
    this.#options.native.purge(producer.index, producer.lost);
    this.#wakeLater(producer, 20);
  }

  #stepDrain(producer: ProducerState): void {
    const { native, pool } = this.#options;
    if (native.outstanding(producer.index) > 0) {
      // An idempotent producer puts what was in flight back into its queue to try it again.
      native.purge(producer.index, producer.lost);
      this.#wakeLater(producer, 100);
      return;
    }
    if (producer.lost && !producer.barrierSeen) return;
    this.#draining.delete(producer);
    if (producer.settings.idempotent || producer.lost) pool.replace(producer);
    producer.lost = false;
    producer.barrierSeen = false;
  }

  #wakeLater(producer: ProducerState, delayMs: number): void {
    if (producer.wakePending) return;
    producer.wakePending = true;
    this.#options.clock.after(delayMs, () => {
      producer.wakePending = false;
      this.#options.wake();
    });
  }

  #stepTarget(target: TargetState): void {
    const { native, pool, clock } = this.#options;
    const producer = pool.producerOf(target);
    if (this.#draining.has(producer) || producer.gated) return;
    // One producer keeps its order by itself; between two of them, one waits for the other.
    const settled = native.outstandingOf(target.id) === 0;
    const alone = target.queue[0]?.alone === true;
    if ((target.probing || target.sendingAlone || alone) && !settled) return;
    target.sendingAlone = false;
    if (target.probing) this.#release(target);
    if (target.queue.length > 0 && target.heldUntilMs > clock.monotonicMs()) return;
    if (target.queue.length > 0) this.#resend(target, alone);
    if (target.queue.length > 0 || target.sendingAlone || target.probing) return;
    this.#recovering.delete(target);
    target.diverted = false;
    native.divert(target.id, false);
  }

  /** Sends again from the front: a run of records alone, or a run in batches, or one probe. */
  #resend(target: TargetState, alone: boolean): void {
    const { native, pool } = this.#options;
    if (alone) pool.openSolo(target);
    const limit = target.holdMs > 0 ? 1 : target.queue.length;
    let taken = 0;
    let sent = 0;
    while (sent < limit) {
      const entry = target.queue[taken];
      if (entry === undefined || entry.alone !== alone) break;
      taken++;
      const code = native.produce(target.id, alone, entry.frame, entry.sequence);
      if (code === 0) sent++;
      else if (code === RECORD_EXPIRED) this.#settle(entry.frame, EXPIRED);
      else {
        target.queue.splice(0, taken);
        this.#failedToSend(target, entry, code, alone);
        return;
      }
    }
    target.queue.splice(0, taken);
    target.sendingAlone = alone && sent > 0;
    target.probing = target.holdMs > 0 && sent > 0;
    // A run of records alone may end before one that is not: then it goes on with the next turn.
    if (target.queue.length > 0 && sent === 0) this.#options.wake();
  }

  #failedToSend(target: TargetState, entry: QueuedRecord, code: number, alone: boolean): void {
    const { pool } = this.#options;
    const producer = alone ? pool.soloIndexOf(target) : pool.producerOf(target).index;
    const { frame, sequence } = entry;
    this.onFailures([{ frame, sequence, targetId: target.id, code, status: 0, producer }]);
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

function deliveryIdOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(FRAME_DELIVERY_ID * 4, true);
}
