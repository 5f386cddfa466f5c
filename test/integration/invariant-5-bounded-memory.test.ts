import t from 'tap';
import { LONG_TOPICS_HELD_BYTES_MAX, QOS0_DELIVERIES_MAX } from '../../src/config/limits.js';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { encodePublish, parts, subscriptionId } from '../support/publish-packets.js';
import { CLIENT_ID } from '../support/resources.js';
import { until } from '../support/until.js';

const RECEIVE_MAXIMUM = 50;
const RECONNECTS = 50;

function options(routes: Readonly<Record<string, unknown>> = {}) {
  return {
    topics: { out: 1 },
    localBroker: { receiveMaximum: RECEIVE_MAXIMUM },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', ...routes }] }],
  };
}

async function reconnect(bridge: Embedded): Promise<void> {
  const before = bridge.broker.counters.connections;
  bridge.broker.dropConnections(CLIENT_ID);
  await until('it is back', () => bridge.broker.counters.connections > before);
}

/** Kafka is gone, the connector knows, and the broker holds the rest. */
async function fillUp(bridge: Embedded, messages: number): Promise<void> {
  bridge.publish('a/b', 'first');
  await bridge.acknowledged(1);
  bridge.setKafkaUp(false);
  for (const n of numbers(messages)) bridge.publish('a/b', n);
  await bridge.inFlight(RECEIVE_MAXIMUM);
  await bridge.notReady('shard 0');
}

t.test(
  'with Kafka stopped, fifty reconnects leave all as it was, and nothing is sent twice',
  async (t) => {
    const bridge = await startEmbedded(t, options());
    await fillUp(bridge, 500);
    t.match(bridge.session(), { inFlight: RECEIVE_MAXIMUM, queued: 500 - RECEIVE_MAXIMUM });
    for (let i = 0; i < RECONNECTS; i++) {
      await reconnect(bridge);
      t.equal(bridge.bridge.inFlight, RECEIVE_MAXIMUM, `reconnect ${i + 1}`);
    }
    for (const name of ['millrace_deliveries_in_flight', 'millrace_deliveries_in_flight_limit']) {
      t.equal(await bridge.metric(name), RECEIVE_MAXIMUM, 'what is full shows as full');
    }
    t.equal(await bridge.metric('millrace_qos0_deliveries_in_flight'), 0);
    await until('the redeliveries are joined', async () => {
      return (await bridge.metric('millrace_redeliveries_joined_total')) >= RECEIVE_MAXIMUM;
    });
    t.equal(bridge.pubacks.length, 1);
    bridge.setKafkaUp(true);
    await bridge.acknowledged(501);
    await bridge.inFlight(0);
    t.same(await bridge.values('out'), ['first', ...numbers(500)], 'each once, in order');
    t.equal(bridge.broker.counters.unknownPubacks, 0);
  },
);

t.test('after Session Present 0 open deliveries keep their credit and answer nobody', async (t) => {
  const bridge = await startEmbedded(t, options());
  await fillUp(bridge, RECEIVE_MAXIMUM);
  bridge.broker.discardSession(CLIENT_ID);
  await until('it has a new session', () => bridge.session()?.topicFilters.length === 1);
  for (const n of numbers(100, 1000)) bridge.publish('a/b', n);
  await until('the connector takes no more', async () => {
    return (await bridge.metric('millrace_socket_paused_seconds_total')) > 0;
  });
  t.equal(bridge.bridge.inFlight, RECEIVE_MAXIMUM, 'no more than the Receive Maximum in all');
  bridge.setKafkaUp(true);
  await bridge.acknowledged(101);
  await bridge.inFlight(0);
  t.equal(bridge.broker.counters.unknownPubacks, 0, 'what the old session had is not acknowledged');
  t.same(await bridge.values('out'), ['first', ...numbers(RECEIVE_MAXIMUM), ...numbers(100, 1000)]);
});

