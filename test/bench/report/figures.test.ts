import t from 'tap';
import { PARTS, summaryOf } from '../../../src/bench/report/figures.js';
import { ROUND } from '../../support/bench-rounds.js';

t.test('a figure that some rounds lack is left out of the summary', async (t) => {
  const rounds = [
    { ...ROUND, records: 12 },
    { ...ROUND, records: undefined },
  ];
  const summary = summaryOf({ rounds });
  t.match(summary.messagesPerSecond, { median: 5, min: 5, max: 5, values: [5, 5] });
  t.equal(summary.megabytesPerSecond?.median, 0.001);
  t.notOk('duplicates' in summary);
  t.notOk('cpuUsPerMessage' in summary);
});

t.test('every figure has a name of its own, and a meaning', async (t) => {
  const metrics = PARTS.flatMap(({ metrics }) => metrics);
  t.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length);
  t.same(
    metrics.filter(({ meaning }) => meaning === ''),
    [],
  );
});
