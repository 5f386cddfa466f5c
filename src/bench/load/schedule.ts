/* How many messages may be sent now, over all connections, and when each of them was due. */

import type { Load } from '../protocol.js';
import type { Measurement } from './measurement.js';

export class Schedule {
  sent = 0;
  readonly #load: Load;
  readonly #measurement: Measurement;
  #sentAtBegin: number | undefined;

  constructor(load: Load, measurement: Measurement) {
    this.#load = load;
    this.#measurement = measurement;
  }

  /** How many may be sent now. */
  available(nowMs: number): number {
    return Math.max(0, Math.min(this.#left(nowMs), this.#due(nowMs)));
  }

  /** Grants up to `wanted` messages; the caller sends them. */
  take(nowMs: number, wanted: number): number {
    const granted = Math.min(wanted, this.available(nowMs));
    this.sent += granted;
    return granted;
  }

  /** When message `index` (0 is the first of the run) was due: now, unless the loop is open. */
  dueAtMs(index: number, nowMs: number): number {
    const rate = this.#load.ratePerSecond;
    if (rate === undefined) return nowMs;
    return this.#measurement.startedAtMs + (index * 1000) / rate;
  }

  /** Nothing will be granted any more. */
  exhausted(nowMs: number): boolean {
    return this.#measurement.phase !== 'warmup' && this.#left(nowMs) <= 0;
  }

  /** What the present phase has left to send. */
  #left(nowMs: number): number {
    const { phase, beganAtMs } = this.#measurement;
    const { warmup, measured, atOnce, ratePerSecond } = this.#load;
    if (phase === 'finished') return 0;
    if (phase === 'warmup') {
      if (warmup.kind === 'seconds') return Number.POSITIVE_INFINITY;
      if (atOnce) return warmup.count - this.sent;
      // Runs on into the measured phase: the window must not drain between the two.
      if (measured.kind === 'seconds') return Number.POSITIVE_INFINITY;
      return warmup.count + measured.count - this.sent;
    }
    if (measured.kind === 'seconds') {
      const endMs = beganAtMs + measured.seconds * 1000;
      if (ratePerSecond !== undefined) return this.#dueBefore(endMs, ratePerSecond) - this.sent;
      return nowMs < endMs ? Number.POSITIVE_INFINITY : 0;
    }
    if (warmup.kind === 'messages') return warmup.count + measured.count - this.sent;
    this.#sentAtBegin ??= this.sent;
    return this.#sentAtBegin + measured.count - this.sent;
  }

  /** All that is due by then is sent, however late: what waited longest is not to be left out. */
  #dueBefore(endMs: number, ratePerSecond: number): number {
    return Math.ceil(((endMs - this.#measurement.startedAtMs) * ratePerSecond) / 1000);
  }

  #due(nowMs: number): number {
    const rate = this.#load.ratePerSecond;
    if (rate === undefined) return Number.POSITIVE_INFINITY;
    const elapsedMs = nowMs - this.#measurement.startedAtMs;
    return Math.floor((elapsedMs * rate) / 1000) + 1 - this.sent;
  }
}
