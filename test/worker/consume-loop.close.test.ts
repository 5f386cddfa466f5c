import t from 'tap';
import { assigned, at, turns } from '../support/consume-loop.js';

t.test('a close commits, leaves the group, and destroys', async (t) => {
  const { loop, native } = assigned();
  const closed = loop.close([at(0, 4), at(5, 1)]);
  t.same(native.takeCalls(), ['commit 0:4']);
  native.committed();
  loop.turn();
  await turns();
  loop.turn();
  await closed;
  t.same(native.takeCalls(), ['close', 'destroy']);
  loop.turn();
  loop.onTick();
});

t.test('a close takes 10 s at most, whatever Kafka does', async (t) => {
  const { loop, native, clock } = assigned();
  native.closesAtOnce = false;
  const closed = loop.close([at(0, 4)]);
  clock.advance(5_000);
  await turns();
  t.same(native.takeCalls(), ['commit 0:4', 'close']);
  clock.advance(5_000);
  await closed;
  t.same(native.takeCalls(), ['destroy']);
});

t.test('a close gives up what waits for main, and what is revoked meanwhile', async (t) => {
  const { loop, native } = assigned();
  native.revoked(1);
  loop.turn();
  native.closesAtOnce = false;
  native.takeCalls();
  const closed = loop.close([]);
  await turns();
  t.same(native.takeCalls(), ['unassign 1', 'close']);
  native.revoked(0, 2);
  native.closed();
  loop.turn();
  await closed;
  t.same(native.takeCalls(), ['drop 0,2', 'unassign 0,2', 'destroy']);
});

t.test('a close between two consumers opens no other one', async (t) => {
  const { loop, native, consumers, clock } = assigned();
  native.error(-1, true);
  loop.turn();
  await loop.close([at(0, 1)]);
  clock.advance(600_000);
  t.equal(consumers.length, 1);
});

t.test('a fatal error while it closes ends the close, and opens no other one', async (t) => {
  for (const when of ['while it commits', 'while it leaves']) {
    const { loop, native, consumers, clock } = assigned();
    native.closesAtOnce = false;
    const closed = loop.close(when === 'while it commits' ? [at(0, 4)] : []);
    await turns();
    native.error(-1, true);
    loop.turn();
    await closed;
    t.ok(native.destroyed, when);
    clock.advance(600_000);
    t.equal(consumers.length, 1, when);
  }
});
