import t from 'tap';
import { delivered, readValues, startBridge, startServers } from '../support/real/bridge.js';
import { readTopic } from '../support/real/kcat.js';
import { publishLines, publishPayload } from '../support/real/mosquitto-clients.js';
import { until } from '../support/until.js';

/* What Kafka refuses, what it does not know, and what came too late; Kafka creates no topics here. */

const MESSAGE_BYTES_MAX = 20_000;
const KEYS = 4;
const EACH = 200;
const servers = startServers(t, { settings: { 'auto.create.topics.enable': 'false' } });

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

function isPoison(n: number): boolean {
  return n % 50 === 25;
}

for (const kafkaAcks of ['all', 'one']) {
  t.test(
    `records that Kafka refuses are dead letters, the rest gets through, ${kafkaAcks}`,
    async (t) => {
      const { kafka, mosquitto } = await servers;
      const topic = `small-${kafkaAcks}`;
      const config = { 'max.message.bytes': `${MESSAGE_BYTES_MAX}` };
      await kafka.createTopic(topic, 3, { config });
      const connector = await startBridge(t, await servers, {
        clientIdPrefix: topic,
        maps: [
          {
            partitionStrategy: 'topic',
            batching: { enabled: true, latencyMs: 50 },
            routes: [{ name: 'r', mqttTopic: `${topic}/+`, kafkaTopic: topic, kafkaAcks }],
          },
        ],
      });
      await connector.ready();
      const sizeOf = (n: number): number => (isPoison(n) ? 2 * MESSAGE_BYTES_MAX : 500);
      await Promise.all(
        numbers(KEYS).map((key) => {
          const lines = numbers(EACH).map((n) => `${n}:${'x'.repeat(sizeOf(Number(n)))}`);
          return publishLines(mosquitto, `${topic}/${key}`, { lines });
        }),
      );
      const poison = KEYS * numbers(EACH).filter((n) => isPoison(Number(n))).length;
      await delivered(connector, 'r', KEYS * EACH - poison);
      await until('all are settled', async () => {
        return (await connector.metric('millrace_deliveries_in_flight')) === 0;
      });
      const records = await readTopic(kafka.bootstrap, topic);
      const sound = numbers(EACH).filter((n) => !isPoison(Number(n)));
      for (const key of numbers(KEYS)) {
        const mine = records
          .filter((record) => `${record.key}` === `${topic}/${key}`)
          .map(({ value }) => `${value}`.split(':')[0] ?? '');
        const firsts = [...new Set(mine)];
        // At acks one librdkafka has the next batch on its way when one is refused.
        if (kafkaAcks === 'all') t.same(firsts, sound, `${key} is complete and in order`);
        else t.same(new Set(firsts), new Set(sound), `${key} is complete`);
      }
      const labels = { reason: 'recordTooLarge' };
      t.equal(await connector.metric('millrace_messages_dead_lettered_total', labels), poison);
      t.equal(await connector.metric('millrace_pubacks_sent_total', { result: 'refused' }), poison);
      const list = await connector.command('dead-letters', 'list');
      t.equal([...list.matchAll(/recordTooLarge/g)].length, poison, list);
      t.ok((await connector.health()).ready);
    },
  );
}

t.test('an unknown topic is held, /readyz says so, and it flows once there is one', async (t) => {
  const { kafka, mosquitto } = await servers;
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'later',
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: 'later/#', kafkaTopic: 'later', kafkaAcks: 'all' }],
      },
    ],
  });
  await publishLines(mosquitto, 'later/1', { lines: numbers(100) });
  let said = '';
  await until(
    'it says so',
    async () => {
      said = JSON.stringify((await connector.health()).reasons);
      return /later.*UNKNOWN_TOPIC/.test(said);
    },
    { detail: () => said },
  );
  t.equal(await connector.metric('millrace_pubacks_sent_total'), 0);
  await kafka.createTopic('later', 2);
  await delivered(connector, 'r', 100);
  t.same(await readValues(kafka, 'later'), numbers(100));
  await connector.ready();
});

t.test('what expires while Kafka is away is not sent, is counted and acknowledged', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.createTopic('expiry', 1);
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'expiry',
    maps: [
      {
        copyMqttProperties: true,
        routes: [{ name: 'r', mqttTopic: 'expiry/#', kafkaTopic: 'expiry', kafkaAcks: 'all' }],
      },
    ],
  });
  await connector.ready();
  await kafka.kill(1);
  const expiring = (seconds: string) => [['message-expiry-interval', seconds]] as const;
  const publish = (lines: readonly string[], seconds: string): Promise<void> =>
    publishLines(mosquitto, 'expiry/1', { lines, properties: expiring(seconds) });
  await publish(numbers(20), '2');
  await publish(['long'], '1000');
  await publishPayload(mosquitto, 'expiry/1', { payload: 'for ever' });
  const publishedMs = performance.now();
  await until('they are taken', async () => {
    return (await connector.metric('millrace_deliveries_in_flight')) === 22;
  });
  // A worker looks once a second for what has waited for a second.
  await until('the time of the first is over', () => performance.now() - publishedMs > 6000);
  await kafka.start(1);
  await delivered(connector, 'r', 2);
  await until('all are settled', async () => {
    return (await connector.metric('millrace_deliveries_in_flight')) === 0;
  });
  const records = await readTopic(kafka.bootstrap, 'expiry');
  t.same(
    records.map(({ value }) => `${value}`),
    ['long', 'for ever'],
  );
  const header = records[0]?.headers.find(([name]) => name === 'Message Expiry Interval');
  const remains = Number(`${header?.[1]}`);
  t.ok(remains > 900 && remains <= 994, `the time that it waited is taken off: ${remains}`);
  t.equal(await connector.metric('millrace_messages_expired_total'), 20);
  t.equal(await connector.metric('millrace_pubacks_sent_total', { result: 'success' }), 22);
});
