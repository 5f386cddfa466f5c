import t from 'tap';
import { BENCH_DEFAULTS, feedOf, loadOf } from '../../src/bench/options.js';
import { ProgressMeter, type RoundProgress } from '../../src/bench/progress.js';

const SIZE = { ...BENCH_DEFAULTS, warmupMessages: 100, messages: 1000 };
const load = loadOf(SIZE);
const feed = feedOf(SIZE, { bootstrapServers: '', kafkaTopic: '', embedded: false });

function meter(task: ConstructorParameters<typeof ProgressMeter>[0]) {
  const seen: RoundProgress[] = [];
  const progress = new ProgressMeter(task, (now) => seen.push(now));
  return { progress, seen };
}

t.test(
  'each phase is followed from its beginning, with the rate since the last time',
  async (t) => {
    const { progress, seen } = meter({ load, feed: undefined });
    progress.hear({ kind: 'loading' });
    progress.hear({ kind: 'progress', atMs: 0, load: 0 });
    progress.hear({ kind: 'progress', atMs: 250, load: 50 });
    progress.hear({ kind: 'progress', atMs: 500, load: 100 });
    progress.hear({ kind: 'measuring' });
    progress.hear({ kind: 'progress', atMs: 750, load: 600 });
    progress.hear({ kind: 'measured', messages: 0 });
    t.match(seen, [
      { phase: 'warm-up', share: 0 },
      { phase: 'warm-up', share: 0, messagesPerSecond: undefined },
      { phase: 'warm-up', share: 0.5, messagesPerSecond: 200 },
      { phase: 'warm-up', share: 1, messagesPerSecond: 200 },
      { phase: 'measuring', share: 0 },
      { phase: 'measuring', share: 0.5, messagesPerSecond: 2000 },
      { phase: 'finishing', share: 0 },
    ]);
  },
);

t.test('of two directions the one that is behind says how far it is', async (t) => {
  const { progress, seen } = meter({ load, feed });
  progress.hear({ kind: 'progress', atMs: 0, load: 100, feed: 100 });
  progress.hear({ kind: 'measuring' });
  progress.hear({ kind: 'progress', atMs: 1000, load: 900, feed: 200 });
  t.match(seen.at(-1), { share: 0.1, messagesPerSecond: 900 });
});

t.test('a phase by time is as far as its time, and never further than its end', async (t) => {
  const { progress, seen } = meter({
    load: loadOf({ ...SIZE, messages: undefined, seconds: 2 }),
    feed: undefined,
  });
  progress.hear({ kind: 'progress', atMs: 1000, load: 0 });
  progress.hear({ kind: 'measuring' });
  progress.hear({ kind: 'progress', atMs: 2000, load: 5 });
  t.equal(seen.at(-1)?.share, 0.5);
  progress.hear({ kind: 'progress', atMs: 3500, load: 5 });
  t.equal(seen.at(-1)?.share, 1);
});
