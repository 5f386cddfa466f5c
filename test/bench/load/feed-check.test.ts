import t from 'tap';
import { FeedCheck } from '../../../src/bench/load/feed-check.js';

t.test('records that come as they should are received, whatever other partitions do', async (t) => {
  const check = new FeedCheck(2);
  for (const [partition, sequence] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [0, 2],
    [1, 1],
  ] as const) {
    t.equal(check.take(partition, sequence), true);
  }
  t.match(check, { received: 5, duplicates: 0, outOfOrder: 0, overtaken: 0 });
});

t.test('a record that comes again is a duplicate and not received twice', async (t) => {
  const check = new FeedCheck(1);
  for (const sequence of [0, 1]) check.take(0, sequence);
  t.equal(check.take(0, 0), false);
  t.match(check, { received: 2, duplicates: 1, outOfOrder: 0 });
});

t.test('a record that comes late is out of order, and until then overtaken', async (t) => {
  const check = new FeedCheck(1);
  check.take(0, 3);
  t.match(check, { received: 1, overtaken: 3, outOfOrder: 0 });
  t.equal(check.take(0, 1), true);
  t.match(check, { received: 2, overtaken: 2, outOfOrder: 1, duplicates: 0 });
  t.equal(check.take(0, 1), false, 'once');
});
