import t from 'tap';
import {
  LatencyHistogram,
  latencyBoundsSeconds,
  latencyBucketCount,
} from '../../src/metrics/latency-histogram.js';

/** Where a search through the bounds puts a value. */
function slotBySearch(latencyMs: number): number {
  const slot = latencyBoundsSeconds.findIndex((bound) => latencyMs <= bound * 1000);
  return slot === -1 ? latencyBucketCount : slot;
}

function slotOf(latencyMs: number): number {
  const histogram = new LatencyHistogram();
  histogram.observe(latencyMs);
  return histogram.counts.indexOf(1);
}

t.test('the bounds double from 100 us to more than 100 s', async (t) => {
  t.equal(latencyBoundsSeconds[0], 0.0001);
  t.equal(latencyBoundsSeconds.at(-1), 104.8576);
  for (let k = 1; k < latencyBucketCount; k += 1) {
    t.equal(latencyBoundsSeconds[k], (latencyBoundsSeconds[k - 1] ?? 0) * 2);
  }
});

t.test('every latency falls into the bucket that a search finds', async (t) => {
  const around = latencyBoundsSeconds.flatMap((bound) => {
    const ms = bound * 1000;
    return [ms, ms - 0.05, ms + 0.000_1, ms + 0.05, ms * 1.5];
  });
  for (const ms of [0, 0.01, 5e6, 1e12, Number.MAX_VALUE, ...around]) {
    t.equal(slotOf(ms), slotBySearch(ms), `${ms} ms`);
  }
});

t.test('a negative latency counts as none and does not lower the sum', async (t) => {
  const histogram = new LatencyHistogram();
  histogram.observe(3);
  histogram.observe(-5);
  t.equal(histogram.sumMs, 3);
  t.equal(histogram.count, 2);
  t.equal(histogram.counts[0], 1);
});
