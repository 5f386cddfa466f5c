import t from 'tap';
import { FakeWorker, type FakeWorkerOptions } from '../support/fake-worker.js';

/* Records that Kafka refuses, again and again: whom they disturb. */

const TOO_LARGE = 10;
const INVALID_RECORD = 87;
const NOT_AUTHORISED = 29;
/** What every other record is smaller than, unless a test says otherwise. */
const LARGE = 'x'.repeat(1000);
const IDEMPOTENT = { targets: [{ idempotent: true }, { idempotent: true }] };

async function start(t: Tap, options?: FakeWorkerOptions): Promise<FakeWorker> {
  const worker = new FakeWorker(options);
  t.teardown(() => worker.close());
  await worker.run();
  return worker;
}
type Tap = { teardown(callback: () => void): void };

/** A batch of target 0 with this record is refused, and then the record by itself. */
async function refuse(worker: FakeWorker, deliveryId: number, payload = LARGE): Promise<void> {
  const { native } = worker;
  await worker.write({ deliveryId, payload });
  native.fail(native.batched(), TOO_LARGE);
  await worker.run();
  native.fail(native.solo(), TOO_LARGE);
  await worker.run();
  t.same(worker.takeRefused(), [deliveryId]);
}

t.test('who had a batch refused never disturbs the others again', async (t) => {
  const worker = await start(t, IDEMPOTENT);
  const { native } = worker;
  await refuse(worker, 1);
  const home = native.batched(1);
  t.not(native.batched(0), home);
  await worker.write({ deliveryId: 2, targetId: 1 }, { deliveryId: 3, targetId: 1 });
  for (const deliveryId of [4, 5, 6]) {
    await worker.write({ deliveryId });
    native.fail(native.batched(0), INVALID_RECORD);
    await worker.run();
    t.equal(native.batched(1), home, 'its producer is the same');
    t.same(native.with(home), [2, 3], 'and has what it had');
    t.notOk(native.targets.get(1)?.diverted);
    native.deliver(native.solo(0));
    await worker.run();
  }
  native.deliver(home);
  t.same(native.delivered.get(1), [2, 3]);
  t.same(native.delivered.get(0), [4, 5, 6]);
});

t.test('it moves with what came back, in order, and new records go the same way', async (t) => {
  const worker = await start(t, IDEMPOTENT);
  const { native } = worker;
  await worker.writeIds(1, 2, 3, 4);
  const home = native.batched(0);
  native.fail(home, INVALID_RECORD, { count: 2 });
  const [third] = home.records;
  if (third !== undefined) third.inFlight = true;
  await worker.run();
  await worker.writeIds(5);
  t.equal(native.batched(0), home, 'not while anything of it is out');
  native.deliver(home);
  await worker.run();
  t.not(native.batched(0).index, native.batched(1).index);
  t.same(native.with(native.solo(0)), [1, 2]);
  native.deliver(native.solo(0));
  await worker.run();
  t.same(native.with(native.batched(0)), [4, 5]);
  await worker.writeIds(6);
  t.same(native.with(native.batched(0)), [4, 5, 6]);
});

t.test('all who had batches refused share one producer, with the settings they had', async (t) => {
  const worker = await start(t, { targets: [{}, {}, {}, { lingerMs: 5 }] });
  const { native } = worker;
  for (const targetId of [0, 1]) {
    await worker.write({ deliveryId: 1 + targetId, targetId });
    native.fail(native.batched(targetId), INVALID_RECORD);
    await worker.run();
    native.deliver(native.solo(targetId));
    await worker.run();
  }
  t.equal(native.batched(0), native.batched(1));
  t.not(native.batched(0), native.batched(2));
  t.same(native.batched(0).properties, native.batched(2).properties);
  t.equal(native.solo(0), native.solo(1));
});

