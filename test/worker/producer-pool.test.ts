import t from 'tap';
import { LiveTask } from '../../src/worker/live-task.js';
import { ProducerPool } from '../../src/worker/producer-pool.js';
import { FakeShardProducers } from '../support/fake-shard-producers.js';
import { FAKE_TASK, fakeTarget } from '../support/fake-worker.js';
import { ManualClock } from '../support/manual-clock.js';

function start() {
  const native = new FakeShardProducers(new ManualClock());
  return { native, pool: new ProducerPool(native, new LiveTask(FAKE_TASK)) };
}

t.test('targets with equal settings share a producer, others have their own', (t) => {
  const { native, pool } = start();
  pool.open(fakeTarget(0));
  pool.open(fakeTarget(1));
  pool.open(fakeTarget(2, { lingerMs: 5 }));
  pool.open(fakeTarget(3, { variant: 1 }));
  t.equal(native.batched(0), native.batched(1));
  t.equal(native.open().length, 3);
  t.equal(pool.producerOf(pool.target(1)), pool.producerOf(pool.target(0)));
  t.throws(() => pool.target(4), /no target 4/);
  t.end();
});

t.test('the producer that sends alone is opened once, and each target in it once', (t) => {
  const { native, pool } = start();
  pool.open(fakeTarget(0));
  pool.open(fakeTarget(1));
  t.same(pool.indicesOf(pool.producerOf(pool.target(0))), [0]);
  for (const id of [0, 0, 1, 1]) pool.openSolo(pool.target(id));
  t.equal(native.solo(0), native.solo(1));
  t.same([...native.solo(0).topics], ['topic-0', 'topic-1']);
  t.same(pool.indicesOf(pool.producerOf(pool.target(0))), [0, 1]);
  t.equal(pool.soloIndexOf(pool.target(1)), 1);
  t.end();
});

t.test('a producer is found by either of its indices, and by none that is gone', (t) => {
  const { native, pool } = start();
  pool.open(fakeTarget(0));
  pool.openSolo(pool.target(0));
  const producer = pool.producerOf(pool.target(0));
  t.equal(pool.producerAt(0), producer);
  t.equal(pool.producerAt(1), producer);
  pool.replace(producer);
  t.equal(pool.producerAt(0), undefined);
  t.equal(pool.producerAt(1), undefined);
  t.equal(pool.producerAt(native.batched(0).index), producer);
  t.end();
});

t.test('a replaced producer has all of its targets again', (t) => {
  const { native, pool } = start();
  pool.open(fakeTarget(0));
  pool.open(fakeTarget(1));
  pool.openSolo(pool.target(0));
  pool.replace(pool.producerOf(pool.target(0)));
  t.equal(native.open().length, 1, 'the one that sends alone comes again when it is needed');
  t.same([...native.batched(0).topics], ['topic-0', 'topic-1']);
  pool.openSolo(pool.target(1));
  t.same([...native.solo(1).topics], ['topic-1']);
  t.end();
});
