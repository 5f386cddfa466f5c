import t from 'tap';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';

/* The mock cluster checks no sequences, so what idempotence gives is proved on a real Kafka, in
 * test/real. Here is what is ours: requests in flight, batches sent again, redeliveries. */

const PRODUCE = 0;
const NOT_LEADER = 6;
const REQUEST_TIMED_OUT = 7;
const KEYS = 4;
const EACH = 300;

function publishAll(bridge: Embedded): void {
  for (const n of numbers(EACH)) {
    for (const key of numbers(KEYS)) bridge.publish(`line/${key}`, `${key}:${n}`);
  }
}

/** Of each key, the values in order of their first occurrence. */
async function firstOccurrences(bridge: Embedded): Promise<Map<string, string[]>> {
  const byKey = new Map<string, Set<string>>();
  for (const record of await bridge.records('out')) {
    const key = `${record.key}`;
    const values = byKey.get(key) ?? new Set();
    byKey.set(key, values.add(`${record.value}`));
  }
  return new Map([...byKey].map(([key, values]) => [key, [...values]]));
}

function inOrder(): Map<string, string[]> {
  return new Map(
    numbers(KEYS).map((key) => [`line/${key}`, numbers(EACH).map((n) => `${key}:${n}`)]),
  );
}

for (const kafkaAcks of ['one', 'all']) {
  const keyed = {
    topics: { out: 3 },
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: 'line/#', kafkaTopic: 'out', kafkaAcks }],
      },
    ],
  };

  t.test(`order holds over reconnects and redeliveries, acks ${kafkaAcks}`, async (t) => {
    const bridge = await startEmbedded(t, keyed);
    bridge.publish('line/0', '0:0');
    await bridge.acknowledged(1);
    bridge.kafka.setRoundTripMs(1, 100);
    publishAll(bridge);
    for (const acknowledged of [100, 500, 900]) {
      await bridge.acknowledged(acknowledged);
      bridge.broker.dropConnections('test-0');
    }
    await bridge.acknowledged(1 + KEYS * EACH);
    await bridge.inFlight(0);
    const found = await firstOccurrences(bridge);
    for (const [key, values] of inOrder()) t.same(found.get(key), values, `order of ${key}`);
  });
}

t.test('retried requests do not overtake one another at acks one', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: 'line/#', kafkaTopic: 'out', kafkaAcks: 'one' }],
      },
    ],
  });
  bridge.publish('line/0', '0:0');
  await bridge.acknowledged(1);
  // Slow answers: as many requests as may be in flight are, when the first of them fails.
  bridge.kafka.setRoundTripMs(1, 50);
  bridge.kafka.failRequests(PRODUCE, [NOT_LEADER, 0, NOT_LEADER, 0, REQUEST_TIMED_OUT]);
  publishAll(bridge);
  await bridge.acknowledged(1 + KEYS * EACH);
  const found = await firstOccurrences(bridge);
  for (const [key, values] of inOrder()) t.same(found.get(key), values, `order of ${key}`);
});
