import t from 'tap';
import type { PartitionOffset } from '../../../src/channel/protocol.js';
import { Partitions } from '../../../src/flow/to-mqtt/partitions.js';
import { ManualClock } from '../../support/manual-clock.js';

function setUp() {
  const clock = new ManualClock();
  const released: [number, readonly PartitionOffset[]][] = [];
  const partitions = new Partitions({
    clock,
    revokeTimeoutMs: 1_000,
    onReleased: (revocation, offsets) => released.push([revocation, offsets]),
  });
  /** Reads so many records of a partition; the first `settled` are done. */
  const read = (id: number, count: number, settled: number) => {
    const partition = partitions.of(id);
    for (let offset = 0; offset < count; offset++) {
      const number = partition.tracker.open(offset);
      if (offset < settled) partition.tracker.settle(number);
      else partition.underWay++;
    }
    return partition;
  };
  const revoke = (revocation: number, ids: number[], lost = false) =>
    partitions.onRevoking({
      kind: 'revoking',
      routeIndex: 0,
      revocation,
      partitions: ids,
      lost,
    });
  return { clock, partitions, released, read, revoke };
}

t.test('what may be committed is asked for once, and again after a failure', async (t) => {
  const { partitions, read } = setUp();
  read(0, 5, 3);
  read(1, 2, 0);
  t.same(partitions.takeCommits(), [{ partition: 0, offset: 3 }]);
  t.same(partitions.takeCommits(), []);
  partitions.onCommitFailed();
  t.same(partitions.takeCommits(), [{ partition: 0, offset: 3 }]);
});

t.test('a partition with nothing under way is released at once', async (t) => {
  const { partitions, released, read, revoke } = setUp();
  partitions.onAssigned([0, 1, 2]);
  read(0, 2, 2);
  revoke(1, [0, 2]);
  t.same(released, [[1, [{ partition: 0, offset: 2 }]]]);
  t.equal(partitions.count, 1);
  t.same(partitions.takeCommits(), [], 'it is no longer ours');
});

t.test('several that leave together are released together', async (t) => {
  const { clock, partitions, released, read, revoke } = setUp();
  const a = read(0, 2, 1);
  const b = read(1, 2, 1);
  revoke(1, [0, 1]);
  a.tracker.settle(1);
  partitions.onEnded(a);
  t.same(released, []);
  b.tracker.settle(1);
  partitions.onEnded(b);
  const both = [
    { partition: 0, offset: 2 },
    { partition: 1, offset: 2 },
  ];
  t.same(released, [[1, both]]);
  clock.advance(10_000);
  t.equal(released.length, 1);
});

t.test('an assignment that follows has nothing to do with the one before', async (t) => {
  const { clock, partitions, released, read, revoke } = setUp();
  const before = read(0, 2, 1);
  revoke(1, [0]);
  clock.advance(1_000);
  t.same(released, [[1, [{ partition: 0, offset: 1 }]]], 'too late for the rest');
  t.notOk(partitions.has(before));
  const after = read(0, 1, 0);
  t.ok(partitions.has(after));
  before.tracker.settle(1);
  partitions.onEnded(before);
  t.same(partitions.takeCommits(), []);
  t.equal(released.length, 1);
});

t.test('lost partitions, and those of a lost worker, are gone', async (t) => {
  const { clock, partitions, released, read, revoke } = setUp();
  partitions.onAssigned([0, 1, 2]);
  const lost = read(0, 2, 1);
  t.ok(revoke(1, [0], true).has(lost));
  t.same(released, [[1, []]]);
  t.ok(lost.gone);
  const leaving = read(1, 2, 1);
  const current = read(2, 2, 1);
  revoke(2, [1]);
  partitions.onLost();
  t.ok(leaving.gone && current.gone);
  t.equal(partitions.count, 0);
  t.same(partitions.takeCommits(), []);
  clock.advance(10_000);
  t.equal(released.length, 1, 'nobody is there to be told');
});

t.test(
  'the last word says again what a commit was asked for: its answer is not there yet',
  async (t) => {
    const { partitions, released, read, revoke } = setUp();
    read(3, 1, 1);
    const due = [{ partition: 3, offset: 1 }];
    t.same(partitions.takeCommits(), due);
    t.same(partitions.close(), due);
    revoke(1, [3]);
    t.same(released, [[1, due]]);
  },
);

t.test('of a partition that was lost nothing is committed any more', async (t) => {
  const { partitions, released, read, revoke } = setUp();
  const partition = read(3, 2, 1);
  revoke(1, [3], true);
  partition.tracker.settle(1);
  partitions.onEnded(partition);
  t.same(partitions.takeCommits(), []);
  t.same(partitions.close(), []);
  t.same(released, [[1, []]], 'it is answered at once, with nothing');
});
