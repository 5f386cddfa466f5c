import t from 'tap';
import { type Embedded, startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';

/* A route with `ownSession` flows while the session of another is full of what Kafka does not take:
 * whatever room that has used up, in credit or in the slab. */

const TOPIC_AUTHORIZATION_FAILED = 29;
const NO_ERROR = 0;
const KIB = 1024;
const MIB = 1024 * KIB;
/** Of the session that has to flow. */
const COUNT = 10;

function options(qos = 1) {
  return {
    topics: { held: 1, fine: 1 },
    connector: { maxPayloadBytes: 16 * MIB },
    broker: { queueMessagesMax: 1_000_000, queueBytesMax: 1024 * MIB },
    maps: [
      {
        routes: [
          { name: 'held', mqttTopic: 'a/#', kafkaTopic: 'held', qos },
          { name: 'own', mqttTopic: 'b/#', kafkaTopic: 'fine', qos, ownSession: true },
        ],
      },
    ],
    prepare: ({ kafka }: Pick<Embedded, 'kafka'>) =>
      kafka.failTopic('held', TOPIC_AUTHORIZATION_FAILED),
  };
}

function publish(bridge: Embedded, topic: string, payloadBytes: number, count: number, qos: 0 | 1) {
  const payload = Buffer.alloc(payloadBytes, 'x');
  for (let i = 0; i < count; i++) bridge.broker.publish({ topic, payload, qos });
}

/** Until the session of the held route takes no more. */
async function paused(bridge: Embedded): Promise<number> {
  await until('reading is paused', async () => {
    return (await bridge.metric('millrace_socket_paused_seconds_total')) > 0;
  });
  return bridge.bridge.inFlight;
}

for (const [what, heldBytes, heldCount, bytes] of [
  ['small records, held by small ones', 100 * KIB, 1000, 100 * KIB],
  ['large records, held by small ones', 100 * KIB, 1000, 16 * MIB],
  ['small records, held by large ones', 4 * MIB, 40, 100 * KIB],
  ['large records, held by large ones', 4 * MIB, 40, 4 * MIB],
  ['the largest records, held by large ones', 5 * MIB, 40, 16 * MIB],
] as const) {
  t.test(`a session of its own flows on: ${what}`, async (t) => {
    const bridge = await startEmbedded(t, options());
    publish(bridge, 'a/b', heldBytes, heldCount, 1);
    await bridge.notReady('route held');
    const held = await paused(bridge);
    publish(bridge, 'b/c', bytes, COUNT, 1);
    await bridge.acknowledged(COUNT);
    t.ok(bridge.pubacks.every(({ clientId }) => clientId.endsWith('own-0')));
    // Some more may have found room since the pause was seen.
    t.ok(bridge.bridge.inFlight >= held, 'what is held is held');
    bridge.kafka.failTopic('held', NO_ERROR);
    await bridge.acknowledged(heldCount + COUNT);
    await bridge.inFlight(0);
  });
}

t.test('a session of its own flows on: QoS 0, held by QoS 0', async (t) => {
  const bridge = await startEmbedded(t, options(0));
  publish(bridge, 'a/b', 10, 50_000, 0);
  await bridge.notReady('route held');
  await paused(bridge);
  publish(bridge, 'b/c', 10, 2000, 0);
  await until('they are in Kafka', async () => {
    return (await bridge.metric('millrace_records_delivered_total', { route: 'own' })) === 2000;
  });
});
