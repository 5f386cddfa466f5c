import t from 'tap';
import { ABANDONED, DELIVERED, EXPIRED } from '../../src/channel/settlement-ring.js';
import { POSSIBLY_PERSISTED } from '../support/fake-shard-producers.js';
import { FakeWorker, type FakeWorkerOptions } from '../support/fake-worker.js';

const TOO_LARGE = 10;
const UNKNOWN_FATAL = 47;

async function start(t: Tap, options?: FakeWorkerOptions): Promise<FakeWorker> {
  const worker = new FakeWorker(options);
  t.teardown(() => worker.close());
  await worker.run();
  return worker;
}
type Tap = { teardown(callback: () => void): void };

t.test('what may be in Kafka is abandoned, with all behind it until the barrier', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  native.fail(native.batched(), -195, { count: 1, status: POSSIBLY_PERSISTED });
  await worker.run();
  t.match(worker.take('producerLost'), [{ code: 'E-195', loss: 1 }]);
  await worker.writeIds(4);
  t.same(
    [...native.settled],
    [1, 2, 3, 4].map((id) => [id, ABANDONED]),
  );
  native.write({ deliveryId: 5 });
  native.control({ kind: 'barrier', loss: 1 });
  native.write({ deliveryId: 6 });
  await worker.run();
  t.equal(native.settled.get(5), ABANDONED, 'it came before the barrier');
  t.same(native.with(native.batched()), [6]);
  native.deliver(native.batched());
  t.equal(native.settled.get(6), DELIVERED);
});

t.test(
  'a fatal error abandons everything until the barrier, then the producer is new',
  async (t) => {
    const worker = await start(t);
    const { native } = worker;
    await worker.writeIds(1, 2);
    const record = native.batched().records[0];
    if (record !== undefined) record.inFlight = true;
    const lost = native.batched();
    native.setFatal(lost, UNKNOWN_FATAL);
    await worker.run();
    t.match(worker.take('producerLost'), [{ code: 'E47', loss: 1 }]);
    t.match(worker.take('log'), [{ level: 'error' }]);
    await worker.writeIds(3);
    t.same(
      [...native.settled],
      [1, 2, 3].map((id) => [id, ABANDONED]),
    );
    t.equal(native.batched().index, lost.index, 'it waits for the barrier');
    await worker.barrier(1);
    t.not(native.batched().index, lost.index);
    t.same(
      native.open().map(({ index }) => index),
      [native.batched().index],
    );
    await worker.writeIds(4);
    native.deliver(native.batched());
    t.equal(native.settled.get(4), DELIVERED);
  },
);

t.test('a fatal error of the producer that sends alone replaces it too', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2);
  native.fail(native.batched(), TOO_LARGE);
  await worker.run();
  const solo = native.solo();
  native.setFatal(solo, UNKNOWN_FATAL);
  await worker.run();
  await worker.barrier(1);
  t.notOk(native.open().includes(solo));
  await worker.writeIds(3);
  native.fail(native.batched(), TOO_LARGE);
  await worker.run();
  t.same(native.with(native.solo()), [3]);
  native.deliver(native.solo());
  t.equal(native.settled.get(3), DELIVERED);
});

t.test('a barrier answers the losses that it names and no later one', async (t) => {
  const worker = await start(t, { targets: [{}, { lingerMs: 5 }] });
  const { native } = worker;
  native.setFatal(native.batched(0), UNKNOWN_FATAL);
  await worker.run();
  native.setFatal(native.batched(1), UNKNOWN_FATAL);
  await worker.run();
  t.match(worker.take('producerLost'), [{ loss: 1 }, { loss: 2 }]);
  await worker.barrier(1);
  await worker.write({ deliveryId: 1 }, { deliveryId: 2, targetId: 1 });
  t.same(native.with(native.batched(0)), [1]);
  t.equal(native.settled.get(2), ABANDONED);
  await worker.barrier(2);
  await worker.write({ deliveryId: 3, targetId: 1 });
  t.same(native.with(native.batched(1)), [3]);
});

t.test('a fatal error while a producer drains abandons what had come back', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  const last = native.batched().records[2];
  if (last !== undefined) last.inFlight = true;
  native.fail(native.batched(), TOO_LARGE, { count: 1 });
  await worker.run();
  native.setFatal(native.batched(), UNKNOWN_FATAL);
  await worker.run();
  t.same(
    [...native.settled].sort(),
    [1, 2, 3].map((id) => [id, ABANDONED]),
  );
});

t.test(
  'without Kafka, records that can expire are taken back, and wait until it is there',
  async (t) => {
    const worker = await start(t);
    const { native, clock } = worker;
    const nowMs = clock.monotonicMs();
    await worker.write(
      { deliveryId: 1, deadlineMs: nowMs + 5000 },
      { deliveryId: 2 },
      { deliveryId: 3, deadlineMs: nowMs + 60_000 },
    );
    await worker.pass(1000);
    t.same(native.with(native.batched()), [1, 2, 3], 'they are not stale yet');
    await worker.pass(1000);
    t.same(native.with(native.batched()), [], 'taken back, with what was between them');
    await worker.pass(4000);
    t.same(native.with(native.batched()), []);
    native.tell(native.batched(), true);
    await worker.run();
    await worker.pass(1000);
    t.equal(native.settled.get(1), EXPIRED);
    t.same(native.with(native.batched()), [2, 3]);
    t.match(worker.take('kafka'), [{ up: true }]);
  },
);

t.test('records that cannot expire stay with librdkafka, however long', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1);
  await worker.pass(3_600_000);
  t.same(native.with(native.batched()), [1]);
});

t.test(
  'with a Kafka that is slow, and while batches linger, nothing is taken back early',
  async (t) => {
    const worker = await start(t, { targets: [{ lingerMs: 5000 }, { variant: 1 }] });
    const { native, clock } = worker;
    const deadlineMs = clock.monotonicMs() + 3_600_000;
    await worker.write({ deliveryId: 1, deadlineMs });
    await worker.pass(5000);
    t.same(native.with(native.batched(0)), [1], 'it lingers');
    await worker.pass(2000);
    t.same(native.with(native.batched(0)), []);
    native.tell(native.batched(1), true);
    await worker.run();
    await worker.pass(1000);
    t.same(native.with(native.batched(0)), [1]);
    await worker.write({ deliveryId: 2, targetId: 1, deadlineMs });
    await worker.pass(9000);
    t.same(native.with(native.batched(1)), [2], 'Kafka is there, if slow');
    await worker.pass(2000);
    t.same(native.with(native.batched(1)), [2], 'taken back, and sent again at once');
    t.ok((native.batched(1).records[0]?.producedMs ?? 0) > deadlineMs - 3_600_000);
  },
);

t.test('what was in flight when Kafka went is not sent again by us', async (t) => {
  const worker = await start(t);
  const { native, clock } = worker;
  const deadlineMs = clock.monotonicMs() + 60_000;
  await worker.write({ deliveryId: 1, deadlineMs }, { deliveryId: 2, deadlineMs });
  const record = native.batched().records[0];
  // librdkafka has put it back into its queue to try it again.
  if (record !== undefined) record.retried = true;
  await worker.pass(2000);
  t.equal(native.settled.get(1), ABANDONED);
  t.equal(native.settled.get(2), ABANDONED, 'and what is behind it waits for the redelivery');
  t.match(worker.take('producerLost'), [{ loss: 1 }]);
});
