import t from 'tap';
import { BENCH_DEFAULTS } from '../../../src/bench/options.js';
import type { RoundReport } from '../../../src/bench/round.js';
import { dimensionsOf } from '../../../src/bench/scale/dimensions.js';
import { type CaseRounds, reportOf } from '../../../src/bench/scale/growth.js';
import { scaleResultOf } from '../../../src/bench/scale/result.js';
import type { ScaleReport } from '../../../src/bench/scale/scale.js';
import { describeScale, isScaleValid } from '../../../src/bench/scale/text.js';
import { REPORT } from '../../support/bench-rounds.js';

function round(cpuUs: number): RoundReport {
  const none = { main: 0, workers: 0, librdkafka: 0, other: 0 };
  return {
    load: { messages: 1000, seconds: 2 },
    feed: undefined,
    cpuUsPerMessage: { ...none, total: cpuUs },
    peakRssBytes: 150e6,
    voidBecause: [],
  } as unknown as RoundReport;
}

function dimension(name: string) {
  const found = dimensionsOf(2).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no dimension ${name}`);
  return found;
}

/** @param cpuUs by case, by round */
function rounds(name: string, cpuUs: number[][], instructions: number[][] = []): CaseRounds[] {
  return dimension(name).cases.map((scaleCase, n) => ({
    scaleCase,
    rounds: (cpuUs[n] ?? []).map(round),
    instructionsPerMessage: instructions[n] ?? [],
    voidBecause: cpuUs[n] === undefined ? ['it rained'] : [],
  }));
}

const ROUTES = [
  [5.2, 5, 4.8],
  [5, 5, 5],
  [5.5, 5.5, 5.5],
  [5.9, 5.8, 6.5],
];

t.test('growth is from the first case to the last, of medians, with its range', async (t) => {
  const report = reportOf(dimension('routes'), rounds('routes', ROUTES));
  t.equal(report.judged, 'cpuUsPerMessage');
  t.equal(Math.round(report.growth?.percent ?? 0), 18);
  t.equal(Math.round(report.growth?.leastPercent ?? 0), 12);
  t.equal(Math.round(report.growth?.mostPercent ?? 0), 35);
  t.equal(report.withinLimit, true);
  t.match(report.cases[3], { rounds: 3, messagesPerSecond: { median: 500 } });
  t.match(report.cases[3], { peakRssMegabytes: { median: 150 } });
  t.same(report.cases[3]?.cpuUsPerMessage?.values, [5.9, 5.8, 6.5]);
});

t.test('instructions are judged where all rounds have them, and else CPU time', async (t) => {
  const counted = [
    [9000, 9100, 9000],
    [9000, 9000, 9000],
    [9500, 9500, 9500],
    [12_000, 12_000, 12_000],
  ];
  const report = reportOf(dimension('routes'), rounds('routes', ROUTES, counted));
  t.equal(report.judged, 'instructionsPerMessage');
  t.equal(report.withinLimit, false, '9,000 to 12,000');
  const some = counted.map((values, n) => (n === 1 ? values.slice(1) : values));
  t.equal(reportOf(dimension('routes'), rounds('routes', ROUTES, some)).judged, 'cpuUsPerMessage');
});

t.test('without the last case there is no growth and no verdict', async (t) => {
  const report = reportOf(dimension('routes'), rounds('routes', ROUTES.slice(0, 3)));
  t.equal(report.growth, undefined);
  t.equal(report.withinLimit, undefined);
  t.ok((report.fit?.slope ?? 0) > 0, 'a line is there');
});

t.test('the text has a table, the slope, the growth and the verdict of each', async (t) => {
  const ends = [[4], [8]];
  const properties = [0, 1, 2, 4, 8, 16].map((count) => [2 + count / 2]);
  const payloads = dimension('payload').cases.map(({ value }) => [3 + value / 2000]);
  const report: ScaleReport = {
    startedAt: REPORT.startedAt,
    options: BENCH_DEFAULTS,
    kafka: 'embedded mock cluster',
    machine: REPORT.machine,
    loadAverage: 0.5,
    noInstructions: 'perf is not installed',
    dimensions: [
      reportOf(dimension('routes'), rounds('routes', ROUTES)),
      reportOf(dimension('routes-topics'), rounds('routes-topics', ends)),
      reportOf(dimension('user-properties'), rounds('user-properties', properties)),
      reportOf(dimension('payload'), rounds('payload', payloads)),
      reportOf(dimension('shards'), rounds('shards', [[5], [5]])),
    ],
  };
  const text = describeScale(report);
  t.match(text, /judged +CPU time a message, .*\(perf is not installed\)/);
  t.match(text, /routes +messages\/s +CPU us +peak RSS, MB\n1 +500 +5\.00 +150\n/);
  t.match(text, /slope +\+7 % CPU for ten times as many/);
  t.match(text, /\+18 % a message from 1 to 1,000 \(\+12 % to \+35 % .*: within the limit of 20 %/);
  t.match(text, /\+100 % a message from 1 and 1,000 to 1,000 and 100,000: OVER the limit of 20 %/);
  t.match(text, /slope +0\.50 us for each, and 2\.00 us a message/);
  t.match(text, /slope +500 ns a KB, and 3\.00 us a message/);
  t.match(text, /speed-up 2: 1\.00 times/);
  t.equal(isScaleValid(report), true);
  t.match(scaleResultOf(report, '1.2.3'), {
    format: 1,
    kind: 'scale',
    millrace: '1.2.3',
    valid: true,
  });
  const bad = reportOf(dimension('routes'), rounds('routes', ROUTES.slice(0, 3)));
  t.equal(isScaleValid({ ...report, dimensions: [bad] }), false);
  t.equal(scaleResultOf({ ...report, dimensions: [bad] }, '1.2.3').valid, false);
  const badText = describeScale({ ...report, dimensions: [bad] });
  t.match(badText, /growth +not known.*\n +VOID +1,000: it rained/);
});
