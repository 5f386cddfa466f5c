import t from 'tap';
import { ABANDONED, DELIVERED, EXPIRED } from '../../src/channel/settlement-ring.js';
import { POSSIBLY_PERSISTED } from '../support/fake-shard-producers.js';
import { FakeWorker, type FakeWorkerOptions } from '../support/fake-worker.js';

const TOO_LARGE = 10;
const NOT_AUTHORISED = 29;
const INVALID_RECORD = 87;
const INVALID_DIFFERENT_RECORD = -138;
const UNKNOWN_FATAL = 47;

async function start(t: Tap, options?: FakeWorkerOptions): Promise<FakeWorker> {
  const worker = new FakeWorker(options);
  t.teardown(() => worker.close());
  await worker.run();
  return worker;
}
type Tap = { teardown(callback: () => void): void };

t.test('members of a refused batch are sent again alone, in order', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3, 4, 5);
  native.fail(native.batched(), TOO_LARGE, { count: 3 });
  await worker.run();
  t.same(native.with(native.solo()), [1, 2, 3], 'the batch, and what was behind it waits');
  t.equal(native.solo().properties['batch.num.messages'], '1');
  t.equal(native.solo().properties['max.in.flight.requests.per.connection'], '1');
  native.deliver(native.solo(), 1);
  native.fail(native.solo(), TOO_LARGE, { count: 1 });
  native.deliver(native.solo());
  await worker.run();
  t.same(worker.takeRefused(), [2], 'alone and refused: a dead letter');
  t.same(native.with(native.batched()), [4, 5], 'then the others, in batches again');
  native.deliver(native.batched());
  await worker.writeIds(6);
  t.same(native.with(native.batched()), [6], 'and what comes now goes its quick way');
  native.deliver(native.batched());
  t.same(native.delivered.get(0), [1, 3, 4, 5, 6]);
  t.notOk(native.targets.get(0)?.diverted);
});

t.test('new records line up behind those that came back', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2);
  native.fail(native.batched(), INVALID_RECORD);
  await worker.run();
  await worker.writeIds(3, 4);
  t.same(native.with(native.solo()), [1, 2]);
  t.same(native.with(native.batched()), []);
  native.deliver(native.solo());
  await worker.run();
  t.same(native.with(native.batched()), [3, 4]);
});

t.test('another record’s fault in a batch is no reason to refuse', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1);
  native.fail(native.batched(), INVALID_DIFFERENT_RECORD);
  await worker.run();
  t.same(native.with(native.solo()), [1]);
  t.same(worker.takeRefused(), []);
});

t.test('a refusal takes back what the producer’s other targets have in its queue', async (t) => {
  const worker = await start(t, { targets: [{}, {}] });
  const { native } = worker;
  await worker.write({ deliveryId: 1 }, { deliveryId: 2, targetId: 1 });
  native.fail(native.batched(), TOO_LARGE, { count: 1 });
  await worker.run();
  t.same(native.with(native.solo(0)), [1]);
  t.same(native.with(native.batched(1)), [2], 'the other target goes on in batches');
});

t.test('a producer is drained, not its neighbour with other settings', async (t) => {
  const worker = await start(t, { targets: [{}, { lingerMs: 5 }] });
  const { native } = worker;
  await worker.write({ deliveryId: 1 }, { deliveryId: 2, targetId: 1 });
  const neighbour = native.batched(1);
  native.fail(native.batched(0), TOO_LARGE);
  await worker.run();
  t.same(native.with(neighbour), [2]);
  t.notOk(native.targets.get(1)?.diverted);
});

t.test('what is in flight is waited for before anything is sent again', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  const [, second] = native.batched().records;
  if (second !== undefined) second.inFlight = true;
  native.fail(native.batched(), TOO_LARGE, { count: 1 });
  await worker.run();
  t.same(native.with(native.batched()), [2]);
  t.equal(native.open().length, 1, 'nothing is sent alone yet');
  native.deliver(native.batched());
  await worker.run();
  t.same(native.with(native.solo()), [1]);
});

t.test('a drained idempotent producer is replaced, another kept', async (t) => {
  for (const idempotent of [true, false]) {
    const worker = await start(t, { targets: [{ idempotent }] });
    const { native } = worker;
    const { index } = native.batched();
    await worker.writeIds(1, 2);
    native.fail(native.batched(), TOO_LARGE, { count: 1 });
    await worker.run();
    t.equal(native.batched().index !== index, idempotent);
    t.equal(native.open().length, 2, 'one in batches, one alone');
    native.deliver(native.solo());
    await worker.run();
    t.same(native.with(native.batched()), [2]);
  }
});

