import t from 'tap';
import { startEmbedded } from '../support/embedded.js';

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
