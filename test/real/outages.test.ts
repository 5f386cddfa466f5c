import t from 'tap';
import type { RunningConnector } from '../support/connector.js';
import {
  delivered,
  readValues,
  type Servers,
  startBridge,
  startServers,
} from '../support/real/bridge.js';
import { publishLines } from '../support/real/mosquitto-clients.js';
import { startProxy } from '../support/real/proxy.js';
import { until } from '../support/until.js';

/* One party after the other goes away, or stands still. Each test has a session and a Kafka topic of
 * its own on the same two servers.
 *
 * What mosquitto itself loses: killed, it forgets what it has acknowledged since it saved last, which
 * is at a shutdown or every half hour; sessions are part of that. */

const RECEIVE_MAXIMUM = 1000;
const RECONNECTS = 50;
const MIB = 1024 * 1024;
const servers: Promise<Servers> = startServers(t);

function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${i + from}`);
}

/** A bridge with one keyed route of acks all from `name/#` to the Kafka topic `name`. */
async function startNamed(
  t: { teardown(callback: () => Promise<void>): void },
  name: string,
  localBroker: Readonly<Record<string, unknown>> = {},
  args: readonly string[] = [],
): Promise<Servers & { readonly connector: RunningConnector }> {
  const both = await servers;
  const connector = await startBridge(t, both, {
    clientIdPrefix: name,
    localBroker: { receiveMaximum: RECEIVE_MAXIMUM, ...localBroker },
    args,
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: `${name}/#`, kafkaTopic: name, kafkaAcks: 'all' }],
      },
    ],
  });
  return { ...both, connector };
}

async function notReady(connector: RunningConnector, part: RegExp): Promise<void> {
  await until(`${part} is not ready`, async () =>
    (await connector.health()).reasons.some((reason) => part.test(reason.part)),
  );
}

t.test('Kafka away at the start: the broker stores, and all of it arrives later', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.kill(1);
  const { connector } = await startNamed(t, 'at-start');
  await notReady(connector, /^shard/);
  await until('it is connected', async () => {
    return (await connector.metric('millrace_mqtt_sessions_connected')) === 1;
  });
  await publishLines(mosquitto, 'at-start/1', { lines: numbers(3000) });
  t.ok((await connector.metric('millrace_deliveries_in_flight')) <= RECEIVE_MAXIMUM);
  t.equal(await connector.metric('millrace_pubacks_sent_total'), 0);
  await kafka.start(1);
  await delivered(connector, 'r', 3000);
  await connector.ready();
  t.same(await readValues(kafka, 'at-start'), numbers(3000));
});

t.test('fifty reconnects with Kafka stopped leave memory and queues as they were', async (t) => {
  const { kafka, mosquitto } = await servers;
  const proxy = await startProxy(mosquitto);
  t.teardown(() => proxy.close());
  const { connector } = await startNamed(t, 'stopped', { endpoint: `127.0.0.1:${proxy.port}` });
  await connector.ready();
  await publishLines(mosquitto, 'stopped/1', { lines: numbers(5000) });
  await delivered(connector, 'r', 5000);
  await kafka.kill(1);
  await publishLines(mosquitto, 'stopped/1', { lines: numbers(20_000, 5000) });
  await notReady(connector, /^shard/);
  const inFlight = (): Promise<number> => connector.metric('millrace_deliveries_in_flight');
  await until('the credit is used up', async () => (await inFlight()) === RECEIVE_MAXIMUM);
  const reconnect = async (): Promise<void> => {
    const { connections } = proxy;
    proxy.drop();
    await until('it is back', () => proxy.connections > connections);
    await until('it is connected', async () => {
      return (await connector.metric('millrace_mqtt_sessions_connected')) === 1;
    });
  };
  // The first few touch memory for the first time.
  for (let i = 0; i < 15; i++) await reconnect();
  const before = await connector.rssBytes();
  for (let i = 0; i < RECONNECTS; i++) await reconnect();
  const grownBytes = (await connector.rssBytes()) - before;
  t.ok(grownBytes < 24 * MIB, `it grew by ${Math.round(grownBytes / MIB)} MiB`);
  t.equal(await inFlight(), RECEIVE_MAXIMUM);
  t.ok((await connector.metric('millrace_redeliveries_joined_total')) >= RECEIVE_MAXIMUM);
  await kafka.start(1);
  await delivered(connector, 'r', 25_000);
  t.same(await readValues(kafka, 'stopped'), numbers(25_000), 'each once, in order');
});

