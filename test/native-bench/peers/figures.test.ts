import t from 'tap';
import type { Case } from '../../../native-bench/peers/cases.js';
import {
  bestOf,
  type Figures,
  figuresOf,
  verdictsOf,
} from '../../../native-bench/peers/figures.js';
import { describeCase } from '../../../native-bench/peers/table.js';
import { BENCH_DEFAULTS } from '../../../src/bench/options.js';
import type { RoundReport } from '../../../src/bench/round.js';

const NONE: Figures = {
  messagesPerSecond: undefined,
  megabytesPerSecond: undefined,
  cpuUsPerMessage: undefined,
  p50Ms: undefined,
  p99Ms: undefined,
  peakRssMegabytes: undefined,
};

function roundOf(messages: number, voidBecause: readonly string[] = []): RoundReport {
  const latency = { p50Ms: 1, p90Ms: 2, p99Ms: 3, p999Ms: 4, maxMs: 5 };
  return {
    load: { messages, seconds: 2, latency },
    cpuUsPerMessage: { total: 7 },
    peakRssBytes: 30e6,
    voidBecause,
  } as unknown as RoundReport;
}

t.test('figures are medians of the rounds that count', async (t) => {
  const rounds = [roundOf(100), roundOf(400), roundOf(200), roundOf(9000, ['lost'])];
  t.strictSame(figuresOf(rounds, { ...BENCH_DEFAULTS, payloadBytes: 50_000 }), {
    messagesPerSecond: 100,
    megabytesPerSecond: 5,
    cpuUsPerMessage: 7,
    p50Ms: 1,
    p99Ms: 3,
    peakRssMegabytes: 30,
  });
  t.strictSame(figuresOf([roundOf(1, ['lost'])], BENCH_DEFAULTS), NONE);
});

t.test('the best of the others is the best in each figure by itself', async (t) => {
  const fast = { ...NONE, messagesPerSecond: 100, cpuUsPerMessage: 20, p99Ms: 9 };
  const cheap = { ...NONE, messagesPerSecond: 50, cpuUsPerMessage: 10 };
  t.match(bestOf([fast, cheap, NONE]), { messagesPerSecond: 100, cpuUsPerMessage: 10, p99Ms: 9 });
  t.strictSame(bestOf([]), NONE);
});

const CASE: Case = {
  name: 'one',
  title: 'One',
  options: {},
  goal: { rateRatioMin: 5, cpuUsMax: 3, p99RatioMax: 1, ofCase: { name: 'two', ratioMin: 0.9 } },
};

t.test('each part of a goal is met, not met, or open where a figure is missing', async (t) => {
  const ours = { ...NONE, messagesPerSecond: 500, cpuUsPerMessage: 3.1 };
  const best = { ...NONE, messagesPerSecond: 100, p99Ms: 4 };
  t.strictSame(
    verdictsOf(CASE, ours, best, { ...NONE, messagesPerSecond: 500 }).map(({ met }) => met),
    [true, false, undefined, true],
  );
  const verdicts = verdictsOf(CASE, ours, best, undefined);
  const entries = [
    { name: 'Millrace', figures: ours, remarks: [] },
    { name: 'Other', figures: best, remarks: ['round 1: the connector ended'] },
  ];
  const text = describeCase({ case: CASE, entries, verdicts }, best);
  t.match(text, /Millrace +│ +500 │.* 5\.00 x/);
  t.match(text, /Other: round 1: the connector ended/);
  t.match(text, /goal met: rate to the best other at least 5: 5\.00/);
  t.match(text, /goal NOT met: us CPU a message at most 3: 3\.10/);
  t.match(text, /goal open: p99 to the best other at most 1: not measured/);
});
