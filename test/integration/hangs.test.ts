import t from 'tap';
import { numbers, startEmbedded } from '../support/embedded.js';
import { CLIENT_ID } from '../support/resources.js';
import { until } from '../support/until.js';

/* Either side takes what it gets and says nothing, over connections that stay open: seen after 30 s. */

const SEEN = { deadlineMs: 50_000 };
const NEVER_MS = 3_600_000;
const COUNT = 10;

t.test('Kafka that answers no Produce is told, and what it has arrives once it does', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', kafkaAcks: 'one' }] }],
  });
  bridge.publish('a/1', 'before');
  await bridge.acknowledged(1);
  bridge.kafka.setRoundTripMs(1, NEVER_MS);
  for (const n of numbers(COUNT)) bridge.publish('a/1', n);
  await bridge.inFlight(COUNT);
  t.strictSame(bridge.reasons(), [], 'it is connected');
  await until('it is told', () => bridge.reasons().length > 0, SEEN);
  t.match(bridge.reasons(), [
    { part: 'shard 0', message: /^Kafka is connected, and has said nothing of a record for 3\d s/ },
  ]);
  t.ok((await bridge.metric('millrace_records_unanswered_seconds')) >= 30);
  t.equal(bridge.pubacks.length, 1, 'nothing of them is acknowledged');
  bridge.kafka.setRoundTripMs(1, 0);
  // librdkafka gives the connection up after 60 s, and sends again over the next.
  await until('all are acknowledged', () => bridge.pubacks.length > COUNT, {
    deadlineMs: 90_000,
    detail: () => bridge.reasons(),
  });
  await bridge.ready();
  t.equal(await bridge.metric('millrace_records_unanswered_seconds'), 0);
  t.equal(new Set(await bridge.values('out')).size, COUNT + 1);
});

t.test('a broker that acknowledges no PUBLISH is told, and gets none of them twice', async (t) => {
  const route = { name: 'down', kafkaTopic: 'in', mqttTopic: 'b/x', qos: 1, commitIntervalMs: 100 };
  const bridge = await startEmbedded(t, {
    topics: { in: 1 },
    maps: [{ routes: [{ direction: 'kafkaToMqtt', ...route }] }],
  });
  const release = bridge.broker.holdPubacks(CLIENT_ID);
  await bridge.write(
    'in',
    numbers(COUNT).map((value) => ({ value })),
  );
  await bridge.sent(COUNT);
  t.strictSame(bridge.reasons(), []);
  await until('it is told', () => bridge.reasons().length > 0, SEEN);
  t.match(bridge.reasons(), [
    {
      part: `session ${CLIENT_ID}`,
      message: /^the MQTT broker has not acknowledged a PUBLISH for 3\d s/,
    },
  ]);
  t.ok((await bridge.metric('millrace_publishes_unanswered_seconds')) >= 30);
  t.equal(bridge.published.length, COUNT, 'none is sent again [MQTT-4.4.0-1]');
  t.equal(await bridge.metric('millrace_mqtt_connects_total'), 1, 'over the same connection');
  release();
  await bridge.ready();
  await bridge.commits('down', 'in', [COUNT]);
  t.equal(await bridge.metric('millrace_publishes_unanswered_seconds'), 0);
  t.equal(bridge.published.length, COUNT);
});