t.test('mosquitto that is shut down and started again keeps everything', async (t) => {
  const { kafka, mosquitto, connector } = await startNamed(t, 'restarted');
  await connector.ready();
  await publishLines(mosquitto, 'restarted/1', { lines: numbers(2000) });
  await mosquitto.shutdown();
  await notReady(connector, /^session/);
  await mosquitto.start();
  await publishLines(mosquitto, 'restarted/1', { lines: numbers(2000, 2000) });
  await connector.ready();
  await delivered(connector, 'r', 4000);
  const values = await readValues(kafka, 'restarted');
  t.same([...new Set(values)], numbers(4000), 'none is lost, in order of first occurrence');
});

t.test('after mosquitto was killed the connector subscribes anew by itself', async (t) => {
  const { kafka, mosquitto, connector } = await startNamed(t, 'killed');
  await connector.ready();
  await publishLines(mosquitto, 'killed/1', { lines: numbers(2000) });
  await delivered(connector, 'r', 2000);
  await mosquitto.kill();
  await notReady(connector, /^session/);
  await mosquitto.start();
  await connector.ready();
  await publishLines(mosquitto, 'killed/1', { lines: numbers(2000, 2000) });
  await delivered(connector, 'r', 4000);
  t.same([...new Set(await readValues(kafka, 'killed'))], numbers(4000));
});

t.test('mosquitto that stands still is noticed by Keep Alive, and loses nothing', async (t) => {
  const { kafka, mosquitto, connector } = await startNamed(t, 'silent', { keepAliveSeconds: 2 });
  await connector.ready();
  await publishLines(mosquitto, 'silent/1', { lines: numbers(1000) });
  await mosquitto.pause();
  await notReady(connector, /^session/);
  const { reasons } = await connector.health();
  t.match(reasons[0]?.message, /nothing heard/);
  await mosquitto.resume();
  await connector.ready();
  await publishLines(mosquitto, 'silent/1', { lines: numbers(1000, 1000) });
  await delivered(connector, 'r', 2000);
  t.same([...new Set(await readValues(kafka, 'silent'))], numbers(2000));
});

t.test('a connector that is killed in the middle loses nothing, in order', async (t) => {
  const { kafka, mosquitto, connector } = await startNamed(t, 'crashed');
  await connector.ready();
  for (let round = 0; round < 4; round++) {
    const lines = numbers(10_000, round * 10_000);
    const published = publishLines(mosquitto, 'crashed/1', { lines });
    await delivered(connector, 'r', 500);
    await connector.kill();
    await connector.start();
    await published;
  }
  await connector.ready();
  await until('all are there', async () => {
    return new Set(await readValues(kafka, 'crashed')).size === 40_000;
  });
  const values = await readValues(kafka, 'crashed');
  t.same([...new Set(values)], numbers(40_000), 'in order of first occurrence');
  t.comment(`${values.length - 40_000} came twice`);
});

t.test('SIGTERM in the middle: exit code 0, and nothing comes twice or is missing', async (t) => {
  const { kafka, mosquitto, connector } = await startNamed(t, 'drained');
  await connector.ready();
  for (let round = 0; round < 4; round++) {
    const lines = numbers(10_000, round * 10_000);
    const published = publishLines(mosquitto, 'drained/1', { lines });
    await delivered(connector, 'r', 500);
    t.equal(await connector.terminate(), 0, connector.log());
    await connector.start();
    await published;
  }
  await until('all are there', async () => (await readValues(kafka, 'drained')).length >= 40_000);
  await connector.ready();
  t.equal(await connector.terminate(), 0);
  t.same(await readValues(kafka, 'drained'), numbers(40_000));
});

t.test('SIGTERM without Kafka and without a broker that answers ends in time', async (t) => {
  const { kafka, mosquitto, connector } = await startNamed(t, 'alone', {}, [
    '--drain-timeout',
    '1',
  ]);
  await connector.ready();
  await kafka.kill(1);
  await publishLines(mosquitto, 'alone/1', { lines: numbers(10) });
  await until('they are taken', async () => {
    return (await connector.metric('millrace_deliveries_in_flight')) === 10;
  });
  await mosquitto.pause();
  const startedMs = performance.now();
  t.equal(await connector.terminate(), 0);
  t.ok(performance.now() - startedMs < 15_000, `${Math.round(performance.now() - startedMs)} ms`);
  t.match(connector.log(), /stopping; up to 1 s for 10 message\(s\) in flight/);
  t.match(connector.log(), /10 message\(s\) were not settled within 1 s/);
  await mosquitto.resume();
  await kafka.start(1);
  await connector.start();
  await delivered(connector, 'r', 10);
  t.same(await readValues(kafka, 'alone'), numbers(10));
});