t.test(
  'DUP alone proves nothing: after Session Present 0 it is a message of its own',
  async (t) => {
    const bridge = await startEmbedded(t, options());
    await fillUp(bridge, RECEIVE_MAXIMUM);
    bridge.broker.discardSession(CLIENT_ID);
    await until('it has a new session', () => bridge.session()?.topicFilters.length === 1);
    const publish = parts({
      dup: true,
      // A delivery with this packet identifier is open still.
      packetId: 2,
      topic: Buffer.from('a/b'),
      properties: [subscriptionId(bridge.subscriptionIds.get('a/#') ?? 0)],
      payload: Buffer.from('dup'),
    });
    bridge.broker.sendRaw(CLIENT_ID, encodePublish(publish));
    bridge.setKafkaUp(true);
    await until('it is answered', () => bridge.pubacks.some(({ packetId }) => packetId === 2));
    await bridge.inFlight(0);
    const values = await bridge.values('out');
    t.equal(values.filter((value) => value === 'dup').length, 1);
    t.equal(values.length, RECEIVE_MAXIMUM + 2);
  },
);

t.test(
  'QoS 0 without Kafka fills a bound and then the socket, and what was taken arrives',
  async (t) => {
    const bridge = await startEmbedded(t, {
      ...options({ qos: 0 }),
      localBroker: { keepAliveSeconds: 2 },
      broker: { queueMessagesMax: 1_000_000, bufferedBytesMax: 65_536 },
    });
    bridge.broker.publish({ topic: 'a/b', payload: 'first', qos: 0 });
    await until('the first is there', async () => (await bridge.values('out')).length === 1);
    bridge.setKafkaUp(false);
    const payload = 'x'.repeat(1000);
    const limit = QOS0_DELIVERIES_MAX;
    const count = limit + 20_000;
    for (let i = 0; i < count; i++) bridge.broker.publish({ topic: 'a/b', payload, qos: 0 });
    await until('the credit is used up', () => bridge.bridge.inFlight === limit);
    await bridge.notReady('shard 0');
    const pausedMs = performance.now();
    await until('PINGRESPs go unread', () => performance.now() - pausedMs > 5000);
    t.equal(bridge.bridge.inFlight, limit);
    t.equal(bridge.broker.counters.connections, 1, 'its own pause is no silence of the broker');
    t.equal(await bridge.metric('millrace_qos0_deliveries_in_flight'), limit);
    t.equal(await bridge.metric('millrace_qos0_deliveries_in_flight_limit'), limit);
    t.equal(await bridge.metric('millrace_deliveries_in_flight'), 0);
    bridge.setKafkaUp(true);
    await until('all are delivered', async () => {
      const delivered = await bridge.metric('millrace_records_delivered_total');
      return delivered === 1 + count - bridge.broker.counters.dropped.queueFull;
    });
    t.equal(await bridge.metric('millrace_qos0_messages_lost_total'), 0);
  },
);

t.test(
  'long topic names without Kafka wait in the broker, and what comes later arrives',
  async (t) => {
    const bridge = await startEmbedded(t, {
      ...options({ qos: 0 }),
      broker: { queueMessagesMax: 1_000_000 },
    });
    bridge.broker.publish({ topic: 'a/b', payload: 'first', qos: 0 });
    await until('the first is there', async () => (await bridge.values('out')).length === 1);
    bridge.setKafkaUp(false);
    const count = 600;
    for (let i = 0; i < count; i++) {
      bridge.broker.publish({ topic: `a/${i}/${'x'.repeat(60_000)}`, payload: `${i}`, qos: 0 });
    }
    await bridge.notReady('shard 0');
    await until('reading waits', async () => {
      return (await bridge.metric('millrace_socket_paused_seconds_total')) > 0.5;
    });
    t.equal(bridge.bridge.inFlight, Math.floor(LONG_TOPICS_HELD_BYTES_MAX / 60_000));
    bridge.setKafkaUp(true);
    await until('all are delivered', async () => {
      return (await bridge.metric('millrace_records_delivered_total')) === 1 + count;
    });
  },
);

t.test('large payloads without Kafka wait in a slab of fixed size', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
  });
  bridge.publish('a/b', 'first');
  await bridge.acknowledged(1);
  bridge.setKafkaUp(false);
  const payload = Buffer.alloc(4 * 1024 * 1024, 'y');
  for (let i = 0; i < 30; i++) bridge.broker.publish({ topic: 'a/b', payload, qos: 1 });
  await bridge.inFlight(24);
  await bridge.notReady('shard 0');
  t.equal(bridge.bridge.inFlight, 24, '96 MiB and no more');
  bridge.setKafkaUp(true);
  await bridge.acknowledged(31);
  await bridge.inFlight(0);
  t.equal(await bridge.metric('millrace_records_delivered_total'), 31);
});
