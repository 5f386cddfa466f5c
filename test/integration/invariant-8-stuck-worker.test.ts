import t from 'tap';
import { numbers, startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';
import { FAULTS, WorkerInspector } from '../support/worker-inspector.js';

const COUNT = 200;

t.test(
  'a worker in an endless loop is seen, ended and replaced, and nothing is lost',
  async (t) => {
    const inspector = await WorkerInspector.open(t);
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      connector: { shards: 1 },
      maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', kafkaAcks: 'all' }] }],
      supervision: { watchLimits: { silentLooks: 2, stuckLooks: 5, endLooks: 60 } },
    });
    bridge.kafka.setRoundTripMs(1, 20);
    for (const n of numbers(COUNT)) bridge.publish('a/1', n);
    await bridge.acknowledged(1);
    await inspector.run(inspector.newest, FAULTS.loop);
    await until('it is not ready, for that reason', () =>
      bridge.reasons().some(({ part, message }) => {
        return part === 'shard 0' && /its worker has done nothing for \d s/.test(message);
      }),
    );
    t.ok((await bridge.metric('millrace_worker_silent_seconds')) > 0);
    await until('it is replaced', async () => {
      return (await bridge.metric('millrace_workers_replaced_total')) === 1;
    });
    await bridge.acknowledged(COUNT);
    await bridge.inFlight(0);
    await bridge.ready();
    t.equal(await bridge.metric('millrace_worker_silent_seconds'), 0);
    t.equal(new Set(await bridge.values('out')).size, COUNT);
  },
);

t.test('a main thread that does nothing for a while is unready for a while after', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
  });
  // Longer than a stall has to be, whenever in the second it begins.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_500);
  await bridge.notReady('main thread');
  t.ok((await bridge.metric('millrace_main_thread_stalled_seconds_total')) >= 2);
  t.equal(await bridge.metric('millrace_main_thread_stalls_total'), 1);
  t.equal(await bridge.metric('millrace_workers_replaced_total'), 0, 'no worker is to blame');
});
