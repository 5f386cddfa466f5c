import t from 'tap';
import { ABANDONED, DELIVERED } from '../../src/channel/settlement-ring.js';
import { FakeWorker, type FakeWorkerOptions, fakeTarget } from '../support/fake-worker.js';

/* Producers that are replaced while records are under way, since certificates cannot be changed. */

const TOO_LARGE = 10;
const NOT_AUTHORISED = 29;

async function start(t: Tap, options?: FakeWorkerOptions): Promise<FakeWorker> {
  const worker = new FakeWorker(options);
  t.teardown(() => worker.close());
  await worker.run();
  return worker;
}
type Tap = { teardown(callback: () => void): void };

/** So long those that take their place have to connect. */
const WARM_UP_MS = 1_000;

interface Renewing {
  /** How it ended; undefined so far. */
  end(): object | undefined;
}

function renew(worker: FakeWorker): Renewing {
  let end: object | undefined;
  void worker.loop.renew().then((renewal) => {
    end = renewal;
  });
  return { end: () => end };
}

const UNSCATHED = { abandonedRecords: 0, timedOut: false };

t.test('a producer is replaced when all that it has is delivered, and order holds', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2);
  const before = native.batched();
  const renewing = renew(worker);
  await worker.run();
  const [, after] = native.open();
  t.equal(native.open().length, 2, 'the next one has time to connect');
  await worker.writeIds(3);
  t.same(native.with(before), [1, 2, 3], 'meanwhile all goes on');
  await worker.pass(WARM_UP_MS);
  await worker.writeIds(4, 5);
  t.same(native.with(before), [1, 2, 3], 'what comes now waits');
  t.equal(renewing.end(), undefined);
  native.deliver(before, 1);
  await worker.pass(1000);
  t.equal(native.batched(), before);
  native.deliver(before);
  await worker.run();
  t.equal(native.batched(), after);
  t.same(native.open(), [after], 'the one before is gone');
  t.strictSame(renewing.end(), UNSCATHED);
  t.same(native.with(native.batched()), [4, 5]);
  await worker.writeIds(6);
  native.deliver(native.batched());
  t.same(native.delivered.get(0), [1, 2, 3, 4, 5, 6]);
  t.equal(native.targets.get(0)?.diverted, false, 'records flow as before');
});

t.test('one that has nothing under way is replaced once the next had its time', async (t) => {
  const worker = await start(t, { targets: [{}, { lingerMs: 5 }] });
  const before = worker.native.open();
  const renewing = renew(worker);
  await worker.pass(WARM_UP_MS - 1);
  t.equal(renewing.end(), undefined);
  await worker.pass(1);
  t.strictSame(renewing.end(), UNSCATHED);
  t.equal(worker.native.open().length, 2);
  t.notOk(worker.native.open().some((producer) => before.includes(producer)));
});

t.test('a worker without producers has nothing to replace', async (t) => {
  const worker = await start(t, { targets: [] });
  const renewing = renew(worker);
  await worker.run();
  t.strictSame(renewing.end(), UNSCATHED);
});

t.test('after 5 s what was not sent is taken back, and comes in order', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  const before = native.batched();
  const renewing = renew(worker);
  await worker.pass(WARM_UP_MS);
  await worker.writeIds(4);
  await worker.pass(4_900);
  t.same(native.with(before), [1, 2, 3]);
  await worker.pass(200);
  t.strictSame(renewing.end(), UNSCATHED);
  t.same(native.with(native.batched()), [1, 2, 3, 4]);
  t.equal(native.settled.size, 0);
});

t.test('after 30 s what is in flight is given up as after a fatal error', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  const before = native.batched();
  const [first] = before.records;
  if (first !== undefined) first.inFlight = true;
  const renewing = renew(worker);
  await worker.pass(WARM_UP_MS);
  await worker.writeIds(4);
  for (let ms = 0; ms < 29_900; ms += 100) await worker.pass(100);
  t.same(native.with(before), [1]);
  t.same(worker.take('producerLost'), []);
  await worker.pass(200);
  t.match(worker.take('producerLost'), [{ code: 'E-185', loss: 1 }]);
  await worker.writeIds(5);
  t.equal(renewing.end(), undefined, 'the connections that own them are to be closed first');
  await worker.barrier(1);
  t.same(
    [...native.settled].sort(),
    [1, 2, 3, 4, 5].map((id) => [id, ABANDONED]),
  );
  t.strictSame(renewing.end(), { abandonedRecords: 5, timedOut: true });
  await worker.writeIds(6);
  t.not(native.batched().index, before.index);
  native.deliver(native.batched());
  t.equal(native.settled.get(6), DELIVERED);
});

