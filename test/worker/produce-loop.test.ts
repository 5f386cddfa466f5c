import t from 'tap';
import { EVENT_ERROR, EVENT_LOG } from '../../src/kafka/addon.js';
import { FakeWorker } from '../support/fake-worker.js';

function start(t: { teardown(callback: () => void): void }, targets = 1): FakeWorker {
  const worker = new FakeWorker({
    targets: Array.from({ length: targets }, (_, variant) => ({ variant })),
  });
  t.teardown(() => worker.close());
  return worker;
}

t.test('targets open in the order of the ring, before the records behind them', async (t) => {
  const worker = new FakeWorker({ targets: [{}, {}, { lingerMs: 7 }] });
  t.teardown(() => worker.close());
  worker.native.write({ deliveryId: 1, targetId: 2 });
  await worker.run();
  const { native } = worker;
  t.same([...native.targets.keys()], [0, 1, 2]);
  t.equal(native.batched(0), native.batched(1), 'equal settings share a producer');
  t.not(native.batched(0), native.batched(2));
  t.equal(native.batched(2).properties['linger.ms'], '7');
  t.same(native.with(native.batched(2)), [1]);
});

t.test('Kafka is up while any producer is connected, and main is told of changes', async (t) => {
  const worker = start(t, 2);
  await worker.run();
  const { native } = worker;
  native.tell(native.batched(0), false);
  await worker.run();
  t.match(worker.take('kafka'), [{ up: false, detail: /no broker/ }]);
  native.tell(native.batched(0), true);
  native.tell(native.batched(1), false);
  await worker.run();
  t.match(worker.take('kafka'), [{ up: true }], 'one that is idle takes nothing away');
  native.tell(native.batched(1), false);
  await worker.run();
  t.same(worker.take('kafka'), []);
  native.tell(native.batched(0), false);
  await worker.run();
  t.match(worker.take('kafka'), [{ up: false }]);
});

t.test('a producer that was replaced says nothing of Kafka any more', async (t) => {
  const worker = start(t, 2);
  await worker.run();
  const { native } = worker;
  native.tell(native.batched(0), true);
  await worker.run();
  t.match(worker.take('kafka'), [{ up: true }]);
  native.setFatal(native.batched(0), 47);
  await worker.run();
  await worker.barrier(1);
  native.tell(native.batched(1), false);
  await worker.run();
  t.match(worker.take('kafka'), [{ up: false }]);
});

t.test('what librdkafka logs goes to main at a level of ours', async (t) => {
  const worker = start(t);
  const levels = [
    [0, 'error'],
    [2, 'error'],
    [3, 'debug'],
    [6, 'debug'],
    [7, 'debug'],
  ] as const;
  for (const [code, level] of levels) {
    worker.native.event({ kind: EVENT_LOG, producer: 0, code, fatal: false, text: `at ${code}` });
    await worker.run();
    t.match(worker.take('log'), [{ level, text: `at ${code}` }]);
  }
  worker.native.event({ kind: EVENT_ERROR, producer: 0, code: -195, fatal: false, text: 'down' });
  await worker.run();
  t.match(worker.take('log'), [{ level: 'debug', text: 'down' }], 'said once, as kafka messages');
  worker.native.event({ kind: EVENT_ERROR, producer: 0, code: -169, fatal: false, text: 'auth' });
  await worker.run();
  t.match(worker.take('log'), [{ level: 'warn', text: 'auth' }]);
  t.same(worker.take('producerLost'), []);
});

const REFUSED =
  'FAIL: [thrd:a:1/1]: a:1/1: Connect to ipv4#10.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)';
const TLS_PORT =
  'FAIL: [thrd:a:1/1]: a:1/1: Disconnected: closed by peer (after 3ms in state APIVERSION_QUERY)';

t.test('what keeps every producer from Kafka is told, each fault once', async (t) => {
  const worker = start(t);
  await worker.run();
  const { native } = worker;
  const log = async (text: string) => {
    native.event({ kind: EVENT_LOG, producer: 0, code: 3, fatal: false, text });
    await worker.run();
  };
  const tell = async (up: boolean) => {
    native.tell(native.batched(0), up);
    await worker.run();
  };
  await log(REFUSED);
  t.same(worker.take('kafka'), [], 'it may yet connect');
  await tell(false);
  t.match(worker.take('kafka'), [
    { up: false, reason: 'refused', detail: 'nobody listens at a:1' },
  ]);
  await log(REFUSED);
  await log(TLS_PORT);
  t.match(worker.take('kafka'), [{ up: false, reason: 'protocol', detail: /port for TLS/ }]);
  await tell(true);
  t.match(worker.take('kafka'), [{ up: true }]);
  await log(REFUSED);
  t.same(worker.take('kafka'), [], 'another broker may be there');
  worker.clock.advance(6_000);
  await tell(false);
  t.match(
    worker.take('kafka'),
    [{ up: false, reason: 'network', detail: /no broker/ }],
    'long ago',
  );
});

t.test('a closed loop turns no more and closes the addon once', async (t) => {
  const worker = new FakeWorker();
  await worker.run();
  worker.close();
  t.ok(worker.native.closed);
  worker.loop.turn();
  worker.clock.advance(10_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(worker.posted, []);
});
