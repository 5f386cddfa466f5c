/* FeedRun: records of a feed on their way, as the generator sees them: written to Kafka by its feeder, and
 * back as PUBLISHes of the connector.
 *
 *   before the start: `recordsBefore` are written
 *   saturation: as many more as come back, so that as many lie in Kafka; nothing more for a full topic
 *   open loop:  from the start, when those before have come, as they fall due
 */
import type { Feed, FeedReport } from '../protocol.js';
import { FeedCheck } from './feed-check.js';
import type { RecordFeeder } from './feeder.js';
import { Measurement } from './measurement.js';
import { checkAt, stampedCheck, stampedDueAtMs, stampedSequence } from './stamp.js';

/** A PUBLISH of the connector's. */
export interface FeedPublish {
  /** Its stamp is here. */
  readonly view: DataView;
  readonly payloadAt: number;
  readonly payloadBytes: number;
  readonly qos: number;
  /** Of its topic; -1 where the topic is none of the feed's. */
  readonly keyNumber: number;
  /** Whether the payload is what was written, after the stamp. */
  readonly isGood: boolean;
  /** Its connection's, for the check. */
  readonly latest: number[];
}

export interface FeedRunHandlers {
  readonly onMeasuring: () => void;
  readonly onFailed: (message: string) => void;
}

export class FeedRun {
  readonly feed: Feed;
  readonly measurement: Measurement;
  readonly #feeder: RecordFeeder;
  readonly #handlers: FeedRunHandlers;
  readonly #check: FeedCheck;
  readonly #isOpenLoop: boolean;
  #awaitedAll = true;
  /** The time is over, and what was written is still awaited. */
  #isEnding = false;
  #nowMs = 0;
  #came = false;
  #damaged = 0;
  #wrongQos = 0;

  constructor(feed: Feed, feeder: RecordFeeder, handlers: FeedRunHandlers) {
    this.feed = feed;
    this.#feeder = feeder;
    this.#handlers = handlers;
    this.#check = new FeedCheck(feeder.plan.partitions);
    this.#isOpenLoop = feed.ratePerSecond !== undefined;
    const { warmup, ratePerSecond } = feed;
    const options = { warmup, ratePerSecond, hasLatency: this.#isOpenLoop };
    this.measurement = new Measurement(options, handlers.onMeasuring);
  }

  /** What payloads are, after their stamps: each is the beginning of this. */
  get payload(): Buffer {
    return this.#feeder.plan.payload;
  }

  /** Whether the connector reads what was written before. */
  get arrived(): boolean {
    return this.#check.received >= (this.#isOpenLoop ? this.feed.recordsBefore : 1);
  }

  get finished(): boolean {
    return this.measurement.phase === 'finished';
  }

  /** What follows came at this moment. */
  beginBurst(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  onPublish(publish: FeedPublish): void {
    const { view, payloadAt, payloadBytes } = publish;
    const index = stampedSequence(view, payloadAt);
    if (index >= this.#feeder.written) {
      this.#handlers.onFailed('the connector published what is no record of the bench');
      return;
    }
    if (!this.#isAsWritten(publish, index)) {
      this.#damaged += 1;
      return;
    }
    if (publish.qos !== this.feed.qos) this.#wrongQos += 1;
    const { plan } = this.#feeder;
    const [partition, sequence] = [plan.partitionOf(index), plan.sequenceOf(index)];
    if (this.finished || !this.#check.take(partition, sequence, publish.latest)) return;
    this.#came = true;
    const { measurement } = this;
    if (!this.#isOpenLoop) measurement.settleUnconfirmed(1, payloadBytes);
    else {
      // What was written before the start waited for it.
      const dueAtMs = stampedDueAtMs(view, payloadAt) || this.#nowMs;
      measurement.settle(dueAtMs, this.#nowMs, payloadBytes);
    }
  }

  #isAsWritten(publish: FeedPublish, index: number): boolean {
    const { view, payloadAt, payloadBytes, keyNumber, isGood } = publish;
    const { plan } = this.#feeder;
    if (!isGood || payloadBytes !== plan.payloadBytesOf(index)) return false;
    if (keyNumber !== plan.keyNumberOf(index)) return false;
    return stampedCheck(view, payloadAt) === checkAt(view, payloadAt, plan.contentOf(index));
  }

  /** After all that came at one moment. */
  endBurst(): void {
    if (!this.#came) return;
    this.#came = false;
    this.measurement.endBurst(this.#nowMs);
    this.turn(this.#nowMs);
  }

  /** Writes what is due, and ends the run when there is nothing left to wait for. */
  turn(nowMs: number): void {
    const { measurement, feed } = this;
    if (measurement.startedAtMs === 0 || this.finished) return;
    this.#isEnding ||= this.#isOver(nowMs);
    if (this.#check.received >= this.#awaited) measurement.finish();
    else if (!this.#isEnding) this.#write(nowMs);
    else if (!feed.awaitsAll) {
      this.#awaitedAll = false;
      measurement.finish();
    }
  }

  /** Ends a run in which nothing has come for too long. */
  watch(nowMs: number): void {
    const idleMs = nowMs - this.measurement.lastSettledAtMs;
    const started = this.measurement.startedAtMs !== 0;
    if (started && idleMs > this.feed.stallSeconds * 1000) this.measurement.finish();
    else this.turn(nowMs);
  }

  report(connectionsLost: number): FeedReport {
    const { received, duplicates, outOfOrder, overtaken } = this.#check;
    const { written } = this.#feeder;
    const missing = this.#awaitedAll ? this.#awaited - received : overtaken;
    const phase = this.measurement.report();
    const [damaged, wrongQos] = [this.#damaged, this.#wrongQos];
    return {
      ...phase,
      written,
      received,
      missing,
      damaged,
      wrongQos,
      duplicates,
      outOfOrder,
      connectionsLost,
    };
  }

  /** How many records come in all. */
  get #awaited(): number {
    return this.#isEnding && this.feed.awaitsAll ? this.#feeder.written : this.feed.records;
  }

  /** A phase that lasts for a time, of a topic that has more to read. */
  #isOver(nowMs: number): boolean {
    const { measured } = this.feed;
    const { phase, beganAtMs } = this.measurement;
    if (this.#isOpenLoop || phase !== 'measured' || measured.kind !== 'seconds') return false;
    return nowMs >= beganAtMs + measured.seconds * 1000;
  }

  #write(nowMs: number): void {
    const { records, recordsBefore, ratePerSecond } = this.feed;
    const feeder = this.#feeder;
    if (ratePerSecond === undefined) {
      const upTo = Math.min(records, recordsBefore + this.#check.received);
      if (feeder.written < upTo) feeder.write(upTo, () => 0);
      return;
    }
    const { startedAtMs } = this.measurement;
    const due = Math.floor(((nowMs - startedAtMs) * ratePerSecond) / 1000) + 1;
    feeder.write(Math.min(records, recordsBefore + due), (index) => {
      const dueAtMs = startedAtMs + ((index - recordsBefore) * 1000) / ratePerSecond;
      this.measurement.sent(dueAtMs, nowMs);
      return dueAtMs;
    });
  }
}
