/* What happened to the messages of one direction, and which part of it counts.
 *
 *   warm-up ---------> measured ------------------> finished
 *   settled >= count   sent all, nothing in flight
 *   or time over       or time over, nothing in flight
 *
 * The measured phase begins and ends with a settled message, so that a full window at the beginning
 * makes up for the window that drains at the end.
 *
 * In an open loop what was due before the measured phase has no part in the latency, though it be settled in it:
 * how long it waited says something of the warm-up. How much of it there was is told as the backlog.
 */

import type { Extent, MeasuredPhase } from '../protocol.js';
import { latencyOf, newHistogram } from './latency.js';

type Phase = 'warmup' | 'measured' | 'finished';

export interface MeasurementOptions {
  readonly warmup: Extent;
  readonly ratePerSecond: number | undefined;
  readonly hasLatency: boolean;
}

export class Measurement {
  settled = 0;
  /** Of the payloads of all that was settled. */
  payloadBytes = 0;
  refused = 0;
  lastSettledAtMs = 0;
  readonly #options: MeasurementOptions;
  readonly #onMeasuring: () => void;
  readonly #latency = newHistogram();
  readonly #lateness = newHistogram();
  #phase: Phase = 'warmup';
  #startedAtMs = 0;
  #beganAtMs = 0;
  #settledAtBegin = 0;
  #payloadBytesAtBegin = 0;
  #settledAtStart = 0;
  #runDueAtMs = 0;
  #runLength = 0;

  constructor(options: MeasurementOptions, onMeasuring: () => void) {
    this.#options = options;
    this.#onMeasuring = onMeasuring;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get beganAtMs(): number {
    return this.#beganAtMs;
  }

  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** Everything is ready: time counts from here. */
  start(nowMs: number): void {
    if (this.#startedAtMs !== 0) return;
    this.#startedAtMs = nowMs;
    this.lastSettledAtMs = nowMs;
    this.#settledAtStart = this.settled;
    this.#advance(nowMs);
  }

  /** One message of which the latency is known. Messages that were due at the same moment and are
   * settled at the same moment go to the histogram as one entry. */
  settle(dueAtMs: number, nowMs: number, payloadBytes: number): void {
    this.settled += 1;
    this.payloadBytes += payloadBytes;
    if (!this.#counts(dueAtMs)) return;
    if (dueAtMs !== this.#runDueAtMs) this.#endRun(nowMs);
    this.#runDueAtMs = dueAtMs;
    this.#runLength += 1;
  }

  /** Messages whose latency is not known: of QoS 0, which the kernel took, or from a full topic. */
  settleUnconfirmed(count: number, payloadBytes: number): void {
    this.settled += count;
    this.payloadBytes += payloadBytes;
  }

  /** An open loop sent a message that was due then. */
  sent(dueAtMs: number, nowMs: number): void {
    if (!this.#counts(dueAtMs)) return;
    this.#lateness.recordValue(Math.max(0, Math.round((nowMs - dueAtMs) * 1000)));
  }

  /** After each burst of `settle`, all with the same `nowMs`. */
  endBurst(nowMs: number): void {
    this.#endRun(nowMs);
    this.lastSettledAtMs = nowMs;
    this.#advance(nowMs);
  }

  finish(): void {
    this.#phase = 'finished';
  }

  report(): MeasuredPhase {
    const { hasLatency, ratePerSecond } = this.#options;
    const isOpenLoop = ratePerSecond !== undefined;
    const began = this.#beganAtMs > 0;
    return {
      messages: began ? this.settled - this.#settledAtBegin : 0,
      payloadBytes: began ? this.payloadBytes - this.#payloadBytesAtBegin : 0,
      seconds: began ? Math.max(0, this.lastSettledAtMs - this.#beganAtMs) / 1000 : 0,
      latency: hasLatency ? latencyOf(this.#latency) : undefined,
      latenessP99Ms: isOpenLoop ? this.#lateness.getValueAtPercentile(99) / 1000 : undefined,
      backlog: isOpenLoop && began ? this.#backlogAtBegin(ratePerSecond) : undefined,
    };
  }

  /** Whether a message that was due then has a part in the latency. */
  #counts(dueAtMs: number): boolean {
    if (this.#phase !== 'measured') return false;
    return this.#options.ratePerSecond === undefined || dueAtMs >= this.#beganAtMs;
  }

  /** What was due before the measured phase, and not settled by then. */
  #backlogAtBegin(ratePerSecond: number): number {
    const due = Math.ceil(((this.#beganAtMs - this.#startedAtMs) * ratePerSecond) / 1000);
    return Math.max(0, due - (this.#settledAtBegin - this.#settledAtStart));
  }

  #endRun(nowMs: number): void {
    if (this.#runLength === 0) return;
    const us = Math.max(0, Math.round((nowMs - this.#runDueAtMs) * 1000));
    this.#latency.recordValueWithCount(us, this.#runLength);
    this.#runLength = 0;
  }

  #advance(nowMs: number): void {
    if (this.#phase !== 'warmup' || this.#startedAtMs === 0) return;
    const warmup = this.#options.warmup;
    const over =
      warmup.kind === 'messages'
        ? this.settled >= warmup.count
        : nowMs >= this.#startedAtMs + warmup.seconds * 1000;
    if (!over) return;
    this.#phase = 'measured';
    this.#beganAtMs = nowMs;
    this.#settledAtBegin = this.settled;
    this.#payloadBytesAtBegin = this.payloadBytes;
    this.#onMeasuring();
  }
}
