import t from 'tap';
import { FeedCheck } from '../../../src/bench/load/feed-check.js';

t.test('records that come as they should are received, whatever other partitions do', async (t) => {
  const check = new FeedCheck(2);
  const latest: number[] = [];
  for (const [partition, sequence] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [0, 2],
    [1, 1],
  ] as const) {
    t.equal(check.take(partition, sequence, latest), true);
  }
  t.match(check, { received: 5, duplicates: 0, outOfOrder: 0, overtaken: 0 });
});

t.test('a record that comes again is a duplicate and not received twice', async (t) => {
  const check = new FeedCheck(1);
  const latest: number[] = [];
  for (const sequence of [0, 1]) check.take(0, sequence, latest);
  t.equal(check.take(0, 0, latest), false);
  t.match(check, { received: 2, duplicates: 1, outOfOrder: 0 });
});

t.test('a record that comes late is out of order, and until then overtaken', async (t) => {
  const check = new FeedCheck(1);
  const latest: number[] = [];
  check.take(0, 3, latest);
  t.match(check, { received: 1, overtaken: 3, outOfOrder: 0 });
  t.equal(check.take(0, 1, latest), true);
  t.match(check, { received: 2, overtaken: 2, outOfOrder: 1, duplicates: 0 });
  t.equal(check.take(0, 1, latest), false, 'once');
});

t.test('records that overtake each other on different connections are in order', async (t) => {
  const check = new FeedCheck(1);
  const [one, other]: [number[], number[]] = [[], []];
  for (const sequence of [1, 3]) check.take(0, sequence, one);
  for (const sequence of [0, 2]) check.take(0, sequence, other);
  t.match(check, { received: 4, overtaken: 0, outOfOrder: 0, duplicates: 0 });
  check.take(0, 5, one);
  check.take(0, 4, one);
  t.equal(check.outOfOrder, 1);
});
