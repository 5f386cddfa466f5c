import t, { type Test } from 'tap';
import { runBench } from '../../src/bench/bench.js';
import { BENCH_DEFAULTS, type BenchOptions } from '../../src/bench/options.js';
import type { RoundReport } from '../../src/bench/round.js';
import { type Kafka, startKafka } from '../support/real/kafka.js';
import { type Mosquitto, startMosquitto } from '../support/real/mosquitto.js';
import { publishPayload, subscribe } from '../support/real/mosquitto-clients.js';
import { until } from '../support/until.js';

/* A bench with a real broker between the generator and the connector. */

const SIZE = { warmupMessages: 200, messages: 1800, topics: 100 };

interface Servers {
  readonly kafka: Kafka;
  readonly mosquitto: Mosquitto;
}

async function startServers(t: Test, settings: readonly string[] = []): Promise<Servers> {
  const [kafka, mosquitto] = await Promise.all([startKafka(), startMosquitto({ settings })]);
  t.teardown(() => Promise.all([kafka.stop(), mosquitto.stop()]));
  return { kafka, mosquitto };
}

async function bench(
  { kafka, mosquitto }: Servers,
  options: Partial<BenchOptions>,
): Promise<RoundReport> {
  const throughBroker = { host: mosquitto.host, port: mosquitto.port };
  const given = { ...BENCH_DEFAULTS, ...SIZE, ...options, kafka: kafka.bootstrap, throughBroker };
  const { rounds } = await runBench(given, () => undefined);
  return rounds[0] as RoundReport;
}

t.test('both directions, at either QoS, in saturation and at a rate', async (t) => {
  const servers = await startServers(t);
  for (const direction of ['mqtt-to-kafka', 'kafka-to-mqtt', 'both'] as const) {
    for (const qos of [0, 1] as const) {
      for (const rate of [undefined, 1000]) {
        const connections = qos === 0 ? 1 : 20;
        const round = await bench(servers, { direction, qos, rate, connections });
        const name = `${direction}, QoS ${qos}, ${rate ?? 'saturation'}`;
        t.strictSame(round.voidBecause, [], name);
        const isRead = direction !== 'kafka-to-mqtt';
        t.match(round.load, isRead ? { settled: 2000, unacknowledged: 0 } : undefined, name);
        if (isRead) t.equal(round.records, 2000, name);
        const isWritten = direction !== 'mqtt-to-kafka';
        t.match(round.feed, isWritten ? { received: 2000, duplicates: 0 } : undefined, name);
      }
    }
  }
  await leavesNothing(t, servers);
});

/** Neither in Kafka nor at the broker. */
async function leavesNothing(t: Test, { kafka, mosquitto }: Servers): Promise<void> {
  const address = ['--bootstrap-server', kafka.bootstrap];
  const list = async (tool: string) =>
    (await kafka.tool(tool, [...address, '--list'])).split('\n').filter((line) => line !== '');
  let topics: string[] = [];
  await until(
    'the topics are gone',
    async () => {
      topics = (await list('TopicCommand')).filter((name) => name.includes('bench'));
      return topics.length === 0;
    },
    { detail: () => topics },
  );
  const log = await mosquitto.log();
  const connected = [...log.matchAll(/New client connected from \S+ as (bench-\S+)/g)];
  t.ok(connected.length > 100);
  const clients = new Set(connected.map(([, client]) => client));
  for (const client of clients) {
    t.match(log, new RegExp(`Client ${client} disconnected`), `${client} said that it leaves`);
  }
  await publishPayload(mosquitto, 'only', { payload: 'this', retain: true });
  const subscriber = await subscribe(mosquitto, { filters: ['#'] });
  await subscriber.received(1);
  await subscriber.stop();
  t.strictSame(
    subscriber.messages.map(({ topic }) => topic),
    ['only'],
    'nothing else is retained',
  );
}

t.test('a thousand devices publish', async (t) => {
  const servers = await startServers(t);
  const round = await bench(servers, { connections: 1000, topics: 1000, rate: 1000 });
  t.strictSame(round.voidBecause, []);
  t.match(round.load, { settled: 2000, unacknowledged: 0, notInKafka: 0 });
});

t.test('a broker that drops makes the round void, with a hint', async (t) => {
  const servers = await startServers(t, ['max_queued_messages 5', 'max_inflight_messages 5']);
  const options = { connections: 50, receiveMaximum: 1000, stallSeconds: 2 };
  const { load, voidBecause } = await bench(servers, options);
  t.ok((load?.notInKafka ?? 0) > 0);
  t.equal(load?.unacknowledged, 0, 'the broker has acknowledged what it dropped');
  t.match(voidBecause[0], /messages are not in Kafka; .*max_queued_messages/);
});
