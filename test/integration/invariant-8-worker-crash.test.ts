import t from 'tap';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';

const TOPICS = 20;
const EACH = 50;

function publishAll(bridge: Embedded, qos: 0 | 1): void {
  for (const n of numbers(EACH)) {
    for (const topic of numbers(TOPICS)) {
      bridge.broker.publish({ topic: `a/${topic}`, payload: `${topic}:${n}`, qos });
    }
  }
}

const twoShards = {
  topics: { out: 4 },
  connector: { shards: 2 },
  maps: [
    {
      partitionStrategy: 'topic',
      routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', kafkaAcks: 'all' }],
    },
  ],
};

t.test('a worker that dies is replaced, its messages come again, the other goes on', async (t) => {
  const bridge = await startEmbedded(t, twoShards);
  bridge.setKafkaUp(false);
  publishAll(bridge, 1);
  await bridge.inFlight(TOPICS * EACH);
  await bridge.bridge.crashWorker(0);
  await until('it is replaced', async () => {
    return (await bridge.metric('millrace_workers_replaced_total', { shard: '0' })) === 1;
  });
  t.equal(bridge.pubacks.length, 0, 'nothing of it is acknowledged');
  const unconfirmed = await bridge.metric('millrace_messages_unconfirmed_total');
  t.ok(unconfirmed > 0 && unconfirmed < TOPICS * EACH, `${unconfirmed} are its own`);
  bridge.setKafkaUp(true);
  await bridge.acknowledged(TOPICS * EACH);
  await bridge.inFlight(0);
  await bridge.ready();
  t.equal(bridge.broker.counters.unknownPubacks, 0);
  t.ok(bridge.pubacks.every(({ reasonCode }) => reasonCode === 0));
  const records = await bridge.records('out');
  t.equal(new Set(records.map(({ value }) => `${value}`)).size, TOPICS * EACH, 'none is lost');
  for (const topic of numbers(TOPICS)) {
    const mine = records.filter(({ key }) => `${key}` === `a/${topic}`);
    const values = [...new Set(mine.map(({ value }) => `${value}`))];
    t.same(
      values,
      numbers(EACH).map((n) => `${topic}:${n}`),
      `order of ${topic}`,
    );
  }
  t.equal(await bridge.metric('millrace_workers_replaced_total', { shard: '1' }), 0);
});

t.test('a worker that dies again and again loses nothing', async (t) => {
  const bridge = await startEmbedded(t, twoShards);
  bridge.kafka.setRoundTripMs(1, 50);
  publishAll(bridge, 1);
  for (const crash of [1, 2, 3]) {
    await bridge.bridge.crashWorker(crash % 2);
    await until(`crash ${crash}`, async () => {
      return (await bridge.metric('millrace_workers_replaced_total')) === crash;
    });
    await bridge.ready();
  }
  await bridge.acknowledged(TOPICS * EACH);
  await bridge.inFlight(0);
  const values = await bridge.values('out');
  t.equal(new Set(values).size, TOPICS * EACH);
});

t.test('QoS 0 messages in a worker that dies are counted as lost', async (t) => {
  const bridge = await startEmbedded(t, {
    ...twoShards,
    connector: { shards: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', qos: 0 }] }],
  });
  bridge.setKafkaUp(false);
  publishAll(bridge, 0);
  await bridge.inFlight(TOPICS * EACH);
  await bridge.bridge.crashWorker(0);
  await until('they are counted', async () => {
    return (await bridge.metric('millrace_qos0_messages_lost_total')) === TOPICS * EACH;
  });
  t.equal(
    await bridge.metric('millrace_qos0_messages_lost_total', { reason: 'workerDied' }),
    TOPICS * EACH,
  );
  bridge.setKafkaUp(true);
  await bridge.ready();
  bridge.broker.publish({ topic: 'a/0', payload: 'after', qos: 0 });
  await until('it is there', async () => (await bridge.values('out')).includes('after'));
  t.equal(bridge.bridge.inFlight, 0);
});

t.test('large payloads of a worker that died leave the slab, and come again', async (t) => {
  const bridge = await startEmbedded(t, { ...twoShards, connector: { shards: 1 } });
  const payloads = numbers(4).map((n) => Buffer.alloc(1_200_000, n));
  for (let round = 0; round < 3; round++) {
    bridge.setKafkaUp(false);
    // In all more than the slab: what a dead worker had is free again, or the last would not fit.
    for (let i = 0; i < 10; i++) {
      for (const payload of payloads) bridge.broker.publish({ topic: 'a/1', payload, qos: 1 });
    }
    await bridge.inFlight(40);
    await bridge.bridge.crashWorker(0);
    bridge.setKafkaUp(true);
    await bridge.acknowledged(40 * (round + 1));
    await bridge.inFlight(0);
  }
  t.ok(bridge.pubacks.every(({ reasonCode }) => reasonCode === 0));
});
