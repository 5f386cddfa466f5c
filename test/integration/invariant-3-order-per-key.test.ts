import t from 'tap';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';

/* The mock cluster checks no sequences, so what idempotence gives when a request fails is proved on a
 * real Kafka, in test/real. Here is the rest: connections that break, redeliveries, and workers. */

const KEYS = 4;
const EACH = 300;
const ROUNDS = 60;

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

function inOrder(each = EACH): Map<string, string[]> {
  return new Map(
    numbers(KEYS).map((key) => [`line/${key}`, numbers(each).map((n) => `${key}:${n}`)]),
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

for (const kafkaAcks of ['one', 'all']) {
  t.test(`order holds when Kafka's connections break, acks ${kafkaAcks}`, async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      maps: [
        {
          partitionStrategy: 'topic',
          // Small batches, so that several requests are under way or wait.
          batching: { enabled: true, latencyMs: 1, maxMessages: 20 },
          routes: [{ name: 'r', mqttTopic: 'line/#', kafkaTopic: 'out', kafkaAcks }],
        },
      ],
    });
    bridge.publish('line/0', '0:0');
    await bridge.acknowledged(1);
    bridge.kafka.setRoundTripMs(1, 20);
    publishAll(bridge);
    for (const acknowledged of [100, 500, 900]) {
      await bridge.acknowledged(acknowledged);
      bridge.setKafkaUp(false);
      bridge.setKafkaUp(true);
    }
    await bridge.acknowledged(1 + KEYS * EACH);
    const found = await firstOccurrences(bridge);
    for (const [key, values] of inOrder()) t.same(found.get(key), values, `order of ${key}`);
  });
}

t.test('a key stays with its worker, whatever the others do', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 2 },
    connector: { shards: 2 },
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: 'line/#', kafkaTopic: 'out', kafkaAcks: 'all' }],
      },
    ],
  });
  bridge.publish('line/0', '0:0');
  await bridge.acknowledged(1);
  // Each worker sends all that it has when Kafka is back: a key that changed over would overtake itself.
  bridge.setKafkaUp(false);
  for (const n of numbers(ROUNDS)) {
    for (const key of numbers(KEYS)) bridge.publish(`line/${key}`, `${key}:${n}`);
    // A read from the socket for each round: that is where a message without a key changes over.
    await until('it is read', async () => {
      const received = await bridge.metric('millrace_publishes_received_total');
      return received === 1 + (Number(n) + 1) * KEYS;
    });
  }
  bridge.setKafkaUp(true);
  await bridge.acknowledged(1 + KEYS * ROUNDS);
  const found = await firstOccurrences(bridge);
  for (const [key, values] of inOrder(ROUNDS)) t.same(found.get(key), values, `order of ${key}`);
});
