/* What a scale bench found of one dimension: figures of each case, the fit, and the growth. */
import type { Summary } from '../report/figures.js';
import { spreadOf } from '../report/spread.js';
import type { RoundReport } from '../round.js';
import type { Axis, Dimension, DimensionName, ScaleCase } from './dimensions.js';
import { type Fit, fitOf } from './fit.js';

/** The rounds of one case as they come; only those that count. */
export interface CaseRounds {
  readonly scaleCase: ScaleCase;
  readonly rounds: RoundReport[];
  readonly instructionsPerMessage: number[];
  /** Why others do not count. */
  readonly voidBecause: string[];
}

export interface CaseReport extends ScaleCase {
  /** That count. */
  readonly rounds: number;
  readonly voidBecause: readonly string[];
  /** Each absent where it is not known of every round. */
  readonly messagesPerSecond: Summary | undefined;
  readonly cpuUsPerMessage: Summary | undefined;
  readonly instructionsPerMessage: Summary | undefined;
  readonly peakRssMegabytes: Summary | undefined;
}

/** Of what is judged, from the first case to the last, in percent. */
export interface Growth {
  /** Of the medians. */
  readonly percent: number;
  /** The least and the most that any two rounds of the two cases would give. */
  readonly leastPercent: number;
  readonly mostPercent: number;
}

export interface DimensionReport {
  readonly name: DimensionName;
  readonly about: string;
  readonly axis: Axis;
  /** Instructions where they are counted of all cases. */
  readonly judged: 'instructionsPerMessage' | 'cpuUsPerMessage';
  readonly cases: readonly CaseReport[];
  readonly fit: Fit | undefined;
  /** Absent where the first or the last case has no figure. */
  readonly growth: Growth | undefined;
  readonly limitPercent: number | undefined;
  /** Undefined where there is no limit or no growth. */
  readonly withinLimit: boolean | undefined;
}

const percentMore = (from: number, to: number) => (to / from - 1) * 100;

export function reportOf(dimension: Dimension, rounds: readonly CaseRounds[]): DimensionReport {
  const { name, about, axis, limitPercent } = dimension;
  const cases = rounds.map(caseReportOf);
  const counted = cases.every(({ instructionsPerMessage }) => instructionsPerMessage !== undefined);
  const judged = counted ? 'instructionsPerMessage' : 'cpuUsPerMessage';
  const points = cases.flatMap((found) => {
    const cost = found[judged]?.median;
    return cost === undefined ? [] : [{ value: found.value, cost }];
  });
  const growth = growthOf(cases[0]?.[judged], cases.at(-1)?.[judged]);
  const judgeable = growth !== undefined && limitPercent !== undefined;
  return {
    name,
    about,
    axis,
    judged,
    cases,
    fit: fitOf(axis, points),
    growth,
    limitPercent,
    withinLimit: judgeable ? growth.percent <= limitPercent : undefined,
  };
}

function growthOf(first: Summary | undefined, last: Summary | undefined): Growth | undefined {
  if (first === undefined || last === undefined) return undefined;
  return {
    percent: percentMore(first.median, last.median),
    leastPercent: percentMore(first.max, last.min),
    mostPercent: percentMore(first.min, last.max),
  };
}

function caseReportOf({
  scaleCase,
  rounds,
  instructionsPerMessage,
  voidBecause,
}: CaseRounds): CaseReport {
  const all = (figure: (round: RoundReport) => number | undefined) =>
    spreadOfAll(rounds.map(figure));
  return {
    ...scaleCase,
    rounds: rounds.length,
    voidBecause,
    messagesPerSecond: all(({ load, feed }) => {
      const phase = load ?? feed;
      return phase && phase.messages / Math.max(phase.seconds, Number.EPSILON);
    }),
    cpuUsPerMessage: all((round) => round.cpuUsPerMessage?.total),
    instructionsPerMessage:
      instructionsPerMessage.length === rounds.length
        ? spreadOfAll(instructionsPerMessage)
        : undefined,
    peakRssMegabytes: all(({ peakRssBytes }) => peakRssBytes && peakRssBytes / 1e6),
  };
}

function spreadOfAll(values: readonly (number | undefined)[]): Summary | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 && known.length === values.length
    ? { ...spreadOf(known), values: known }
    : undefined;
}
