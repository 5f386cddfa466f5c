import t from 'tap';
import { numbers, startEmbedded } from '../support/embedded.js';
import { encodePublish, parts, subscriptionId } from '../support/publish-packets.js';
import { CLIENT_ID } from '../support/resources.js';
import { until } from '../support/until.js';

const ROUND_TRIP_MS = 400;

for (const kafkaAcks of ['one', 'all']) {
  t.test(`nothing is acknowledged while Kafka is away, at acks ${kafkaAcks}`, async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 2 },
      maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', kafkaAcks }] }],
    });
    bridge.publish('a/b', 'first');
    await bridge.acknowledged(1);
    bridge.setKafkaUp(false);
    for (const n of numbers(20)) bridge.publish('a/b', n);
    await bridge.inFlight(20);
    await bridge.notReady('shard 0');
    t.equal(bridge.pubacks.length, 1, 'the worker knows that Kafka is gone, nobody else was told');
    bridge.setKafkaUp(true);
    await bridge.acknowledged(21);
    t.ok(bridge.pubacks.every(({ reasonCode }) => reasonCode === 0));
    t.same(new Set(await bridge.values('out')), new Set(['first', ...numbers(20)]));
  });
}

t.test('a PUBACK comes no sooner than Kafka answers', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
  });
  bridge.publish('a/b', 'opens the connections');
  await bridge.acknowledged(1);
  bridge.kafka.setRoundTripMs(1, ROUND_TRIP_MS);
  const publishedMs = performance.now();
  for (const n of numbers(50)) bridge.publish('a/b', n);
  await bridge.acknowledged(51);
  const soonestMs = Math.min(...bridge.pubacks.slice(1).map(({ atMs }) => atMs)) - publishedMs;
  t.ok(soonestMs >= ROUND_TRIP_MS, `the soonest after ${Math.round(soonestMs)} ms`);
});

t.test(
  'a message that expires while Kafka is away is acknowledged, counted, not sent',
  async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
    });
    bridge.publish('a/b', 'opens the connections');
    await bridge.acknowledged(1);
    bridge.setKafkaUp(false);
    const publishedMs = performance.now();
    bridge.publish('a/b', 'short', { expirySeconds: 1 });
    bridge.publish('a/b', 'long', { expirySeconds: 1000 });
    bridge.publish('a/b', 'for ever');
    await bridge.inFlight(3);
    await bridge.notReady('shard 0');
    // A worker looks once a second for what has waited for a second.
    await until('its time is over, and seen to be', () => performance.now() - publishedMs > 4000);
    bridge.setKafkaUp(true);
    await bridge.acknowledged(4);
    t.ok(bridge.pubacks.every(({ reasonCode }) => reasonCode === 0));
    t.same(
      bridge.pubacks.map(({ payload }) => payload).slice(1),
      ['short', 'long', 'for ever'],
      'in their turn',
    );
    t.same(await bridge.values('out'), ['opens the connections', 'long', 'for ever']);
    t.equal(await bridge.metric('millrace_messages_expired_total', { route: 'r' }), 1);
    t.equal(await bridge.metric('millrace_records_delivered_total', { route: 'r' }), 3);
  },
);

t.test('a PUBLISH of a subscription that no route has is acknowledged and counted', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
  });
  const unrouted = parts({ packetId: 77, properties: [subscriptionId(99)] });
  t.ok(bridge.broker.sendRaw(CLIENT_ID, encodePublish(unrouted)));
  await bridge.acknowledged(1);
  t.match(bridge.pubacks, [{ packetId: 77, reasonCode: 0 }]);
  t.equal(await bridge.metric('millrace_publishes_unrouted_total'), 1);
  t.same(await bridge.values('out'), []);
});
