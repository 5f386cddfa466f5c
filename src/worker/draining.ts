/* Draining: how a producer comes to have nothing outstanding, and where it must, another takes its place.
 * Worker only; never on the hot path. Records of its targets line up in the worker meanwhile (recovery.ts).
 *
 *   flowing --drain: a batch was refused or is held, or records are stale--> draining, purged
 *           --lose: it is of no use any more--> draining, purged of all, until main's barrier too
 *           --renew--> warming up: flows on, while its successor connects --RENEW_WARM_UP_MS--> draining
 *   draining --nothing outstanding--> flowing, as another: the successor, or one that is opened now
 *
 * 1. A purge leaves a gap in an idempotent producer's sequence, so a drained one is replaced; one that is lost
 *    or renewed is always replaced.
 * 2. What is renewed drains for RENEW_TIMEOUT_MS at most: at first all that it has may get away; from
 *    RENEW_PURGE_MS on what was not sent yet is taken back; in the end it counts as lost.
 * 3. A producer is given nothing while it drains, or while it is gated: what was stale waits for Kafka to be back.
 */
import type { Clock } from '../base/clock.js';
import type { FromWorker } from '../channel/protocol.js';
import type { ShardProducers } from '../kafka/addon.js';
import type { ProducerPool, ProducerState, TargetState } from './producer-pool.js';

/** How long a record that can expire may wait inside librdkafka, where its age cannot be written:
 * without Kafka, where nothing is lost by taking it back, and with a Kafka that is slow. */
const STALE_MS = 1000;
const STALE_SLOW_MS = 10_000;
/** Of a producer that is replaced for other credentials: decision 019. So long its successor has to
 * connect: an idempotent one asks for its id again after 500 ms. */
const RENEW_WARM_UP_MS = 1_000;
const RENEW_PURGE_MS = 5_000;
const RENEW_TIMEOUT_MS = 30_000;
/** How often is looked whether anything is outstanding still; at first it may be gone soon. */
const LOOK_FIRST_MS = 20;
const LOOK_MS = 100;
/** librdkafka's _TIMED_OUT. */
const TIMED_OUT = -185;

export interface DrainingOptions {
  readonly native: ShardProducers;
  readonly pool: ProducerPool;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  readonly errorName: (code: number) => string;
  /** Asks for a turn soon, for when nothing else would wake the worker. */
  readonly wake: () => void;
  /** Has what comes for a target line up. */
  readonly divert: (target: TargetState) => void;
  /** Leaves to their senders what has lined up. */
  readonly abandonQueue: (target: TargetState) => void;
}

export class Draining {
  readonly #options: DrainingOptions;
  readonly #draining = new Set<ProducerState>();
  #losses = 0;
  #renewTimedOut = false;
  #onRenewed: () => void = () => {};

  constructor(options: DrainingOptions) {
    this.#options = options;
  }

  /** Whether `step` has anything to do. */
  get active(): boolean {
    return this.#draining.size > 0;
  }

  isDraining(producer: ProducerState): boolean {
    return this.#draining.has(producer);
  }

  /** Whether what a target has may be given to this producer. */
  flows(producer: ProducerState): boolean {
    return !this.#draining.has(producer) && !producer.gated;
  }

  /** Takes back what a producer has not sent, and lets the rest come to its end. */
  drain(producer: ProducerState): void {
    if (producer.purges) return;
    producer.purges = true;
    this.#begin(producer);
    this.#purge(producer);
  }

  /** Gives a producer up with all that it holds; the senders send that again. */
  lose(producer: ProducerState, code: string): void {
    if (producer.loss > 0) return;
    producer.loss = ++this.#losses;
    // Purged once more, now with what is in flight.
    if (producer.purges) this.#purge(producer);
    else this.drain(producer);
    for (const target of producer.targets) this.#options.abandonQueue(target);
    this.#options.post({ kind: 'producerLost', code, loss: producer.loss });
  }

  /** What comes from here on is in order again, for losses up to this one. */
  onBarrier(loss: number): void {
    for (const producer of this.#options.pool.producers) {
      if (producer.loss === 0 || producer.loss > loss) continue;
      for (const target of producer.targets) this.#options.abandonQueue(target);
      producer.barrierSeen = true;
    }
  }

