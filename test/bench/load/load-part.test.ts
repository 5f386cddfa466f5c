import t from 'tap';
import { goTogether, loadPartOf, WHOLE } from '../../../src/bench/load/load-part.js';
import { planMessages } from '../../../src/bench/load/message-plan.js';
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

t.test('a topic and a key go together where a plan has them in one message', async (t) => {
  const payload = [{ bytes: 200, percent: 100 }];
  for (const [topics, keys, parts] of [
    [7, 3, 1],
    [3, 7, 1],
    [20, 7, 3],
    [7, 20, 3],
    [8, 2, 3],
  ] as const) {
    const planned = new Set<string>();
    for (let index = 0; index < parts; index += 1) {
      const own = loadPartOf({ ...LOAD, topics, keys, keyProperty: 'key' }, { index, parts });
      const { length } = own.topics.length > own.keys.length ? own.topics : own.keys;
      const options = { topics: own.topics.length, keys: own.keys.length, skew: 0, payload };
      const plan = planMessages({ ...options, part: WHOLE }, length);
      for (let n = 0; n < length; n += 1) {
        planned.add(`${own.topics[plan.topics[n] as number]} ${own.keys[plan.keys[n] as number]}`);
      }
    }
    const found = new Set<string>();
    for (let topic = 0; topic < topics; topic += 1) {
      for (let key = 0; key < keys; key += 1) {
        if (goTogether({ topics, keys, parts }, topic, key)) found.add(`${topic} ${key}`);
      }
    }
    t.strictSame([...found].sort(), [...planned].sort(), `${topics} topics, ${keys} keys`);
  }
});
