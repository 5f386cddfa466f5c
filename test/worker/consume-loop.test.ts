import t from 'tap';
import { CONSUMER_BLOCKED, CONSUMER_MORE } from '../../src/kafka/addon.js';
import { assigned, at, setUp } from '../support/consume-loop.js';

const ILLEGAL_GENERATION = 22;

t.test('an assignment is answered at once, and main is told', async (t) => {
  const { loop, native, posted } = setUp();
  native.assigned(0, 2);
  loop.turn();
  t.same(native.takeCalls(), ['assign 0,2']);
  t.same(posted(), [{ kind: 'assigned', routeIndex: 3, partitions: [0, 2] }]);
});

t.test('only offsets of partitions that it has are committed, and main is told how', async (t) => {
  const { loop, native, commit, posted } = assigned();
  commit(at(0, 10), at(7, 10), at(2, 3));
  t.same(native.takeCalls(), ['commit 0:10,2:3']);
  t.same(posted(), []);
  native.committed();
  loop.turn();
  t.same(posted(), [{ kind: 'committed', routeIndex: 3, code: undefined }]);
  commit(at(0, 11));
  native.committed(ILLEGAL_GENERATION);
  loop.turn();
  t.same(posted(), [{ kind: 'committed', routeIndex: 3, code: 'E22' }]);
  commit(at(7, 11));
  t.same(posted(), [{ kind: 'committed', routeIndex: 3, code: undefined }], 'nothing of ours');
});

t.test('a commit that is not answered counts as failed after 5 s, and once', async (t) => {
  const { loop, native, commit, posted, clock } = assigned();
  commit(at(0, 10));
  clock.advance(5_000);
  t.match(posted(), [{ kind: 'committed', code: 'E-185' }]);
  native.committed();
  loop.turn();
  t.same(posted(), []);
});

t.test('without room for 10 s partitions are paused, and resumed with room', async (t) => {
  const { loop, native, clock } = assigned();
  native.flags = CONSUMER_BLOCKED;
  loop.turn();
  for (let second = 1; second < 10; second++) {
    clock.advance(1_000);
    loop.onTick();
  }
  t.same(native.takeCalls(), [], 'a pause throws away what was fetched');
  clock.advance(1_000);
  loop.onTick();
  loop.onTick();
  t.same(native.takeCalls(), ['pause'], 'once');
  native.flags = 0;
  loop.turn();
  loop.turn();
  t.same(native.takeCalls(), ['resume'], 'once');
});

t.test('room in between starts the ten seconds anew', async (t) => {
  const { loop, native, clock } = assigned();
  native.flags = CONSUMER_BLOCKED;
  loop.turn();
  clock.advance(9_000);
  native.flags = 0;
  loop.onTick();
  native.flags = CONSUMER_BLOCKED;
  loop.turn();
  clock.advance(9_000);
  loop.onTick();
  t.same(native.takeCalls(), []);
});

t.test('a turn that has more to do asks for another', async (t) => {
  const all = assigned();
  const before = all.wakes;
  all.native.flags = CONSUMER_MORE;
  all.loop.turn();
  t.equal(all.wakes, before + 1);
  all.native.flags = 0;
  all.loop.turn();
  t.equal(all.wakes, before + 1);
});
