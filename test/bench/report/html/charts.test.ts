import t from 'tap';
import type { CurvePoint, Latency } from '../../../../src/bench/protocol.js';
import { chartsOf } from '../../../../src/bench/report/html/charts.js';
import { FEED_REPORT, LOAD_REPORT, ROUND } from '../../../support/bench-rounds.js';

function latency(curve: readonly CurvePoint[]): Latency {
  return { p50Ms: 1, p90Ms: 1, p99Ms: 1, p999Ms: 1, maxMs: 1, curve };
}

const SHORT = {
  ...LOAD_REPORT,
  latency: latency([
    [0, 1],
    [90, 4],
  ]),
};
const LONG = {
  ...LOAD_REPORT,
  latency: latency([
    [0, 2],
    [90, 6],
    [99, 9],
  ]),
};

t.test(
  'the latency of several rounds is a median within its range, as far as all go',
  async (t) => {
    const rounds = [SHORT, LONG, LONG].map((load) => ({ ...ROUND, load }));
    const [chart] = chartsOf(rounds);
    t.match(chart, {
      x: 'percentile',
      series: [
        { label: 'MQTT to Kafka, most', edge: 'upper', values: [2, 6] },
        { label: 'MQTT to Kafka, least', edge: 'lower', values: [1, 4] },
        { label: 'MQTT to Kafka, median', values: [2, 6] },
      ],
    });
    t.same(
      chart?.xs.map((x) => Math.round(x)),
      [1, 10, 100],
    );
  },
);

t.test('both directions of one round are two lines', async (t) => {
  const feed = { ...FEED_REPORT, latency: SHORT.latency };
  const [chart] = chartsOf([{ ...ROUND, load: LONG, feed }]);
  t.match(chart?.series, [
    { label: 'MQTT to Kafka', colour: 0, values: [2, 6, 9] },
    { label: 'Kafka to MQTT', colour: 1, values: [1, 4] },
  ]);
});

t.test('what was settled is shown a second, at the middle of its interval', async (t) => {
  const intervals = [
    { untilSeconds: 0.5, load: 100, cpuUs: 250_000 },
    { untilSeconds: 0.75, load: 100, cpuUs: 250_000 },
  ];
  const later = [{ untilSeconds: 1, load: 30 }];
  const charts = chartsOf([
    { ...ROUND, intervals },
    { ...ROUND, intervals: later },
  ]);
  t.match(charts, [
    {
      title: 'Throughput over time, MQTT to Kafka',
      xs: [0.25, 0.5, 0.625],
      series: [
        { label: 'round 1', values: [200, null, 400] },
        { label: 'round 2', values: [null, 30, null] },
      ],
    },
    { unit: 'cores', xs: [0.25, 0.625], series: [{ values: [0.5, 1] }, { values: [null, null] }] },
  ]);
});

t.test('a round of which nothing is known gives no chart', async (t) => {
  t.same(chartsOf([ROUND]), []);
});
