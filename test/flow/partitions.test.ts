import t from 'tap';
import type { PartitionOffset } from '../../src/channel/protocol.js';
import { Partitions } from '../../src/flow/partitions.js';
import { ManualClock } from '../support/manual-clock.js';

/** Partition 3, of which offset 7 is settled and its commit asked for. */
function setUp() {
  const released: (readonly PartitionOffset[])[] = [];
  const partitions = new Partitions({
    clock: new ManualClock(),
    revokeTimeoutMs: 5000,
    onReleased: (_revocation, offsets) => released.push(offsets),
  });
  partitions.onAssigned([3]);
  const { tracker } = partitions.of(3);
  tracker.settle(tracker.open(7));
  const asked = partitions.takeCommits();
  return { partitions, released, asked };
}

const DUE = [{ partition: 3, offset: 8 }];

t.test('what a commit was asked for is not due again', async (t) => {
  const { partitions, asked } = setUp();
  t.same(asked, DUE);
  t.same(partitions.takeCommits(), []);
});

t.test('the last word says it again: its answer is not there yet', async (t) => {
  const { partitions } = setUp();
  t.same(partitions.takeLastCommits(), DUE);
});

t.test('a partition that is released says it again too', async (t) => {
  const { partitions, released } = setUp();
  partitions.onRevoking({
    kind: 'revoking',
    routeIndex: 0,
    revocation: 1,
    partitions: [3],
    lost: false,
  });
  t.same(released, [DUE]);
});

t.test('of a partition that was given up nothing is committed any more', async (t) => {
  const { partitions, released } = setUp();
  const partition = partitions.of(3);
  const late = partition.tracker.open(8);
  partition.underWay++;
  partitions.onRevoking({
    kind: 'revoking',
    routeIndex: 0,
    revocation: 1,
    partitions: [3],
    lost: true,
  });
  partition.tracker.settle(late);
  partitions.onEnded(partition);
  t.same(partitions.takeCommits(), []);
  t.same(partitions.takeLastCommits(), []);
  t.same(released, [[]], 'a lost one is answered at once, with nothing');
  t.equal(partition.gone, true);
});
