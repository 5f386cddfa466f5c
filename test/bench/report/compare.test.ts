import t from 'tap';
import { compare, isWorse, verdictsOf } from '../../../src/bench/report/compare.js';
import { describeComparison } from '../../../src/bench/report/compare-text.js';
import { type Metric, PARTS } from '../../../src/bench/report/figures.js';
import { parseResult, resultOf } from '../../../src/bench/report/result.js';
import { spreadOf } from '../../../src/bench/report/spread.js';
import { LOAD_REPORT, REPORT, ROUND } from '../../support/bench-rounds.js';

function summary(...values: number[]) {
  return { ...spreadOf(values), values };
}

type Rounds = ReturnType<typeof summary>;

/** Of one figure alone. */
function verdictOf(a: Rounds, b: Rounds, better: Metric['better']) {
  const metric = { ...(PARTS[0]?.metrics[0] as Metric), better };
  return verdictsOf([{ metric, a, b }])[0];
}

/** A result whose rounds had these rates. */
function stored(rates: readonly number[], changes = {}) {
  const rounds = rates.map((messages) => ({
    ...ROUND,
    load: { ...LOAD_REPORT, messages, payloadBytes: 200 * messages, seconds: 1 },
  }));
  return parseResult(JSON.stringify(resultOf({ ...REPORT, rounds, ...changes }, '1.0.0')), 'x');
}

t.test('rounds that lie apart are better or worse, as the figure has it', async (t) => {
  const [low, high] = [summary(10, 11, 12, 13), summary(20, 21, 22, 23)];
  t.equal(verdictOf(low, high, 'higher'), 'better');
  t.equal(verdictOf(low, high, 'lower'), 'worse');
  t.equal(verdictOf(high, low, 'lower'), 'better');
  t.equal(verdictOf(high, low, undefined), 'differs');
});

t.test('three rounds of each are too few, however far apart', async (t) => {
  const verdict = verdictOf(summary(1, 2, 3), summary(100, 101, 102), 'higher');
  t.equal(verdict, 'too few rounds to tell');
});

t.test('rounds within the spread of the others show no difference', async (t) => {
  t.equal(
    verdictOf(summary(10, 12, 14, 16), summary(11, 13, 15, 17), 'higher'),
    'no difference shown',
  );
  t.equal(
    verdictOf(summary(8, 9, 10, 11, 12, 13, 40), summary(20, 21, 22, 23, 24, 25, 26), 'higher'),
    'no difference shown',
    'one round that far out is as much as they differ',
  );
  t.equal(verdictOf(summary(0, 0, 0, 0), summary(0, 0, 0, 0), 'lower'), 'no difference shown');
  t.equal(
    verdictOf(summary(1, 2, 3, 20, 21), summary(4, 5, 6, 7, 8), 'higher'),
    'no difference shown',
  );
});

t.test('a comparison has the figures that both have, and says what is worse', async (t) => {
  // Messages/s and MB/s vary: of two figures five rounds can tell.
  const a = stored([1000, 1001, 1002, 1003, 1004]);
  const b = stored([900, 901, 902, 903, 904]);
  const comparison = compare(a, b);
  t.same(comparison.differences, []);
  t.equal(isWorse(comparison), true);
  t.equal(isWorse(compare(b, a)), false);
  const text = describeComparison(comparison, { a: 'a.json', b: 'b.json' });
  t.match(text, /\nmessages\/s +1,002 +902 +0\.90 +worse\n/);
  t.match(text, /\nPUBACKs out of order +0 +0 +no difference shown\n/);
  t.notMatch(text, /WARNING|peak RSS|Too few|Not compared/);
  t.ok(text.split('\n').every((line) => line.length < 100));
});

t.test('other options and another machine are told first', async (t) => {
  const options = { ...REPORT.options, payloadBytes: 1000, rate: 50, repeat: 7 };
  const machine = { ...REPORT.machine, cpu: 'Another Processor' };
  const comparison = compare(stored([1]), stored([1], { options, machine }));
  t.same(comparison.differences, [
    { what: 'option, payloadBytes', a: '200', b: '1000' },
    { what: 'option, rate', a: 'not given', b: '50' },
    { what: 'machine, cpu', a: 'A Processor', b: 'Another Processor' },
  ]);
  const text = describeComparison(comparison, { a: 'a.json', b: 'b.json' });
  t.match(text, /WARNING[\s\S]*payloadBytes +200 +1000[\s\S]*messages\/s/);
});

t.test(
  'figures are held against chance together, and the output says what they need',
  async (t) => {
    const a = stored([1000, 1001, 1002, 1003]);
    const b = stored([900, 901, 902, 903]);
    const both = compare(a, b);
    t.same(both.tooFewRounds, { a: 4, b: 4, figures: 2, needed: 5, neededForOne: 4 });
    t.equal(isWorse(both), false);
    const verdicts = both.parts.flatMap(({ figures }) => figures.map(({ verdict }) => verdict));
    t.ok(verdicts.includes('too few rounds to tell'));
    t.ok(verdicts.includes('no difference shown'), 'what is the same in every round needs no more');
    const text = describeComparison(both, { a: 'a.json', b: 'b.json' });
    t.match(text, /Too few rounds: 2 figures that vary.*need 5 rounds of each.*A has 4, B has 4/s);
    const one = compare(a, b, ['messagesPerSecond']);
    t.equal(one.tooFewRounds, undefined);
    t.equal(isWorse(one), true, 'of one figure four rounds can tell');
    t.throws(() => compare(a, b, ['speed']), {
      name: 'UsageError',
      message: /no such figure.*cpuUs/,
    });
    t.throws(() => compare(a, b, ['peakRssMegabytes']), { message: /not both results have it/ });
  },
);

t.test('of many figures a small difference by chance is none', async (t) => {
  const metric = PARTS[0]?.metrics[0] as Metric;
  const apart = [summary(1, 2, 3, 4, 5, 6, 7), summary(8, 9, 10, 11, 12, 13, 14)] as const;
  const nearly = [summary(1, 2, 3, 4, 5, 9, 10), summary(6, 7, 8, 11, 12, 13, 14)] as const;
  t.equal(verdictOf(...nearly, 'higher'), 'better', 'alone it is one');
  const pairs = [apart, ...Array.from({ length: 29 }, () => nearly)];
  const verdicts = verdictsOf(pairs.map(([a, b]) => ({ metric, a, b })));
  t.equal(verdicts[0], 'better');
  t.ok(verdicts.slice(1).every((verdict) => verdict === 'no difference shown'));
});

t.test('what only one of the two has is listed', async (t) => {
  const a = stored([1000, 1001]);
  const b = { ...stored([1000, 1001]), summary: {} };
  const comparison = compare(a, b);
  t.ok(comparison.missing.b.includes('messagesPerSecond'));
  t.same(comparison.missing.a, []);
  const text = describeComparison(comparison, { a: 'a.json', b: 'b.json' });
  t.match(text, /Not compared, for B lacks them:\n {2}messagesPerSecond\n/);
});
