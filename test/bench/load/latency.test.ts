import t from 'tap';
import { latencyOf, newHistogram } from '../../../src/bench/load/latency.js';

/** One message each of 1, 2, 3 ... ms. */
function latencyUpTo(messages: number) {
  const histogram = newHistogram();
  for (let ms = 1; ms <= messages; ms += 1) histogram.recordValue(ms * 1000);
  return latencyOf(histogram);
}

t.test('the curve goes through the percentiles that are told beside it', async (t) => {
  const { p90Ms, p99Ms, p999Ms, curve } = latencyUpTo(10_000);
  const points = new Map(curve);
  t.equal(points.get(90), p90Ms);
  t.equal(points.get(99), p99Ms);
  t.equal(points.get(99.9), p999Ms);
  t.ok(Math.abs(p99Ms - 9900) < 10, `${p99Ms}`);
});

t.test('the curve rises, and ends where there are no more messages to tell apart', async (t) => {
  const { curve, maxMs } = latencyUpTo(2000);
  for (const [index, [percentile, ms]] of curve.entries()) {
    t.ok(percentile > (curve[index - 1]?.[0] ?? -1) && ms >= (curve[index - 1]?.[1] ?? 0));
    t.ok(ms <= maxMs);
  }
  t.equal(curve[0]?.[0], 0);
  const [last = 0] = curve.at(-1) ?? [];
  t.ok(last > 99.9 && last <= 99.95, `one in 2000 is 99.95 %: ${last}`);
});

t.test('without a message there is no curve', async (t) => {
  t.same(latencyUpTo(0).curve, []);
});
