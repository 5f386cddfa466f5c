import t from 'tap';
import { Timeline } from '../../src/bench/timeline.js';

/** A timeline whose connector has used 100 us of CPU more at each reading. */
function timeline() {
  let cpuUs = 0;
  return new Timeline(() => {
    cpuUs += 100;
    return cpuUs;
  });
}

t.test('intervals lie between the beginning and the end of the measured phase', async (t) => {
  const line = timeline();
  line.add({ atMs: 1000, load: 10, feed: 3 });
  line.add({ atMs: 1100, load: 50, feed: 5 });
  line.begin();
  line.add({ atMs: 1350, load: 150, feed: 6 });
  line.add({ atMs: 1601, load: 400, feed: 6 });
  t.same(line.end(), [
    { untilSeconds: 0.25, load: 100, feed: 1, cpuUs: 100 },
    { untilSeconds: 0.501, load: 250, feed: 0, cpuUs: 100 },
  ]);
});

t.test('a short rest at the end is part of the interval before it', async (t) => {
  const line = timeline();
  line.add({ atMs: 0, load: 0 });
  line.begin();
  line.add({ atMs: 250, load: 100 });
  line.add({ atMs: 500, load: 200 });
  line.add({ atMs: 501, load: 203 });
  t.same(line.end(), [
    { untilSeconds: 0.25, load: 100, cpuUs: 100 },
    { untilSeconds: 0.501, load: 103, cpuUs: 200 },
  ]);
});

t.test('a short piece at the beginning is part of the interval after it', async (t) => {
  const line = timeline();
  line.add({ atMs: 0, load: 0 });
  line.begin();
  line.add({ atMs: 2, load: 90 });
  line.add({ atMs: 252, load: 100 });
  t.same(line.end(), [{ untilSeconds: 0.252, load: 100, cpuUs: 200 }]);
});

t.test('a phase that is shorter than that is one interval', async (t) => {
  const line = new Timeline(() => undefined);
  line.add({ atMs: 7, feed: 1 });
  line.begin();
  line.add({ atMs: 9, feed: 5 });
  t.same(line.end(), [{ untilSeconds: 0.002, feed: 4 }]);
});
