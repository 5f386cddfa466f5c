import t from 'tap';
import { loadPartOf, WHOLE } from '../../../src/bench/load/load-part.js';
import { BENCH_DEFAULTS, loadOf } from '../../../src/bench/options.js';

const LOAD = loadOf({ ...BENCH_DEFAULTS, topics: 7 });

t.test('topics are dealt, each to one part, and are the keys', async (t) => {
  const parts = [0, 1, 2].map((index) => loadPartOf(LOAD, { index, parts: 3 }));
  t.strictSame(
    parts.map(({ topics }) => topics),
    [
      [0, 3, 6],
      [1, 4],
      [2, 5],
    ],
  );
  for (const { topics, keys } of parts) t.strictSame(keys, topics);
  t.strictSame(loadPartOf(LOAD, WHOLE).topics, [0, 1, 2, 3, 4, 5, 6]);
});

t.test('keys of their own are dealt likewise, where there are enough', async (t) => {
  const keysOf = (keys: number) =>
    [0, 1, 2].map(
      (index) => loadPartOf({ ...LOAD, keys, keyProperty: 'key' }, { index, parts: 3 }).keys,
    );
  t.strictSame(keysOf(5), [[0, 3], [1, 4], [2]]);
  t.strictSame(keysOf(2), [[0], [1], [0]]);
});
