import t from 'tap';
import { Barriers } from '../../../src/flow/to-kafka/barriers.js';
import { idleShard } from '../../support/idle-shard.js';

t.test('a shard waits until its barrier is written, and others do not', async (t) => {
  const barriers = new Barriers();
  const [shard, other] = [idleShard(0), idleShard(1)];
  t.ok(barriers.isEmpty);
  barriers.await(shard, 1);
  t.strictSame([barriers.isEmpty, barriers.has(shard), barriers.has(other)], [false, true, false]);
  barriers.write();
  t.ok(barriers.has(shard), 'there was no room');
  shard.ready = true;
  const before = shard.frames.reserve(8);
  barriers.write();
  t.strictSame([barriers.isEmpty, barriers.has(shard)], [true, false]);
  t.ok(shard.frames.reserve(8) > before);
});

t.test('the barrier answers the last loss', async (t) => {
  const barriers = new Barriers();
  const shard = idleShard();
  const losses: unknown[] = [];
  shard.control = (control) => losses.push(control) > 0;
  barriers.await(shard, 1);
  barriers.await(shard, 2);
  barriers.write();
  barriers.write();
  t.strictSame(losses, [{ kind: 'barrier', loss: 2 }]);
});

t.test('with its worker the loss is gone', async (t) => {
  const barriers = new Barriers();
  const shard = idleShard();
  barriers.await(shard, 1);
  barriers.forget(shard);
  t.strictSame([barriers.isEmpty, barriers.has(shard)], [true, false]);
});
