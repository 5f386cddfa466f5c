/* Two results side by side: what differs, and whether it is more than the spread of their rounds.
 *
 * The more figures there are, the likelier it is that one lies apart by chance: Holm's correction holds them
 * against chance together. A figure that is the same in every round cannot differ, and is not counted.
 */
import { UsageError } from '../../base/errors.js';
import { type Metric, PARTS } from './figures.js';
import { holm } from './holm.js';
import { leastChance, mannWhitney } from './mann-whitney.js';
import type { StoredResult } from './result.js';

export type Verdict =
  | 'better'
  | 'worse'
  | 'differs'
  | 'no difference shown'
  | 'too few rounds to tell';

export interface FigureComparison {
  readonly metric: Metric;
  readonly a: number;
  readonly b: number;
  /** B over A; undefined where A is 0. */
  readonly ratio: number | undefined;
  readonly verdict: Verdict;
}

export interface Difference {
  readonly what: string;
  readonly a: string;
  readonly b: string;
}

export interface Comparison {
  /** Options, Kafka and machine: reasons for figures to differ. */
  readonly differences: readonly Difference[];
  /** By the parts of the table. */
  readonly parts: readonly {
    readonly heading: string;
    readonly figures: readonly FigureComparison[];
  }[];
  /** Names of figures that only one of the two has. */
  readonly missing: { readonly a: readonly string[]; readonly b: readonly string[] };
  /** Undefined: there are enough rounds to tell. */
  readonly tooFewRounds: TooFewRounds | undefined;
}

/** Even rounds that lie wholly apart could be chance. */
export interface TooFewRounds {
  readonly a: number;
  readonly b: number;
  /** Figures that are compared. */
  readonly figures: number;
  /** Rounds of each that they need, and that one alone would need. */
  readonly needed: number;
  readonly neededForOne: number;
}

/** So rare must it be by chance that any figure is called different. */
const CHANCE_MAX = 0.05;

type StoredSummary = StoredResult['summary'][string];

interface Pair {
  readonly metric: Metric;
  readonly a: StoredSummary;
  readonly b: StoredSummary;
}

/** Of figures that are compared together, in their order. */
export function verdictsOf(pairs: readonly Pair[]): Verdict[] {
  const varying = pairs.filter(isVarying);
  if (tooFewRoundsOf(varying) !== undefined) {
    return pairs.map((pair) =>
      isVarying(pair) ? 'too few rounds to tell' : 'no difference shown',
    );
  }
  const chances = varying.map(({ a, b }) => mannWhitney(a.values, b.values));
  const apart = holm(chances, CHANCE_MAX);
  const beyondChance = new Set(varying.filter((_, n) => apart[n]));
  return pairs.map((pair) => (beyondChance.has(pair) ? verdictOf(pair) : 'no difference shown'));
}

function isVarying({ a, b }: Pair): boolean {
  return Math.min(a.min, b.min) < Math.max(a.max, b.max);
}

/** Of a figure whose rounds lie further apart than by chance. */
function verdictOf({ metric: { better }, a, b }: Pair): Verdict {
  const isWithin = (value: number, { min, max }: StoredSummary) => value >= min && value <= max;
  if (isWithin(a.median, b) || isWithin(b.median, a)) return 'no difference shown';
  if (better === undefined) return 'differs';
  return b.median > a.median === (better === 'higher') ? 'better' : 'worse';
}

function tooFewRoundsOf(varying: readonly Pair[]): TooFewRounds | undefined {
  const [first] = varying;
  if (first === undefined) return undefined;
  const [a, b, figures] = [first.a.values.length, first.b.values.length, varying.length];
  if (leastChance(a, b) <= CHANCE_MAX / figures) return undefined;
  return { a, b, figures, needed: roundsFor(figures), neededForOne: roundsFor(1) };
}

/** How many rounds of each it takes at the least to tell that one of so many figures differs. */
function roundsFor(figures: number): number {
  let rounds = 1;
  while (leastChance(rounds, rounds) > CHANCE_MAX / figures) rounds += 1;
  return rounds;
}

/** Those that say how often something is done, or for how long it is waited. */
const WITHOUT_EFFECT = new Set(['repeat', 'stallSeconds', 'countTimeoutSeconds']);

function differencesOf(a: StoredResult, b: StoredResult): Difference[] {
  const rows = (kind: 'options' | 'machine') =>
    [...new Set([...Object.keys(a[kind]), ...Object.keys(b[kind])])]
      .filter((name) => !WITHOUT_EFFECT.has(name))
      .map((name) => ({
        what: `${kind === 'options' ? 'option' : 'machine'}, ${name}`,
        a: textOf(a[kind][name]),
        b: textOf(b[kind][name]),
      }));
  const kafka = { what: 'kafka', a: a.kafka, b: b.kafka };
  return [...rows('options'), kafka, ...rows('machine')].filter(({ a, b }) => a !== b);
}

function textOf(value: unknown): string {
  if (value === undefined) return 'not given';
  if (Array.isArray(value)) return value.map(textOf).join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * B against A. Both are valid.
 * @param names the figures to compare; empty: all that both have. Throws a UsageError for one that is none,
 * or that one of the two lacks.
 */
export function compare(
  a: StoredResult,
  b: StoredResult,
  names: readonly string[] = [],
): Comparison {
  refuseUnknown(names);
  const isWanted = ({ name }: Metric) => names.length === 0 || names.includes(name);
  const metrics = PARTS.flatMap((part) => part.metrics).filter(isWanted);
  const pairs = metrics.flatMap((metric) => {
    const [of, against] = [a.summary[metric.name], b.summary[metric.name]];
    return of === undefined || against === undefined ? [] : [{ metric, a: of, b: against }];
  });
  const lacking = (has: StoredResult, lacks: StoredResult) =>
    metrics.map(({ name }) => name).filter((name) => has.summary[name] && !lacks.summary[name]);
  const missing = { a: lacking(b, a), b: lacking(a, b) };
  const unknown = names.find((name) => !pairs.some(({ metric }) => metric.name === name));
  if (unknown !== undefined) throw new UsageError(`--figure ${unknown}: not both results have it`);
  const verdicts = verdictsOf(pairs);
  const figures = pairs.map(({ metric, a, b }, n) => ({
    metric,
    a: a.median,
    b: b.median,
    ratio: a.median === 0 ? undefined : b.median / a.median,
    verdict: verdicts[n] as Verdict,
  }));
  const parts = PARTS.map(({ heading, metrics }) => ({
    heading,
    figures: figures.filter(({ metric }) => metrics.includes(metric)),
  })).filter(({ figures }) => figures.length > 0);
  const tooFewRounds = tooFewRoundsOf(pairs.filter(isVarying));
  return { differences: differencesOf(a, b), parts, missing, tooFewRounds };
}

function refuseUnknown(names: readonly string[]): void {
  const known = PARTS.flatMap(({ metrics }) => metrics.map(({ name }) => name));
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return;
  throw new UsageError(`--figure ${wrong}: there is no such figure; there are ${known.join(', ')}`);
}

export function isWorse({ parts }: Comparison): boolean {
  return parts.some(({ figures }) => figures.some(({ verdict }) => verdict === 'worse'));
}
