/* What the rounds of one bridge in one case come to, and whether a goal is met. */
import type { BenchOptions } from '../../src/bench/options.js';
import { spreadOf } from '../../src/bench/report/spread.js';
import type { RoundReport } from '../../src/bench/round.js';
import type { Case } from './cases.js';

/** Medians over the rounds that count; undefined where none has the figure. */
export interface Figures {
  readonly messagesPerSecond: number | undefined;
  readonly megabytesPerSecond: number | undefined;
  readonly cpuUsPerMessage: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly peakRssMegabytes: number | undefined;
}

function medianOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : spreadOf(known).median;
}

export function figuresOf(rounds: readonly RoundReport[], options: BenchOptions): Figures {
  const good = rounds.filter(({ voidBecause }) => voidBecause.length === 0);
  const phases = good.map(({ load, feed }) => load ?? feed);
  const messagesPerSecond = medianOf(
    phases.map((phase) => phase && phase.messages / Math.max(phase.seconds, 1e-3)),
  );
  const bytes = options.payloadBytes;
  return {
    messagesPerSecond,
    megabytesPerSecond:
      messagesPerSecond === undefined ? undefined : (messagesPerSecond * bytes) / 1e6,
    cpuUsPerMessage: medianOf(good.map(({ cpuUsPerMessage }) => cpuUsPerMessage?.total)),
    p50Ms: medianOf(phases.map((phase) => phase?.latency?.p50Ms)),
    p99Ms: medianOf(phases.map((phase) => phase?.latency?.p99Ms)),
    peakRssMegabytes: medianOf(
      good.map(({ peakRssBytes }) => (peakRssBytes === undefined ? undefined : peakRssBytes / 1e6)),
    ),
  };
}

/** The best of the others: the most messages/s, the least of everything else, each by itself. */
export function bestOf(others: readonly Figures[]): Figures {
  const pick = (key: keyof Figures, choose: (...values: number[]) => number) => {
    const known = others.map((figures) => figures[key]).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : choose(...known);
  };
  return {
    messagesPerSecond: pick('messagesPerSecond', Math.max),
    megabytesPerSecond: pick('megabytesPerSecond', Math.max),
    cpuUsPerMessage: pick('cpuUsPerMessage', Math.min),
    p50Ms: pick('p50Ms', Math.min),
    p99Ms: pick('p99Ms', Math.min),
    peakRssMegabytes: pick('peakRssMegabytes', Math.min),
  };
}

export interface Verdict {
  readonly text: string;
  /** Undefined: it cannot be said, because a figure is missing. */
  readonly met: boolean | undefined;
}

function verdict(
  text: string,
  value: number | undefined,
  isMet: (value: number) => boolean,
): Verdict {
  if (value === undefined) return { text: `${text}: not measured`, met: undefined };
  return { text: `${text}: ${value.toPrecision(3)}`, met: isMet(value) };
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

/** Holds `ours` against the goal of the case, one verdict for each part of it. */
export function verdictsOf(
  { goal }: Case,
  ours: Figures,
  best: Figures,
  ofCase: Figures | undefined,
): Verdict[] {
  const verdicts: Verdict[] = [];
  const { rateRatioMin, cpuUsMax, cpuRatioMax, p99RatioMax, peakRssMegabytesMax } = goal;
  const atLeast = (text: string, value: number | undefined, min: number) =>
    verdicts.push(verdict(`${text} at least ${min}`, value, (given) => given >= min));
  const atMost = (text: string, value: number | undefined, max: number) =>
    verdicts.push(verdict(`${text} at most ${max}`, value, (given) => given <= max));
  const ratioOf = (key: keyof Figures) => ratio(ours[key], best[key]);
  if (rateRatioMin !== undefined)
    atLeast('rate to the best other', ratioOf('messagesPerSecond'), rateRatioMin);
  if (cpuUsMax !== undefined) atMost('us CPU a message', ours.cpuUsPerMessage, cpuUsMax);
  if (cpuRatioMax !== undefined)
    atMost('CPU to the best other', ratioOf('cpuUsPerMessage'), cpuRatioMax);
  if (p99RatioMax !== undefined) atMost('p99 to the best other', ratioOf('p99Ms'), p99RatioMax);
  if (peakRssMegabytesMax !== undefined)
    atMost('MB of peak RSS', ours.peakRssMegabytes, peakRssMegabytesMax);
  if (goal.ofCase !== undefined) {
    const share = ratio(ours.messagesPerSecond, ofCase?.messagesPerSecond);
    atLeast(`rate to that of ${goal.ofCase.name}`, share, goal.ofCase.ratioMin);
  }
  return verdicts;
}
