import t from 'tap';
import { fitOf } from '../../../src/bench/scale/fit.js';

const near = (found: number | undefined, wanted: number) =>
  Math.abs((found ?? Number.NaN) - wanted) < 1e-9 * Math.max(1, Math.abs(wanted));

t.test('counts are fitted by their logarithm, in percent of the smallest case', async (t) => {
  const points = [1, 10, 100, 1000].map((value, n) => ({ value, cost: 5 + 0.5 * n }));
  const fit = fitOf('tenfold', points);
  t.equal(fit?.x, 'log10 of the count');
  t.ok(near(fit?.slope, 0.5) && near(fit?.slopePercent, 10), JSON.stringify(fit));
  const later = points.map(({ value, cost }) => ({ value: value * 10, cost }));
  t.ok(near(fitOf('tenfold', later)?.slopePercent, 10), 'wherever the smallest case lies');
});

t.test('of points that lie on no line the squares of what is missed are least', async (t) => {
  const fit = fitOf('each', [
    { value: 0, cost: 1 },
    { value: 1, cost: 3 },
    { value: 2, cost: 2 },
  ]);
  t.ok(near(fit?.constant, 1.5) && near(fit?.slope, 0.5), JSON.stringify(fit));
});

t.test('payloads are fitted by relative errors, so that small ones count', async (t) => {
  const exact = [200, 2000, 2_000_000].map((value) => ({ value, cost: 3 + value / 1000 }));
  const fit = fitOf('kilobytes', exact);
  t.ok(near(fit?.constant, 3) && near(fit?.slope, 1), JSON.stringify(fit));
  const noisy = exact.map((point, n) => (n === 2 ? { ...point, cost: point.cost * 1.2 } : point));
  const constant = fitOf('kilobytes', noisy)?.constant ?? 0;
  t.ok(constant > 2 && constant < 4, `${constant}`);
});

t.test('there is no line through one point, nor where the axis has none', async (t) => {
  const points = [
    { value: 1, cost: 1 },
    { value: 2, cost: 2 },
  ];
  t.equal(fitOf('each', points.slice(1)), undefined);
  t.equal(fitOf('speed-up', points), undefined);
  t.equal(fitOf('ends', points), undefined);
});
