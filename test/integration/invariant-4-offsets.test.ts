import t from 'tap';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { metricOf } from '../support/prometheus.js';
import { CLIENT_ID, CONNECTOR } from '../support/resources.js';
import { until } from '../support/until.js';

const GROUP = 'down';
const COUNT = 40;

function setUp(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    topics: { commands: 2 },
    maps: [
      {
        routes: [
          {
            direction: 'kafkaToMqtt' as const,
            name: 'down',
            kafkaTopic: 'commands',
            mqttTopic: `devices/\${key}`,
            qos: 1,
            commitIntervalMs: 100,
            ...changes,
          },
        ],
      },
    ],
  };
}

/** Twice as many records as `count`, over both partitions. */
async function writeBoth(bridge: Embedded, count: number): Promise<string[]> {
  const values = numbers(2 * count);
  const records = values.map((value) => ({ value, key: 'k', partition: Number(value) % 2 }));
  await bridge.write('commands', records);
  return values;
}

t.test('what the broker has acknowledged is committed, and nothing before that', async (t) => {
  const bridge = await startEmbedded(t, setUp());
  const release = bridge.broker.holdPubacks(CLIENT_ID);
  const values = await writeBoth(bridge, COUNT);
  await bridge.sent(2 * COUNT);
  t.equal(bridge.bridge.inFlight, 2 * COUNT);
  await until('some commits would have been made', async () => {
    return (await bridge.metric('millrace_records_consumed_total')) === 2 * COUNT;
  });
  t.same(await bridge.committed(GROUP, 'commands', 2), [0, 0], 'no PUBACK has come');
  release();
  await bridge.commits(GROUP, 'commands', [COUNT, COUNT]);
  t.same(bridge.payloads().sort(), values.sort());
  t.equal(bridge.published.length, 2 * COUNT, 'nothing twice');
});

t.test('a process that ends without PUBACKs reads the same records again', async (t) => {
  const bridge = await startEmbedded(t, setUp());
  await writeBoth(bridge, COUNT);
  await bridge.commits(GROUP, 'commands', [COUNT, COUNT]);
  bridge.published.length = 0;
  bridge.broker.holdPubacks(CLIENT_ID);
  await writeBoth(bridge, COUNT);
  await bridge.sent(2 * COUNT);
  t.equal(await bridge.stop(0), 2 * COUNT, 'left unsettled');
  t.same(await bridge.committed(GROUP, 'commands', 2), [COUNT, COUNT]);
  bridge.published.length = 0;
  bridge.broker.holdPubacks(CLIENT_ID)();
  await bridge.start();
  await bridge.commits(GROUP, 'commands', [2 * COUNT, 2 * COUNT]);
  t.same(bridge.payloads().sort(), numbers(2 * COUNT).sort());
});

t.test('a drain waits for PUBACKs and commits them', async (t) => {
  const bridge = await startEmbedded(t, setUp({ commitIntervalMs: 60_000 }));
  const release = bridge.broker.holdPubacks(CLIENT_ID);
  await writeBoth(bridge, COUNT);
  await bridge.sent(2 * COUNT);
  const stopped = bridge.stop(30_000);
  release();
  t.equal(await stopped, 0);
  t.same(await bridge.committed(GROUP, 'commands', 2), [COUNT, COUNT]);
});

t.test('a worker that dies loses nothing, and takes no packet identifier with it', async (t) => {
  const bridge = await startEmbedded(t, setUp());
  const release = bridge.broker.holdPubacks(CLIENT_ID);
  const values = await writeBoth(bridge, COUNT);
  await bridge.sent(2 * COUNT);
  await bridge.bridge.crashWorker(0);
  await until('it is replaced', async () => {
    return (await bridge.metric('millrace_workers_replaced_total')) === 1;
  });
  // Its successor reads all of it again, behind what is unacknowledged still.
  await bridge.sent(4 * COUNT);
  t.same(await bridge.committed(GROUP, 'commands', 2), [0, 0]);
  release();
  await bridge.commits(GROUP, 'commands', [COUNT, COUNT]);
  t.same(bridge.payloads().sort(), values.sort());
  await bridge.inFlight(0);
  t.equal(await bridge.metric('millrace_publishes_in_flight'), 0);
});

