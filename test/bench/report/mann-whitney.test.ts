import t from 'tap';
import { leastChance, mannWhitney } from '../../../src/bench/report/mann-whitney.js';

/** By counting every way to choose `count` of `values`. */
function byCounting(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  const rankOf = (value: number) =>
    all.filter((other) => other < value).length +
    (all.filter((other) => other === value).length + 1) / 2;
  const ranks = all.map(rankOf);
  const mean = (a.length * (all.length + 1)) / 2;
  const observed = Math.abs(ranks.slice(0, a.length).reduce((x, y) => x + y, 0) - mean);
  let [uneven, total] = [0, 0];
  for (let chosen = 0; chosen < 2 ** all.length; chosen += 1) {
    const picked = ranks.filter((_, index) => chosen & (1 << index));
    if (picked.length !== a.length) continue;
    total += 1;
    if (Math.abs(picked.reduce((x, y) => x + y, 0) - mean) >= observed) uneven += 1;
  }
  return uneven / total;
}

t.test('the chance is that of tables, and of counting', async (t) => {
  t.equal(mannWhitney([1, 2, 3, 4], [5, 6, 7, 8]), 2 / 70);
  t.equal(mannWhitney([1, 2, 3], [4, 5, 6]), 2 / 20);
  t.equal(mannWhitney([1, 4], [2, 3]), 1);
  for (const [a, b] of [
    [
      [3, 1, 4, 1, 5],
      [9, 2, 6, 5, 3],
    ],
    [
      [1, 1, 2],
      [2, 2, 3, 3],
    ],
    [
      [10, 11, 12, 13, 30],
      [14, 15, 16, 17],
    ],
  ] as const) {
    t.ok(Math.abs(mannWhitney(a, b) - byCounting(a, b)) < 1e-12, `${a} against ${b}`);
    t.equal(mannWhitney(a, b), mannWhitney(b, a));
  }
});

t.test('values that are all equal are mixed evenly', async (t) => {
  t.equal(mannWhitney([0, 0, 0, 0], [0, 0, 0, 0]), 1);
});

t.test('the least that few values can show', async (t) => {
  t.equal(leastChance(1, 1), 1);
  t.equal(leastChance(3, 3), 0.1);
  t.ok(leastChance(4, 4) < 0.05);
});
