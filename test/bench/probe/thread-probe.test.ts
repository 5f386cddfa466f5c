import type { GCProfilerResult } from 'node:v8';
import t from 'tap';
import { sumOf, ThreadProbe } from '../../../src/bench/probe/thread-probe.js';
import { until } from '../../support/until.js';

/** A collection of `cost` us, with the heap in use before and after it. */
function collection(cost: number, before: number, after: number) {
  const heap = (usedHeapSize: number) => ({ heapStatistics: { usedHeapSize } });
  return { cost, beforeGC: heap(before), afterGC: heap(after) };
}

t.test('what a heap grows by between collections was allocated', async (t) => {
  const statistics = [collection(500, 1100, 400), collection(1500, 900, 950)];
  const profile = { statistics } as unknown as GCProfilerResult;
  t.same(sumOf(profile, { start: 1000, end: 1200 }), {
    gcs: 2,
    gcMs: 2,
    allocatedBytes: 100 + 500 + 250,
  });
  t.same(sumOf({ statistics: [] }, { start: 10, end: 15 }), { gcs: 0, gcMs: 0, allocatedBytes: 5 });
});

t.test('what a thread allocates is counted, whether it is still there or not', async (t) => {
  const probe = new ThreadProbe();
  // 8 bytes for each double at least.
  const bytes = 200 * 8 * 10_000;
  let last: number[] = [];
  for (let n = 0; n < 200; n += 1) last = Array.from({ length: 10_000 }, (_, i) => i + n + 0.5);
  const { allocatedBytes, gcs, gcMs, seconds } = probe.stop();
  t.equal(last.length, 10_000);
  t.ok(allocatedBytes >= bytes, `${allocatedBytes} of ${bytes}`);
  // An array grows by copying itself, and each element is boxed on its way at worst.
  t.ok(allocatedBytes < 20 * bytes, `${allocatedBytes} of ${bytes}`);
  t.ok(gcs > 0 && gcMs > 0 && gcMs < seconds * 1000);
});

t.test('a loop that is blocked shows as delay, most of the time it is idle', async (t) => {
  const probe = new ThreadProbe();
  await until('the loop has come by', () => probe.loopTicks > 0);
  const before = probe.loopTicks;
  const blockedUntilMs = performance.now() + 200;
  while (performance.now() < blockedUntilMs);
  // The one that is late, and as many that are not that they are the most.
  await until('the loop comes by again', () => probe.loopTicks >= before + 4);
  const { loopDelay } = probe.stop();
  t.ok(loopDelay.maxMs >= 180, `${loopDelay.maxMs} ms`);
  t.ok(loopDelay.p50Ms < 180, `${loopDelay.p50Ms} ms`);
});