t.test('after an outage of MQTT what is unacknowledged comes first, and in order', async (t) => {
  const bridge = await startEmbedded(t, setUp());
  bridge.broker.holdPubacks(CLIENT_ID);
  await writeBoth(bridge, COUNT);
  await bridge.sent(2 * COUNT);
  const before = bridge.published.splice(0).map(({ payload }) => payload);
  bridge.broker.holdPubacks(CLIENT_ID)();
  bridge.broker.dropConnections(CLIENT_ID);
  await bridge.commits(GROUP, 'commands', [COUNT, COUNT]);
  t.same(bridge.published.map(({ payload }) => payload).slice(0, 2 * COUNT), before);
});

t.test('a session that the broker has lost is begun anew, and nothing is lost', async (t) => {
  const bridge = await startEmbedded(t, setUp());
  bridge.broker.holdPubacks(CLIENT_ID);
  const values = await writeBoth(bridge, COUNT);
  await bridge.sent(2 * COUNT);
  bridge.broker.holdPubacks(CLIENT_ID)();
  bridge.broker.discardSession(CLIENT_ID);
  await bridge.commits(GROUP, 'commands', [COUNT, COUNT]);
  t.same(bridge.payloads().sort(), values.sort());
});

t.test('partitions move to another instance, and nothing is lost on the way', async (t) => {
  const bridge = await startEmbedded(t, { ...setUp(), connector: { instances: 2 } });
  const release = bridge.broker.holdPubacks(CLIENT_ID);
  await writeBoth(bridge, COUNT);
  await bridge.sent(2 * COUNT);
  const other = await bridge.startInstance(1);
  t.teardown(() => other.stop(0));
  await until('a partition is to be given up', async () => {
    return (await bridge.metric('millrace_partitions_assigned')) === 1;
  });
  t.same(await bridge.committed(GROUP, 'commands', 2), [0, 0]);
  release();
  await until('the other has it', async () => {
    return metricOf(await other.metrics.text(), 'millrace_partitions_assigned') === 1;
  });
  const values = await writeBoth(bridge, COUNT);
  await bridge.commits(GROUP, 'commands', [2 * COUNT, 2 * COUNT]);
  const seen = (clientId: string) =>
    bridge.published.filter((each) => each.clientId === clientId).map(({ payload }) => payload);
  t.same([...new Set(seen(CLIENT_ID))].sort(), values.sort());
  // The mock cluster, unlike Kafka, may refuse every commit while a member is on its way into the group:
  // then what was sent comes again.
  const theirs = seen(`${CONNECTOR}-1`);
  t.ok([COUNT, 2 * COUNT].includes(theirs.length), `${theirs.length} over the other session`);
  t.equal(new Set(theirs).size, COUNT);
  t.equal(seen(CLIENT_ID).length, 3 * COUNT, 'nothing twice over this one');
  await other.stop(10_000);
  await writeBoth(bridge, COUNT);
  await bridge.commits(GROUP, 'commands', [3 * COUNT, 3 * COUNT]);
});

t.test('at QoS 0 nothing is committed while MQTT is away', async (t) => {
  const bridge = await startEmbedded(t, setUp({ qos: 0 }));
  await writeBoth(bridge, COUNT);
  await bridge.commits(GROUP, 'commands', [COUNT, COUNT]);
  const allow = bridge.broker.refuseConnections(0x88);
  bridge.broker.dropConnections(CLIENT_ID);
  await bridge.notReady(`session ${CLIENT_ID}`);
  await writeBoth(bridge, COUNT);
  t.same(await bridge.committed(GROUP, 'commands', 2), [COUNT, COUNT]);
  allow();
  await bridge.commits(GROUP, 'commands', [2 * COUNT, 2 * COUNT]);
  await bridge.sent(4 * COUNT);
});

t.test('far more records than a turn takes all go at QoS 0', async (t) => {
  const bridge = await startEmbedded(t, setUp({ qos: 0 }));
  await writeBoth(bridge, 5_000);
  await bridge.commits(GROUP, 'commands', [5_000, 5_000]);
  await bridge.sent(10_000);
});
