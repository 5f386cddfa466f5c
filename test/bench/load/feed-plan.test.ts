import t from 'tap';
import { FeedPlan } from '../../../src/bench/load/feed-plan.js';
import type { Feed } from '../../../src/bench/protocol.js';

const FEED: Feed = {
  topicRoot: 'feed',
  qos: 1,
  awaitsAll: false,
  readers: 1,
  bootstrapServers: '',
  kafkaTopic: '',
  records: 1000,
  recordsBefore: 1000,
  ratePerSecond: undefined,
  keys: 5,
  skew: 0,
  payload: [
    { bytes: 100, percent: 50 },
    { bytes: 16, percent: 50 },
  ],
  userProperties: 0,
  compression: 'none',
  warmup: { kind: 'messages', count: 0 },
  measured: { kind: 'messages', count: 1000 },
  stallSeconds: 1,
};

t.test('a record is in its partition behind those that were written to it before', async (t) => {
  for (const ratePerSecond of [undefined, 100, 3700]) {
    for (const recordsBefore of [0, 4, 7]) {
      const plan = new FeedPlan({ ...FEED, ratePerSecond, recordsBefore }, 4);
      const counts = [0, 0, 0, 0];
      for (let index = 0; index < 1000; index += 1) {
        const partition = plan.partitionOf(index);
        const expected = counts[partition] as number;
        if (plan.sequenceOf(index) !== expected) {
          t.equal(plan.sequenceOf(index), expected, `${index} at ${ratePerSecond}`);
        }
        counts[partition] = expected + 1;
      }
      t.ok(Math.min(...counts) > 200, `all partitions: ${counts}`);
    }
  }
});

t.test('at a rate what falls due within a millisecond goes to one partition', async (t) => {
  const plan = new FeedPlan({ ...FEED, ratePerSecond: 3000, recordsBefore: 4 }, 4);
  const partitions = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => plan.partitionOf(n));
  t.same(partitions, [0, 1, 2, 3, 0, 0, 0, 1, 1, 1]);
});

t.test('records have keys in turn, and sizes in their shares', async (t) => {
  const plan = new FeedPlan(FEED, 4);
  t.same(
    [0, 1, 4, 5].map((n) => [plan.keyNumberOf(n), String(plan.keyOf(n))]),
    [
      [0, '0'],
      [1, '1'],
      [4, '4'],
      [0, '0'],
    ],
  );
  const sizes = Array.from({ length: 10_000 }, (_, n) => plan.payloadBytesOf(n));
  t.equal(sizes.filter((bytes) => bytes === 16).length, 5000);
  const contents = new Set(Array.from({ length: 10_000 }, (_, n) => plan.contentOf(n)));
  t.equal(contents.size, 10, 'of five keys and two sizes');
});
