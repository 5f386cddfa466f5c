import t from 'tap';
import { Arrivals } from '../../../src/bench/load/arrivals.js';

t.test('messages arrive in any order, each once', async (t) => {
  const arrivals = new Arrivals();
  for (const sequence of [7, 0, 8, 3_000_000, 1]) t.equal(arrivals.take(sequence), true);
  for (const sequence of [0, 8, 3_000_000]) t.equal(arrivals.take(sequence), false);
  t.equal(arrivals.take(2), true);
  t.match(arrivals, { count: 6, duplicates: 3 });
});
