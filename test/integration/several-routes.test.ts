import t from 'tap';
import { startEmbedded } from '../support/embedded.js';
import { CONNECTOR } from '../support/resources.js';

const ROUTES = 12;
const DEAD_LETTERED = 0x83;

t.test(
  'one message of more records than a ring has room for is a dead letter of each route',
  async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      broker: { overlap: 'one-copy' },
      maps: [
        {
          copyMqttProperties: true,
          routes: Array.from({ length: ROUTES }, (_, i) => ({
            name: `route-${i}`,
            mqttTopic: `${'+/'.repeat(i)}#`,
            kafkaTopic: 'out',
          })),
        },
      ],
    });
    const topic = Array.from({ length: ROUTES }, (_, i) => `${i}`).join('/');
    const userProperties = Array.from(
      { length: 4 },
      (_, i) => [`p${i}`, 'x'.repeat(50_000)] as const,
    );
    bridge.publish(topic, 'before');
    bridge.broker.publish({ topic, payload: 'huge', qos: 1, userProperties });
    bridge.publish(topic, 'after');
    await bridge.acknowledged(3);
    t.same(
      bridge.pubacks.map(({ reasonCode }) => reasonCode),
      [0, DEAD_LETTERED, 0],
    );
    const values = await bridge.values('out');
    t.equal(values.filter((value) => value === 'after').length, ROUTES);
    const labels = { reason: 'oversize', route: 'route-3' };
    t.equal(await bridge.metric('millrace_messages_dead_lettered_total', labels), 1);
    t.equal(bridge.bridge.inFlight, 0);
  },
);

t.test('a topic that is known to go one way is asked again what its message says', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'only', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
  });
  const publish = (payload: string, more: object = {}) =>
    bridge.broker.publish({ topic: 'a/b', payload, qos: 1, ...more });
  for (const payload of ['1', '2']) publish(payload);
  publish('came by here', { userProperties: [['Millrace-Origin', `${CONNECTOR}/only`]] });
  publish('3', { expirySeconds: 60, userProperties: [['a', 'b']] });
  await bridge.acknowledged(4);
  t.same(await bridge.values('out'), ['1', '2', '3']);
  const route = { route: 'only' };
  t.equal(await bridge.metric('millrace_messages_loop_stopped_total', route), 1);
  t.equal(await bridge.metric('millrace_records_delivered_total', route), 3);
  t.equal(await bridge.metric('millrace_publishes_received_total', route), 3);
});