  /**
   * Replaces every producer by one that the pool opens now, as soon as that had time to connect and the
   * other has nothing outstanding, or its time is over. To be called again only when it has resolved.
   * @returns whether a producer was given up with what it had under way
   */
  renew(): Promise<boolean> {
    const { pool, clock, wake } = this.#options;
    this.#renewTimedOut = false;
    const renewing = [...pool.producers];
    for (const producer of renewing) {
      pool.prepare(producer);
      producer.renewAtMs = clock.monotonicMs() + RENEW_WARM_UP_MS;
    }
    clock.after(RENEW_WARM_UP_MS, () => {
      for (const producer of renewing) {
        if (producer.renewAtMs !== undefined) this.#begin(producer);
      }
      wake();
    });
    return new Promise((resolve) => {
      this.#onRenewed = () => {
        if ([...pool.producers].some(({ renewAtMs }) => renewAtMs !== undefined)) return;
        this.#onRenewed = () => {};
        resolve(this.#renewTimedOut);
      };
      this.#onRenewed();
    });
  }

  /** Once a second: takes back records that can expire and do not get away. */
  onTick(kafkaUp: boolean): void {
    for (const producer of this.#options.pool.producers) {
      if (producer.gated && kafkaUp) producer.gated = false;
      if (this.#draining.has(producer) || producer.gated) continue;
      if (!this.#isStale(producer, kafkaUp)) continue;
      producer.gated = !kafkaUp;
      this.drain(producer);
    }
  }

  /** After each turn: what has nothing outstanding flows again. */
  step(): void {
    for (const producer of this.#draining) {
      if (this.#isOutstanding(producer)) this.#wait(producer);
      else if (producer.loss === 0 || producer.barrierSeen) this.#end(producer);
    }
  }

  #begin(producer: ProducerState): void {
    this.#draining.add(producer);
    for (const target of producer.targets) this.#options.divert(target);
    this.#wakeLater(producer, LOOK_FIRST_MS);
  }

  #purge(producer: ProducerState): void {
    const { native, pool } = this.#options;
    for (const index of pool.indicesOf(producer)) native.purge(index, producer.loss > 0);
  }

  #wait(producer: ProducerState): void {
    if (producer.renewAtMs !== undefined) this.#hurry(producer, producer.renewAtMs);
    // An idempotent producer puts what was in flight back into its queue to try it again.
    if (producer.purges) this.#purge(producer);
    this.#wakeLater(producer, LOOK_MS);
  }

  /** What is renewed does not wait for ever for what is outstanding. */
  #hurry(producer: ProducerState, atMs: number): void {
    const { clock, errorName } = this.#options;
    const waitedMs = clock.monotonicMs() - atMs;
    if (waitedMs >= RENEW_TIMEOUT_MS && producer.loss === 0) {
      this.#renewTimedOut = true;
      this.lose(producer, errorName(TIMED_OUT));
    } else if (waitedMs >= RENEW_PURGE_MS) this.drain(producer);
  }

  #end(producer: ProducerState): void {
    this.#draining.delete(producer);
    const renewed = producer.renewAtMs !== undefined;
    if (producer.settings.idempotent || producer.loss > 0 || renewed) {
      this.#options.pool.replace(producer);
    }
    producer.loss = 0;
    producer.barrierSeen = false;
    producer.purges = false;
    producer.renewAtMs = undefined;
    if (renewed) this.#onRenewed();
  }

  #isStale(producer: ProducerState, kafkaUp: boolean): boolean {
    const { native, pool } = this.#options;
    // What lingers is not stale.
    const ageMs = producer.settings.lingerMs + (kafkaUp ? STALE_SLOW_MS : STALE_MS);
    return pool.indicesOf(producer).some((index) => native.hasStale(index, ageMs));
  }

  #isOutstanding(producer: ProducerState): boolean {
    const { native, pool } = this.#options;
    return pool.indicesOf(producer).some((index) => native.outstanding(index) > 0);
  }

  #wakeLater(producer: ProducerState, delayMs: number): void {
    if (producer.wakePending) return;
    producer.wakePending = true;
    this.#options.clock.after(delayMs, () => {
      producer.wakePending = false;
      this.#options.wake();
    });
  }
}