t.test('a second refusal takes back what is being sent alone, and its order holds', async (t) => {
  const worker = await start(t, { targets: [{ idempotent: true }, { idempotent: true }] });
  const { native } = worker;
  await worker.write({ deliveryId: 1 }, { deliveryId: 2 });
  native.fail(native.batched(0), TOO_LARGE);
  await worker.run();
  t.same(native.with(native.solo(0)), [1, 2]);
  await worker.write({ deliveryId: 3, targetId: 1 });
  native.fail(native.batched(1), TOO_LARGE);
  await worker.run();
  t.same(
    native.with(native.solo(0)),
    [1, 2, 3],
    'alone once more, in the producer that replaces it',
  );
  native.deliver(native.solo(0));
  await worker.run();
  t.same([native.outstandingOf(0), native.outstandingOf(1)], [0, 0]);
  t.notOk(native.targets.get(0)?.diverted);
  t.equal(native.open().length, 2);
});

t.test('a refusal at once, of one record, is no stall for those behind it', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  native.refusedAtOnce.set(2, TOO_LARGE);
  await worker.writeIds(1, 2, 3);
  native.deliver(native.batched());
  await worker.run();
  t.same(worker.takeRefused(), [2]);
  t.same(native.with(native.batched()), [3]);
});

t.test('what is not authorised is held, tried with one record, and doubles its wait', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  native.fail(native.batched(), NOT_AUTHORISED, { count: 2 });
  await worker.run();
  t.match(worker.take('held'), [{ targetId: 0, code: 'E29' }]);
  t.same(native.with(native.batched()), [], 'what was behind is taken back');
  for (const waitMs of [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
    await worker.pass(waitMs - 1);
    t.same(native.with(native.batched()), [], `nothing before ${waitMs} ms`);
    await worker.pass(2);
    t.same(native.with(native.batched()), [1], `one after ${waitMs} ms`);
    native.fail(native.batched(), NOT_AUTHORISED);
    await worker.run();
  }
  t.same(worker.take('held'), [], 'it was said once');
  await worker.writeIds(4);
  await worker.pass(15_001);
  native.deliver(native.batched());
  await worker.run();
  t.match(worker.take('held'), [{ targetId: 0, code: undefined }]);
  t.same(native.with(native.batched()), [2, 3, 4]);
  native.deliver(native.batched());
  t.same(native.delivered.get(0), [1, 2, 3, 4]);
});

t.test('while a record is held, those behind it do not overtake it', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2);
  const record = native.batched().records[1];
  if (record !== undefined) record.inFlight = true;
  native.fail(native.batched(), NOT_AUTHORISED, { count: 1 });
  await worker.run();
  await worker.writeIds(3);
  await worker.pass(251);
  t.same(native.with(native.batched()), [2], 'the probe waits for what is in flight');
});

t.test('a hold is one target’s: another of its producer flows', async (t) => {
  const worker = await start(t, { targets: [{}, {}] });
  const { native } = worker;
  await worker.write({ deliveryId: 1 }, { deliveryId: 2, targetId: 1 });
  native.fail(native.batched(), NOT_AUTHORISED, { count: 1 });
  await worker.run();
  t.same(native.with(native.batched()), [2]);
  native.deliver(native.batched());
  await worker.run();
  await worker.write({ deliveryId: 3, targetId: 1 });
  t.same(native.with(native.batched()), [3]);
});

t.test('a probe that was taken back proves nothing: the hold goes on', async (t) => {
  const worker = await start(t, { targets: [{}, {}] });
  const { native } = worker;
  await worker.writeIds(1, 2);
  native.fail(native.batched(), NOT_AUTHORISED);
  await worker.run();
  await worker.pass(251);
  t.same(native.with(native.batched()), [1]);
  await worker.write({ deliveryId: 3, targetId: 1 });
  // The other target's record is refused, so the probe is purged with all else.
  native.batched().records.reverse();
  native.fail(native.batched(), TOO_LARGE, { count: 1 });
  worker.take('held');
  await worker.run();
  t.same(worker.take('held'), [], 'not released');
  t.same(native.with(native.batched()), [1], 'the probe again, and only that');
});

t.test('a hold ends when all that was held has expired', async (t) => {
  const worker = await start(t);
  const { native, clock } = worker;
  const deadlineMs = clock.monotonicMs() + 100;
  await worker.write({ deliveryId: 1, deadlineMs }, { deliveryId: 2, deadlineMs });
  native.fail(native.batched(), NOT_AUTHORISED);
  await worker.run();
  worker.take('held');
  await worker.pass(251);
  t.same([native.settled.get(1), native.settled.get(2)], [EXPIRED, EXPIRED]);
  t.match(worker.take('held'), [{ targetId: 0, code: undefined }]);
  t.notOk(native.targets.get(0)?.diverted);
});

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
