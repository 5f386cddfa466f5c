import t from 'tap';
import { EXPIRED } from '../../src/channel/settlement-ring.js';
import { FakeWorker, type FakeWorkerOptions } from '../support/fake-worker.js';

const TOO_LARGE = 10;
const NOT_AUTHORISED = 29;
const INVALID_RECORD = 87;
const INVALID_DIFFERENT_RECORD = -138;

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
  await worker.write({ deliveryId: 1 }, { deliveryId: 2, payload: 'large' });
  await worker.writeIds(3, 4, 5);
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
  const worker = await start(t, { targets: [{ idempotent: true }] });
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  native.fail(native.batched(), TOO_LARGE, { count: 2 });
  await worker.run();
  t.same(native.with(native.solo()), [1, 2]);
  const { index } = native.solo();
  native.fail(native.solo(), INVALID_DIFFERENT_RECORD, { count: 1 });
  await worker.run();
  t.not(native.solo().index, index);
  t.same(native.with(native.solo()), [1, 2], 'alone once more, in the producer that replaces it');
  native.deliver(native.solo());
  await worker.run();
  native.deliver(native.batched());
  t.same(native.delivered.get(0), [1, 2, 3]);
  t.equal(native.outstandingOf(0), 0);
  t.notOk(native.targets.get(0)?.diverted);
  t.equal(native.open().length, 2);
});

t.test('a refusal at once, of one record, is no stall for those behind it', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  native.refusedAtOnce.set(2, TOO_LARGE);
  await worker.write({ deliveryId: 1 }, { deliveryId: 2, payload: 'large' }, { deliveryId: 3 });
  native.deliver(native.batched());
  await worker.run();
  t.same(worker.takeRefused(), [2]);
  t.same(native.with(native.batched()), [3]);
});

t.test('what follows a refusal at once waits for what is being sent alone before it', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.write({ deliveryId: 1 }, { deliveryId: 2, payload: 'large' }, { deliveryId: 3 });
  native.refusedAtOnce.set(2, TOO_LARGE);
  native.fail(native.batched(), TOO_LARGE, { count: 2 });
  await worker.run();
  t.same(worker.takeRefused(), [2]);
  t.same(native.with(native.solo()), [1]);
  t.same(native.with(native.batched()), [], 'the third does not overtake the first');
  native.deliver(native.solo());
  await worker.run();
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
