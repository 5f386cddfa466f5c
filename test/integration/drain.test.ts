import t from 'tap';
import { numbers, startEmbedded } from '../support/embedded.js';
import { CLIENT_ID } from '../support/resources.js';
import { until } from '../support/until.js';

const oneRoute = {
  topics: { out: 1 },
  maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
};

t.test(
  'a drain lets what is in flight settle, acknowledges it, and disconnects normally',
  async (t) => {
    const bridge = await startEmbedded(t, oneRoute);
    const ends: (number | undefined)[] = [];
    bridge.broker.hooks.onDisconnected = (_, reasonCode, endedBy) => {
      if (endedBy === 'client') ends.push(reasonCode);
    };
    bridge.kafka.setRoundTripMs(1, 300);
    for (const n of numbers(20)) bridge.publish('a/b', n);
    await bridge.inFlight(20);
    t.equal(bridge.pubacks.length, 0);
    const stopped = bridge.stop(30_000);
    // It reads no more: this stays with the broker.
    bridge.publish('a/b', 'too late');
    t.equal(await stopped, 0, 'nothing is left');
    t.equal(bridge.pubacks.length, 20);
    t.same(ends, [0], 'DISCONNECT with normal disconnection');
    bridge.kafka.setRoundTripMs(1, 0);
    await bridge.start();
    await bridge.acknowledged(21);
    await bridge.inFlight(0);
    t.same(await bridge.values('out'), [...numbers(20), 'too late'], 'nothing twice');
  },
);

t.test(
  'what comes from MQTT during a drain does not keep back the PUBACKs of what goes there',
  async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1, commands: 1 },
      maps: [
        {
          routes: [
            { name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' },
            {
              direction: 'kafkaToMqtt',
              name: 'down',
              kafkaTopic: 'commands',
              mqttTopic: 'devices/x',
              qos: 1,
            },
          ],
        },
      ],
    });
    const release = bridge.broker.holdPubacks(CLIENT_ID);
    await bridge.write(
      'commands',
      numbers(5).map((value) => ({ value })),
    );
    await bridge.sent(5);
    const stopped = bridge.stop(30_000);
    bridge.publish('a/b', 'too late');
    await until('the broker has sent it', () => bridge.session()?.inFlight === 1);
    release();
    t.equal(await stopped, 0);
    t.same(await bridge.committed('down', 'commands', 1), [5]);
    t.equal(bridge.session()?.inFlight, 1, 'the broker has it still');
  },
);

t.test('a drain without Kafka ends at its time, with nothing acknowledged', async (t) => {
  const bridge = await startEmbedded(t, oneRoute);
  bridge.setKafkaUp(false);
  for (const n of numbers(5)) bridge.publish('a/b', n);
  await bridge.inFlight(5);
  const startedMs = performance.now();
  t.equal(await bridge.stop(500), 5);
  t.ok(performance.now() - startedMs >= 500, 'it waited');
  t.equal(bridge.pubacks.length, 0);
  await until('the broker sees the end', () => bridge.session()?.connected === false);
  t.equal(bridge.session()?.inFlight, 5, 'the broker has them all');
});

t.test('QoS 0 messages that a drain leaves behind are counted', async (t) => {
  const bridge = await startEmbedded(t, {
    ...oneRoute,
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', qos: 0 }] }],
  });
  const { metrics } = bridge.engine;
  bridge.setKafkaUp(false);
  for (const n of numbers(5)) bridge.broker.publish({ topic: 'a/b', payload: n, qos: 0 });
  await bridge.inFlight(5);
  t.equal(await bridge.stop(100), 5);
  t.match(await metrics.text(), /qos0_messages_lost_total\{[^}]*drainTimeout[^}]*\} 5/);
});

t.test('messages are spread over the workers, and each stays in its order', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 4 },
    connector: { shards: 2 },
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }],
      },
    ],
  });
  for (const n of numbers(100)) {
    for (const topic of numbers(10)) bridge.publish(`a/${topic}`, n);
  }
  await bridge.acknowledged(1000);
  await bridge.inFlight(0);
  const records = await bridge.records('out');
  t.equal(records.length, 1000);
  t.ok(new Set(records.map(({ partition }) => partition)).size > 1);
  for (const topic of numbers(10)) {
    const mine = records.filter(({ key }) => `${key}` === `a/${topic}`);
    t.same(
      mine.map(({ value }) => `${value}`),
      numbers(100),
      `order of ${topic}`,
    );
    t.equal(new Set(mine.map(({ partition }) => partition)).size, 1, 'in one partition');
  }
});
