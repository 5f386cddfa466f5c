/* Two results side by side: what differs, and whether it is more than the spread of their rounds. */
import { type Metric, PARTS } from './figures.js';
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
}

/** So rare must be by chance what is called a difference. */
const CHANCE_MAX = 0.05;

type StoredSummary = StoredResult['summary'][string];

export function verdictOf(a: StoredSummary, b: StoredSummary, better: Metric['better']): Verdict {
  if (leastChance(a.values.length, b.values.length) > CHANCE_MAX) return 'too few rounds to tell';
  const isWithin = (value: number, { min, max }: StoredSummary) => value >= min && value <= max;
  if (isWithin(a.median, b) || isWithin(b.median, a)) return 'no difference shown';
  if (mannWhitney(a.values, b.values) > CHANCE_MAX) return 'no difference shown';
  if (better === undefined) return 'differs';
  return b.median > a.median === (better === 'higher') ? 'better' : 'worse';
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

/** B against A. Both are valid. */
export function compare(a: StoredResult, b: StoredResult): Comparison {
  const parts = PARTS.map(({ heading, metrics }) => ({
    heading,
    figures: metrics.flatMap((metric) => {
      const [of, against] = [a.summary[metric.name], b.summary[metric.name]];
      if (of === undefined || against === undefined) return [];
      return [
        {
          metric,
          a: of.median,
          b: against.median,
          ratio: of.median === 0 ? undefined : against.median / of.median,
          verdict: verdictOf(of, against, metric.better),
        },
      ];
    }),
  })).filter(({ figures }) => figures.length > 0);
  return { differences: differencesOf(a, b), parts };
}

export function isWorse({ parts }: Comparison): boolean {
  return parts.some(({ figures }) => figures.some(({ verdict }) => verdict === 'worse'));
}
