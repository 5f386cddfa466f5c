import type { IConnectPacket } from 'mqtt-packet';
import t from 'tap';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { connectPublisher } from '../support/mqtt-publisher.js';
import { CLIENT_ID } from '../support/resources.js';
import { until } from '../support/until.js';

const SERVER_BUSY = 0x89;
const NOT_AUTHORIZED = 0x87;

const oneRoute = {
  topics: { out: 1 },
  maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
};

/** What each CONNECT said, and whether its CONNACK found the session. */
function watchConnects(bridge: Embedded) {
  const connects: IConnectPacket[] = [];
  const present: boolean[] = [];
  bridge.broker.hooks.onConnect = (clientId, packet) => {
    if (clientId === CLIENT_ID) connects.push(packet);
    return undefined;
  };
  bridge.broker.hooks.onConnected = (clientId, sessionPresent) => {
    if (clientId === CLIENT_ID) present.push(sessionPresent);
  };
  return { connects, present };
}

t.test('every reconnect resumes the session, and what was stored meanwhile arrives', async (t) => {
  const bridge = await startEmbedded(t, oneRoute);
  const { connects, present } = watchConnects(bridge);
  for (const round of [1, 2, 3]) {
    await bridge.broker.close();
    await bridge.notReady(`session ${CLIENT_ID}`);
    for (const n of numbers(10, round * 10)) bridge.publish('a/b', n);
    await bridge.broker.listen(bridge.mqttPort);
    await bridge.acknowledged(round * 10);
  }
  await bridge.ready();
  t.same(present, [true, true, true]);
  for (const connect of connects) {
    t.match(connect, { clean: false, properties: { sessionExpiryInterval: 86_400 } });
  }
  t.same(await bridge.values('out'), numbers(30, 10));
});

t.test('a restarted process takes up the session that its predecessor left', async (t) => {
  const bridge = await startEmbedded(t, oneRoute);
  const { present } = watchConnects(bridge);
  bridge.publish('a/b', 'before');
  await bridge.acknowledged(1);
  t.equal(await bridge.stop(10_000), 0);
  t.equal(bridge.session()?.connected, false, 'the broker keeps it');
  bridge.publish('a/b', 'while it is away');
  t.equal(bridge.session()?.queued, 1);
  await bridge.start();
  await bridge.acknowledged(2);
  t.same(present, [true]);
  t.same(await bridge.values('out'), ['before', 'while it is away']);
});

t.test('what a stopped process had in flight is delivered by the next', async (t) => {
  const bridge = await startEmbedded(t, oneRoute);
  bridge.publish('a/b', 'before');
  await bridge.acknowledged(1);
  bridge.setKafkaUp(false);
  for (const n of numbers(10)) bridge.publish('a/b', n);
  await bridge.inFlight(10);
  t.equal(await bridge.stop(0), 10, 'left unsettled');
  t.equal(bridge.pubacks.length, 1);
  await bridge.start();
  bridge.setKafkaUp(true);
  await bridge.acknowledged(11);
  t.same(new Set(await bridge.values('out')), new Set(['before', ...numbers(10)]));
});

t.test('a broker that refuses is asked again until it accepts', async (t) => {
  const bridge = await startEmbedded(t, oneRoute);
  const accept = bridge.broker.refuseConnections(SERVER_BUSY);
  bridge.broker.dropConnections(CLIENT_ID);
  await until('three refusals', () => bridge.broker.counters.connectionsRefused >= 3);
  bridge.publish('a/b', 'stored');
  accept();
  await bridge.acknowledged(1);
  t.same(await bridge.values('out'), ['stored']);
});

t.test('a session that another client takes over is stopped, and not fought for', async (t) => {
  const bridge = await startEmbedded(t, oneRoute);
  const thief = await connectPublisher({
    port: bridge.mqttPort,
    clientId: CLIENT_ID,
    connect: { clean: false, properties: { sessionExpiryInterval: 1000 } },
  });
  t.teardown(() => thief.disconnect());
  await bridge.notReady(`session ${CLIENT_ID}`);
  await until('it says why', () => bridge.reasons().some((r) => /stopped/.test(r.message)), {
    detail: () => bridge.reasons(),
  });
  t.match(bridge.reasons()[0]?.message, /another client uses the client identifier "test-0"/);
  const { connections, sessionsTakenOver } = bridge.broker.counters;
  // Longer than the first delays between attempts.
  const stoppedMs = performance.now();
  await until('it would have tried again', () => performance.now() - stoppedMs > 2000);
  t.equal(bridge.broker.counters.connections, connections);
  t.equal(bridge.broker.counters.sessionsTakenOver, sessionsTakenOver);
  t.equal(bridge.engine.health().live, true);
});

t.test('a filter that the configuration lost is unsubscribed at the next start', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [
      {
        routes: [
          { name: 'kept', mqttTopic: 'kept/#', kafkaTopic: 'out' },
          { name: 'gone', mqttTopic: 'gone/#', kafkaTopic: 'out' },
        ],
      },
    ],
  });
  await bridge.stop(1000);
  bridge.publish('gone/1', 'stored for the route that goes');
  await bridge.start([{ routes: [{ name: 'kept', mqttTopic: 'kept/#', kafkaTopic: 'out' }] }]);
  await bridge.acknowledged(1);
  await until('it is unsubscribed', () => bridge.session()?.topicFilters.length === 1);
  t.same(bridge.session()?.topicFilters, ['kept/#']);
  t.same(await bridge.values('out'), [], 'no route has it');
  t.equal(await bridge.metric('millrace_publishes_unrouted_total'), 1);
});

t.test(
  'a subscription that the broker refuses is told, and the others of its session work',
  async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      maps: [
        {
          routes: [
            { name: 'granted', mqttTopic: 'a/#', kafkaTopic: 'out' },
            { name: 'refused', mqttTopic: 'secret/#', kafkaTopic: 'out' },
          ],
        },
      ],
    });
    await bridge.stop(1000);
    bridge.broker.hooks.onSubscribe = (_, filter) =>
      filter === 'secret/#' ? NOT_AUTHORIZED : undefined;
    await bridge.start();
    await bridge.notReady(`session ${CLIENT_ID}`);
    await until('it says which', () => bridge.reasons().some((r) => /secret/.test(r.message)), {
      detail: () => bridge.reasons(),
    });
    t.same(
      bridge
        .reasons()
        .filter(({ part }) => part.startsWith('session'))
        .map(({ message }) => message),
      [
        'the broker refuses the subscription "secret/#" (route refused) and is asked again: ' +
          '0x87 Not authorized',
      ],
    );
    t.equal(await bridge.metric('millrace_mqtt_subscriptions_refused'), 1);
    t.equal(await bridge.metric('millrace_mqtt_sessions_connected'), 1);
    bridge.publish('a/b', 'delivered');
    await bridge.acknowledged(1);
    t.same(await bridge.values('out'), ['delivered']);
  },
);
