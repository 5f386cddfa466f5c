/* The charts of a page, as plain data: what the script in the page draws. */
import type { LoadReport } from '../../protocol.js';
import type { RoundReport } from '../../round.js';
import { spreadOf } from '../spread.js';

export interface ChartSeries {
  readonly label: string;
  /** Of the page's palette, from 0. */
  readonly colour: number;
  /** Of a range: what is between an upper one and the lower one that follows it is filled. */
  readonly edge?: 'upper' | 'lower';
  /** One for each x; null where there is none. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  /** `percentile`: x is `1 / (1 - share)` on a log scale. `seconds`: of the measured phase. */
  readonly x: 'percentile' | 'seconds';
  readonly unit: string;
  readonly digits: number;
  readonly xs: readonly number[];
  readonly series: readonly ChartSeries[];
}

type DirectionName = 'load' | 'feed';

const DIRECTIONS: Record<DirectionName, string> = {
  load: 'MQTT to Kafka',
  feed: 'Kafka to MQTT',
};

function oneIn(percentile: number): number {
  return 1 / (1 - percentile / 100);
}

type Curve = NonNullable<LoadReport['latency']>['curve'];

/** Median and range of the rounds at each percentile that all of them have. */
function latencySeries(direction: DirectionName, curves: readonly Curve[]): ChartSeries[] {
  const colour = direction === 'load' ? 0 : 1;
  const points = Math.min(...curves.map(({ length }) => length));
  const spreads = Array.from({ length: points }, (_, index) =>
    spreadOf(curves.map((curve) => curve[index]?.[1] ?? 0)),
  );
  const name = DIRECTIONS[direction];
  const line = (label: string, point: 'median' | 'min' | 'max') => {
    return { label, colour, values: spreads.map((spread) => spread[point]) };
  };
  if (curves.length === 1) return [line(name, 'median')];
  return [
    { ...line(`${name}, most`, 'max'), edge: 'upper' },
    { ...line(`${name}, least`, 'min'), edge: 'lower' },
    line(`${name}, median`, 'median'),
  ];
}

function latencyChart(rounds: readonly RoundReport[]): Chart[] {
  const curvesOf = (direction: DirectionName) => {
    const curves = rounds.map((round) => round[direction]?.latency?.curve ?? []);
    return curves.every(({ length }) => length > 0) ? curves : [];
  };
  const [load, feed] = [curvesOf('load'), curvesOf('feed')];
  const longest = [...load, ...feed].reduce<Curve>(
    (most, curve) => (curve.length > most.length ? curve : most),
    [],
  );
  if (longest.length === 0) return [];
  return [
    {
      title: 'Latency by percentile',
      x: 'percentile',
      unit: 'ms',
      digits: 2,
      xs: longest.map(([percentile]) => oneIn(percentile)),
      series: [
        ...(load.length > 0 ? latencySeries('load', load) : []),
        ...(feed.length > 0 ? latencySeries('feed', feed) : []),
      ],
    },
  ];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Of each interval its middle, and what `key` grew by a second. */
function ratesOf({ intervals }: RoundReport, key: DirectionName | 'cpuUs'): Point[] {
  return intervals.flatMap((interval, index) => {
    const from = intervals[index - 1]?.untilSeconds ?? 0;
    const seconds = interval.untilSeconds - from;
    const grown = interval[key];
    if (grown === undefined || seconds <= 0) return [];
    return [{ x: (from + interval.untilSeconds) / 2, y: grown / seconds }];
  });
}

/** One line for each round. */
function timeChart(
  rounds: readonly RoundReport[],
  key: DirectionName | 'cpuUs',
  labels: Pick<Chart, 'title' | 'unit' | 'digits'>,
): Chart[] {
  const lines = rounds.map((round) => ratesOf(round, key));
  const xs = [...new Set(lines.flatMap((line) => line.map(({ x }) => x)))].sort((a, b) => a - b);
  if (xs.length === 0) return [];
  const scale = key === 'cpuUs' ? 1e6 : 1;
  const series = lines.map((line, index) => {
    const known = new Map(line.map(({ x, y }) => [x, y / scale]));
    return {
      label: `round ${index + 1}`,
      colour: index,
      values: xs.map((x) => known.get(x) ?? null),
    };
  });
  return [{ ...labels, x: 'seconds', xs, series }];
}

export function chartsOf(rounds: readonly RoundReport[]): Chart[] {
  const rate = { unit: 'messages/s', digits: 0 };
  return [
    ...latencyChart(rounds),
    ...timeChart(rounds, 'load', { title: 'Throughput over time, MQTT to Kafka', ...rate }),
    ...timeChart(rounds, 'feed', { title: 'Throughput over time, Kafka to MQTT', ...rate }),
    ...timeChart(rounds, 'cpuUs', {
      title: 'CPU of the connector over time',
      unit: 'cores',
      digits: 2,
    }),
  ];
}
