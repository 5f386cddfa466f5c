import t from 'tap';
import { assigned, at } from '../support/consume-loop.js';

const NOT_COORDINATOR = 16;
const ILLEGAL_GENERATION = 22;

t.test('partitions are given up once main has released them and that is committed', async (t) => {
  const { loop, native, posted, released } = assigned();
  native.revoked(0, 1);
  loop.turn();
  t.same(native.takeCalls(), ['drop 0,1'], 'nothing of them comes any more, and they are kept');
  t.match(posted(), [{ kind: 'revoking', revocation: 1, partitions: [0, 1], lost: false }]);
  released(1, at(0, 17));
  t.same(native.takeCalls(), ['commit 0:17']);
  native.committed();
  loop.turn();
  t.same(native.takeCalls(), ['unassign 0,1']);
});

t.test('partitions of which nothing is to be committed are given up at once', async (t) => {
  const { loop, native, released } = assigned();
  native.revoked(2);
  loop.turn();
  native.takeCalls();
  released(1);
  t.same(native.takeCalls(), ['unassign 2']);
  released(1);
  t.same(native.takeCalls(), [], 'and once');
});

t.test('a commit that Kafka refuses or does not answer keeps no partition', async (t) => {
  const { loop, native, posted, released, clock } = assigned();
  native.revoked(0);
  native.revoked(1);
  loop.turn();
  native.takeCalls();
  released(1, at(0, 5));
  released(2, at(1, 6));
  native.committed(ILLEGAL_GENERATION);
  loop.turn();
  t.same(native.takeCalls(), ['commit 0:5', 'commit 1:6', 'unassign 0']);
  clock.advance(4_999);
  t.same(native.takeCalls(), []);
  clock.advance(1);
  t.same(native.takeCalls(), ['unassign 1'], 'after 5 s without it');
  t.same(
    posted().flatMap((message) => (message.kind === 'log' ? [message.text] : [])),
    [
      'partitions 0 are given up without their last commit: E22',
      'partitions 1 are given up without their last commit: E-185',
    ],
  );
  native.committed();
  loop.turn();
  t.same(native.takeCalls(), [], 'an answer that comes too late is nobody’s');
});

t.test('the last commit of a partition is tried again where that may help', async (t) => {
  const { loop, native, released, clock } = assigned();
  native.revoked(0);
  loop.turn();
  native.takeCalls();
  released(1, at(0, 5));
  native.committed(NOT_COORDINATOR);
  loop.turn();
  t.same(native.takeCalls(), ['commit 0:5']);
  clock.advance(250);
  t.same(native.takeCalls(), ['commit 0:5'], 'the coordinator may be found by now');
  native.committed();
  loop.turn();
  t.same(native.takeCalls(), ['unassign 0']);
});

t.test('lost partitions are given up at once, and nothing of them is committed', async (t) => {
  const { loop, native, posted, released, commit } = assigned();
  native.lost(0, 1);
  loop.turn();
  t.same(native.takeCalls(), ['drop 0,1', 'unassign 0,1']);
  t.match(posted(), [{ kind: 'revoking', partitions: [0, 1], lost: true }]);
  released(1, at(0, 9));
  commit(at(1, 8), at(2, 7));
  t.same(native.takeCalls(), ['commit 2:7']);
});

t.test('a partition that was lost is taken again once main knows of the loss', async (t) => {
  const { loop, native, posted, released } = assigned();
  native.lost(0, 1, 2);
  native.assigned(0, 1);
  loop.turn();
  t.same(native.takeCalls(), ['drop 0,1,2', 'unassign 0,1,2']);
  t.match(posted(), [{ kind: 'revoking', lost: true }]);
  released(1);
  t.same(native.takeCalls(), ['assign 0,1'], 'its records come behind what main discards');
  t.match(posted(), [{ kind: 'assigned', partitions: [0, 1] }]);
});