t.test('where there is nobody to disturb, nothing moves', async (t) => {
  const worker = await start(t, { targets: [{ idempotent: true }] });
  const { native } = worker;
  await refuse(worker, 1);
  t.equal(native.open().length, 2, 'one in batches, one alone');
});

t.test('it waits for a quarantine that is being emptied', async (t) => {
  const worker = await start(t, { targets: [{}, {}, {}] });
  const { native } = worker;
  await refuse(worker, 1);
  const quarantine = native.batched(0);
  await worker.writeIds(2, 3);
  const second = quarantine.records[1];
  if (second !== undefined) second.inFlight = true;
  native.fail(quarantine, INVALID_RECORD, { count: 1 });
  await worker.write({ deliveryId: 4, targetId: 1 });
  native.fail(native.batched(1), INVALID_RECORD);
  await worker.run();
  t.not(native.batched(1), quarantine);
  native.deliver(quarantine);
  await worker.run();
  t.equal(native.batched(1), quarantine);
  t.same(native.with(native.solo(1)), [2, 4]);
});

t.test('what is as large as a record that was refused goes alone from the start', async (t) => {
  const worker = await start(t, IDEMPOTENT);
  const { native } = worker;
  await refuse(worker, 1, 'x'.repeat(100));
  const { index } = native.batched();
  await worker.write(
    { deliveryId: 2, payload: 'x'.repeat(99) },
    { deliveryId: 3, payload: 'x'.repeat(100) },
    { deliveryId: 4, payload: 'x' },
    { deliveryId: 5, payload: 'x'.repeat(101) },
  );
  t.same(native.with(native.batched()), [2], 'smaller ones in batches');
  native.deliver(native.batched());
  await worker.run();
  t.same(native.with(native.solo()), [3], 'alone, and the others wait');
  native.fail(native.solo(), TOO_LARGE);
  await worker.run();
  t.same(native.with(native.batched()), [4], 'was in no batch with it');
  native.deliver(native.batched());
  await worker.run();
  native.fail(native.solo(), TOO_LARGE);
  await worker.run();
  t.same(worker.takeRefused(), [3, 5]);
  t.equal(native.batched().index, index, 'no producer was replaced');
  await worker.writeIds(6);
  t.same(native.with(native.batched()), [6], 'and the way is the quick one again');
});

t.test('a large record that is taken shows that there is another limit now', async (t) => {
  const worker = await start(t, IDEMPOTENT);
  const { native } = worker;
  await refuse(worker, 1, 'x'.repeat(100));
  const large = { payload: 'x'.repeat(100) };
  await worker.write({ deliveryId: 2, ...large }, { deliveryId: 3, ...large });
  t.same(native.with(native.solo()), [2], 'the second waits for what becomes of the first');
  native.deliver(native.solo());
  await worker.run();
  t.same(native.with(native.batched()), [3]);
  await worker.write({ deliveryId: 4, ...large });
  t.same(native.with(native.batched()), [3, 4]);
});

t.test('one that comes back for another reason shows nothing', async (t) => {
  const worker = await start(t, IDEMPOTENT);
  const { native } = worker;
  await refuse(worker, 1, 'x'.repeat(100));
  const large = { payload: 'x'.repeat(100) };
  await worker.write({ deliveryId: 2, ...large });
  native.fail(native.solo(), NOT_AUTHORISED);
  await worker.run();
  await worker.pass(251);
  t.same(native.with(native.solo()), [2]);
  await worker.write({ deliveryId: 3, ...large });
  native.deliver(native.solo());
  await worker.run();
  t.same(native.with(native.batched()), [3], 'only now it does');
});

t.test('a refusal for another reason is none for its size', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1);
  native.fail(native.batched(), INVALID_RECORD);
  await worker.run();
  native.fail(native.solo(), INVALID_RECORD);
  await worker.run();
  t.same(worker.takeRefused(), [1]);
  await worker.writeIds(2);
  t.same(native.with(native.batched()), [2]);
});
