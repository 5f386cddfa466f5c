import t from 'tap';
import { crashLoop, Restarts } from '../../src/shard/restarts.js';

/** The waits after deaths at these times, of workers that had lived so long. */
function waits(deaths: readonly (readonly [atMs: number, livedMs: number])[]) {
  const restarts = new Restarts();
  return deaths.map(([atMs, livedMs]) => restarts.onDied(atMs, livedMs));
}

t.test('waits double up to 10 s, and a worker that lived for a minute ends that', async (t) => {
  const early = Array.from({ length: 8 }, (_, i) => [i * 1000, 500] as const);
  t.strictSame(waits(early), [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  t.strictSame(waits([...early, [100_000, 60_001], [100_200, 1]]).slice(-2), [100, 200]);
});

t.test('the tenth early death within five minutes is a crash loop', async (t) => {
  const every = (ms: number) => Array.from({ length: 10 }, (_, i) => [i * ms, 500] as const);
  t.equal(waits(every(10_000)).at(-1), undefined);
  t.equal(waits(every(33_000)).at(-1), undefined);
  t.equal(waits(every(34_000)).at(-1), 10_000, 'the first is not within them any more');
  const [first, ...rest] = every(1000);
  t.equal(waits([first as [number, number], ...rest.slice(1), [10_000, 60_001]]).at(-1), 100);
});

t.test('a crash loop says what the last worker died of', async (t) => {
  t.match(crashLoop(3, new Error('boom')), {
    code: 'ERR_WORKER_CRASH_LOOP',
    message: /shard 3 died 10 times within 5 minutes, the last time of: boom\./,
  });
});
