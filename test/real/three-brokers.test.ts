import t from 'tap';
import { delivered, type Servers, startBridge, startServers } from '../support/real/bridge.js';
import { readEach } from '../support/real/kcat.js';
import { publishLines } from '../support/real/mosquitto-clients.js';
import { until } from '../support/until.js';

/* Three brokers, replication 3, acks all, keys. While tens of thousands of messages flow, the leaders
 * of some partitions are killed, others stand still. Nothing is lost, and each key keeps its order. */

const KEYS = 8;
const EACH = 10_000;
const TOTAL = KEYS * EACH;

/** Of each key, the values in order of first occurrence, and how often one came again. */
async function readByKey(
  bootstrap: string,
): Promise<{ readonly firsts: Map<string, string[]>; readonly repeats: number }> {
  const seen = new Map<string, Set<string>>();
  let records = 0;
  await readEach(bootstrap, 'ordered', {
    onRecord: ({ key, value }) => {
      records++;
      const name = `${key}`;
      let values = seen.get(name);
      if (values === undefined) {
        values = new Set();
        seen.set(name, values);
      }
      values.add(`${value}`);
    },
  });
  const firsts = new Map([...seen].map(([key, values]) => [key, [...values]]));
  const distinct = [...firsts.values()].reduce((sum, values) => sum + values.length, 0);
  return { firsts, repeats: records - distinct };
}

async function publishAll({ mosquitto }: Servers): Promise<void> {
  for (let from = 0; from < EACH; from += 1000) {
    for (let key = 0; key < KEYS; key++) {
      const lines = Array.from({ length: 1000 }, (_, i) => `${from + i}`);
      await publishLines(mosquitto, `line/${key}`, { lines });
    }
  }
}

t.test('a killed broker and a paused one lose nothing and leave every key in order', async (t) => {
  const servers = await startServers(t, { brokers: 3 });
  const { kafka } = servers;
  await kafka.createTopic('ordered', 6, { replication: 3 });
  const connector = await startBridge(t, servers, {
    connector: { shards: 2 },
    localBroker: { receiveMaximum: 2000 },
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: 'line/#', kafkaTopic: 'ordered', kafkaAcks: 'all' }],
      },
    ],
  });
  await connector.ready();
  const reached = (count: number): Promise<void> => delivered(connector, 'r', count);
  const published = publishAll(servers);
  await reached(TOTAL / 10);
  await kafka.kill(1);
  await reached((TOTAL * 2) / 10);
  await kafka.start(1);
  await reached((TOTAL * 3) / 10);
  await kafka.pause(2);
  // Longer than its session with the controller: its partitions get other leaders.
  const pausedMs = performance.now();
  await until('the pause is over', () => performance.now() - pausedMs > 12_000);
  await kafka.resume(2);
  await reached((TOTAL * 5) / 10);
  await kafka.kill(3);
  await reached((TOTAL * 6) / 10);
  await kafka.start(3);
  await published;
  await reached(TOTAL);
  await until('all are acknowledged', async () => {
    return (await connector.metric('millrace_deliveries_in_flight')) === 0;
  });
  const { firsts, repeats } = await readByKey(kafka.bootstrap);
  for (let key = 0; key < KEYS; key++) {
    const values = firsts.get(`line/${key}`) ?? [];
    t.equal(values.length, EACH, `none of line/${key} is lost`);
    t.ok(
      values.every((value, i) => value === `${i}`),
      `line/${key} is in order`,
    );
  }
  t.comment(`${repeats} of ${TOTAL} came twice`);
  t.equal(await connector.metric('millrace_pubacks_sent_total', { result: 'refused' }), 0);
  t.equal(await connector.metric('millrace_messages_dead_lettered_total'), 0);
  t.equal(await connector.terminate(), 0);
});
