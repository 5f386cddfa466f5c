import t from 'tap';
import { numbers, startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const NO_ERROR = 0;

t.test(
  'PUBACKs leave in the order of the PUBLISHes, whichever record is in Kafka first',
  async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { fast: 2, held: 1 },
      maps: [
        {
          routes: [
            { name: 'fast', mqttTopic: 'fast/#', kafkaTopic: 'fast' },
            { name: 'held', mqttTopic: 'held/#', kafkaTopic: 'held' },
          ],
        },
      ],
      prepare: ({ kafka }) => kafka.failTopic('held', UNKNOWN_TOPIC_OR_PARTITION),
    });
    bridge.publish('fast/1', 'before');
    bridge.publish('held/1', 'first held');
    for (const n of numbers(20)) bridge.publish('fast/1', n);
    bridge.publish('held/1', 'second held');
    for (const n of numbers(20, 20)) bridge.publish('fast/1', n);
    // The counter moves when main hears of it, which is when a PUBACK would leave.
    await until('all the fast ones are settled', async () => {
      return (await bridge.metric('millrace_records_delivered_total', { route: 'fast' })) === 41;
    });
    t.same(
      bridge.pubacks.map(({ payload }) => payload),
      ['before'],
      'what came after a held one waits',
    );
    bridge.kafka.failTopic('held', NO_ERROR);
    await bridge.acknowledged(43);
    t.same(
      bridge.pubacks.map(({ payload }) => payload),
      ['before', 'first held', ...numbers(20), 'second held', ...numbers(20, 20)],
    );
    const ids = bridge.pubacks.map(({ packetId }) => packetId);
    t.equal(new Set(ids).size, 43, 'each once');
    t.same(await bridge.values('held'), ['first held', 'second held']);
  },
);

for (const overlap of ['one-copy', 'copy-each'] as const) {
  t.test(`a message of two routes is acknowledged when it is on both, ${overlap}`, async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { wide: 1, narrow: 1 },
      broker: { overlap },
      maps: [
        {
          routes: [
            { name: 'wide', mqttTopic: 'a/#', kafkaTopic: 'wide' },
            { name: 'narrow', mqttTopic: 'a/+/c', kafkaTopic: 'narrow' },
          ],
        },
      ],
      prepare: ({ kafka }) => kafka.failTopic('narrow', UNKNOWN_TOPIC_OR_PARTITION),
    });
    for (const n of numbers(10)) bridge.publish('a/b/c', n);
    await until('the wide route has all', async () => {
      return (await bridge.values('wide')).length === 10;
    });
    const copies = overlap === 'one-copy' ? 10 : 20;
    await until('all are in flight or settled', () => bridge.broker.counters.delivered === copies);
    const before = bridge.pubacks.map(({ packetId }) => packetId);
    // A copy for each route is a message of its own: the first of the wide route may be done.
    t.ok(before.length <= (overlap === 'one-copy' ? 0 : 1), `${before.length} acknowledged`);
    bridge.kafka.failTopic('narrow', NO_ERROR);
    await bridge.acknowledged(copies);
    await bridge.inFlight(0);
    t.equal(bridge.pubacks.length, copies);
    t.equal(bridge.broker.counters.unknownPubacks, 0, 'each PUBLISH is acknowledged once');
    t.ok(bridge.pubacks.every(({ reasonCode }) => reasonCode === 0));
    t.same(await bridge.values('wide'), numbers(10), 'each route has each message once');
    t.same(await bridge.values('narrow'), numbers(10));
  });
}