t.test('a batch that is refused meanwhile is sent one by one, before what waits', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2, 3);
  const before = native.batched();
  const renewing = renew(worker);
  await worker.pass(WARM_UP_MS);
  await worker.writeIds(4);
  native.fail(before, TOO_LARGE, { count: 2 });
  await worker.run();
  t.strictSame(renewing.end(), UNSCATHED, 'what was behind it was taken back');
  t.notOk(native.open().includes(before));
  const solo = native.solo();
  t.same(native.with(solo), [1, 2]);
  native.deliver(solo);
  await worker.run();
  native.deliver(native.batched());
  t.same(native.delivered.get(0), [1, 2, 3, 4]);
});

t.test(
  'a producer that drains already, and those of quarantine and alone, are replaced',
  async (t) => {
    const worker = await start(t, { targets: [{}, {}] });
    const { native } = worker;
    await worker.write({ deliveryId: 1 }, { deliveryId: 2 }, { deliveryId: 3, targetId: 1 });
    const [record] = native.batched(1).records.slice(-1);
    if (record !== undefined) record.inFlight = true;
    native.fail(native.batched(), TOO_LARGE, { count: 2 });
    await worker.run();
    t.same(native.with(native.batched(1)), [3], 'it drains');
    const renewing = renew(worker);
    await worker.run();
    native.deliver(native.batched(1));
    await worker.pass(WARM_UP_MS);
    t.strictSame(renewing.end(), UNSCATHED);
    const solo = native.solo(0);
    t.same(native.with(solo), [1, 2], 'the refused go alone, in quarantine');
    const before = native.open();
    const again = renew(worker);
    await worker.pass(WARM_UP_MS);
    t.equal(again.end(), undefined);
    native.deliver(solo);
    await worker.run();
    t.strictSame(again.end(), UNSCATHED);
    t.notOk(native.open().some((producer) => before.includes(producer)));
  },
);

t.test('what is held stays held, and is tried by the new producer', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1, 2);
  const renewing = renew(worker);
  await worker.pass(WARM_UP_MS - 1);
  native.fail(native.batched(), NOT_AUTHORISED);
  await worker.run();
  t.match(worker.take('held'), [{ code: 'E29' }]);
  await worker.pass(1);
  t.strictSame(renewing.end(), UNSCATHED);
  t.same(worker.take('held'), []);
  await worker.pass(300);
  t.same(native.with(native.batched()), [1], 'one for trial');
  native.deliver(native.batched());
  await worker.run();
  native.deliver(native.batched());
  t.same(native.delivered.get(0), [1, 2]);
});

t.test('a target that is opened meanwhile waits for the new producer', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1);
  const before = native.batched();
  const renewing = renew(worker);
  await worker.pass(WARM_UP_MS);
  native.control(fakeTarget(1));
  await worker.write({ deliveryId: 2, targetId: 1 });
  t.same(native.with(before), [1]);
  native.deliver(before);
  await worker.run();
  t.strictSame(renewing.end(), UNSCATHED);
  t.same(native.with(native.batched(1)), [2]);
});

t.test('a fatal error meanwhile is a loss, and no time-out', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1);
  const renewing = renew(worker);
  native.setFatal(native.batched(), 47);
  await worker.run();
  t.equal(renewing.end(), undefined);
  await worker.barrier(1);
  t.strictSame(renewing.end(), { abandonedRecords: 1, timedOut: false });
});

t.test('a next one that is of no use before its time is opened again', async (t) => {
  const worker = await start(t);
  const { native } = worker;
  await worker.writeIds(1);
  const renewing = renew(worker);
  await worker.run();
  const [before, useless] = native.open();
  if (useless !== undefined) native.setFatal(useless, 47);
  await worker.run();
  t.same(native.open(), [before]);
  t.same(worker.take('producerLost'), []);
  native.deliver(native.batched());
  await worker.pass(WARM_UP_MS);
  t.strictSame(renewing.end(), UNSCATHED);
  t.notOk(native.batched().fatal);
});
