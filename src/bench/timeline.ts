/* The measured phase of a round in intervals: what was settled in each, and the connector's CPU. */
import type { Progress } from './protocol.js';

/** From the interval before, or the beginning of the measured phase, to its own end. */
export interface Interval {
  /** Its end, from the beginning of the measured phase. */
  readonly untilSeconds: number;
  /** Messages settled in it, MQTT to Kafka. */
  readonly load?: number;
  /** Kafka to MQTT. */
  readonly feed?: number;
  /** CPU time that the connector used in it, which Linux counts in steps of 10 ms; absent where
   * there is no /proc. */
  readonly cpuUs?: number;
}

/** What is shorter, at the beginning or the end, is part of the interval beside it. */
const INTERVAL_MS_LEAST = 125;

interface Moment extends Progress {
  readonly cpuUs: number | undefined;
}

export class Timeline {
  readonly #readCpuUs: () => number | undefined;
  readonly #moments: Moment[] = [];
  #measuring = false;

  /** @param readCpuUs CPU time of the connector so far */
  constructor(readCpuUs: () => number | undefined) {
    this.#readCpuUs = readCpuUs;
  }

  /** The progress told last is that of the beginning. */
  begin(): void {
    this.#moments.splice(0, this.#moments.length - 1);
    this.#measuring = true;
  }

  add(progress: Progress): void {
    if (!this.#measuring) this.#moments.length = 0;
    this.#moments.push({ ...progress, cpuUs: this.#readCpuUs() });
  }

  /** The progress told last is that of the end. */
  end(): readonly Interval[] {
    const [first, ...later] = this.#moments;
    if (first === undefined) return [];
    const last = later.at(-1);
    const ends: Moment[] = [];
    for (const moment of later) {
      const isLong = moment.atMs - (ends.at(-1) ?? first).atMs >= INTERVAL_MS_LEAST;
      if (isLong) ends.push(moment);
      else if (moment === last) ends.splice(-1, 1, moment);
    }
    return ends.map((moment, index) => intervalOf(ends[index - 1] ?? first, moment, first.atMs));
  }
}

function intervalOf(from: Moment, to: Moment, beganAtMs: number): Interval {
  const grown = (key: 'load' | 'feed' | 'cpuUs') => {
    const [before, after] = [from[key], to[key]];
    return before === undefined || after === undefined ? {} : { [key]: after - before };
  };
  return {
    untilSeconds: Math.round(to.atMs - beganAtMs) / 1000,
    ...grown('load'),
    ...grown('feed'),
    ...grown('cpuUs'),
  };
}
