import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { FeedPlan } from '../../../src/bench/load/feed-plan.js';
import { FeedRun } from '../../../src/bench/load/feed-run.js';
import type { RecordFeeder } from '../../../src/bench/load/feeder.js';
import { STAMP_BYTES, viewOf, writeStamp } from '../../../src/bench/load/stamp.js';
import type { Feed } from '../../../src/bench/protocol.js';
import { BrokerClients } from '../../../src/bench/through-broker/broker-clients.js';
import type { BrokerOptions } from '../../../src/demo/broker/options.js';
import { runBroker } from '../../demo/broker/running-broker.js';
import { until } from '../../support/until.js';

const FEED: Feed = {
  topicRoot: 'bench-x/feed',
  readers: 3,
  qos: 1,
  bootstrapServers: '',
  kafkaTopic: '',
  records: 6,
  recordsBefore: 6,
  ratePerSecond: undefined,
  awaitsAll: true,
  keys: 6,
  skew: 0,
  payload: [{ bytes: STAMP_BYTES, percent: 100 }],
  userProperties: 0,
  compression: 'none',
  warmup: { kind: 'messages', count: 0 },
  measured: { kind: 'messages', count: 6 },
  stallSeconds: 60,
};

/** All of the feed is in Kafka. */
function feederOf(feed: Feed): RecordFeeder {
  return { plan: new FeedPlan(feed, 1), written: feed.records, write: () => undefined };
}

/** Readers of a feed at a broker. */
function readersAt(t: Test, port: number, feed: Feed = FEED) {
  const failures: string[] = [];
  const onFailed = (message: string) => void failures.push(message);
  const feedRun = new FeedRun(feed, feederOf(feed), { onMeasuring: () => undefined, onFailed });
  const broker = { host: '127.0.0.1', port, clientIdPrefix: 'bench-x' };
  const clients = new BrokerClients(broker, feed.readers, {
    loadRun: undefined,
    feedRun,
    receiveMaximum: 10,
    onProgress: () => undefined,
    onLost: () => undefined,
    onFailed,
  });
  t.teardown(() => clients.close());
  return { clients, feedRun, failures };
}

t.test('each reader subscribes to topics of its own, and takes what comes to them', async (t) => {
  const { broker, port } = await runBroker(t);
  const { clients, feedRun, failures } = readersAt(t, port);
  t.equal(await clients.open(), `127.0.0.1:${port}`);
  t.strictSame(
    [0, 1, 2].map((n) => broker.session(`bench-x-device-${n}`)?.topicFilters),
    [['bench-x/feed/0/#'], ['bench-x/feed/1/#'], ['bench-x/feed/2/#']],
  );
  const plan = new FeedPlan(FEED, 1);
  for (let n = 0; n < 6; n += 1) {
    const payload = Buffer.alloc(STAMP_BYTES);
    writeStamp(viewOf(payload), 0, plan.contentOf(n), n, 0);
    broker.publish({ topic: `bench-x/feed/${n % 3}/${n}`, payload, qos: 1 });
  }
  await until('all have come', () => feedRun.report(0).received === 6);
  t.match(feedRun.report(0), { missing: 0, outOfOrder: 0, damaged: 0 });
  await until('all are acknowledged', () =>
    broker.sessions().every(({ inFlight }) => inFlight === 0),
  );
  t.strictSame(failures, []);
});

t.test('nothing is left of its sessions when it closes', async (t) => {
  const { broker, port } = await runBroker(t);
  const reasonCodes: unknown[] = [];
  broker.hooks.onDisconnected = (_, reasonCode) => reasonCodes.push(reasonCode);
  const { clients, failures } = readersAt(t, port);
  await clients.open();
  clients.close();
  await until('they have left', () => reasonCodes.length === 3);
  t.strictSame(reasonCodes, [0, 0, 0], 'with a DISCONNECT');
  t.strictSame(broker.sessions(), []);
  t.strictSame(failures, []);
});

t.test('very many connections are opened, a few at a time', async (t) => {
  const { broker, port } = await runBroker(t);
  const { clients } = readersAt(t, port, { ...FEED, readers: 300, keys: 300 });
  await clients.open();
  t.equal(broker.sessions().length, 300);
  t.equal(clients.connections.length, 300);
});

t.test('a connection that the broker ends is told with its reason', async (t) => {
  const { broker, port } = await runBroker(t);
  const { clients, failures } = readersAt(t, port);
  await clients.open();
  broker.disconnect('bench-x-device-1', 0x97);
  await until('it is told', () => failures.length > 0);
  t.strictSame(failures, [
    `the broker at 127.0.0.1:${port} ended a connection: quota exceeded (0x97)`,
  ]);
  broker.dropConnections('bench-x-device-2');
  await until('it is told', () => failures.length > 1);
  t.match(failures[1], /closed a connection that was in use/);
});

t.test('a broker that wants to hear of every client hears of them', async (t) => {
  const { broker, port } = await runBroker(t, { serverKeepAlive: 1, recordedPacketsMax: 10 });
  const { clients } = readersAt(t, port);
  await clients.open();
  await until('all have pinged', () =>
    [0, 1, 2].every((n) =>
      broker.recorded(`bench-x-device-${n}`).some(({ cmd }) => cmd === 'pingreq'),
    ),
  );
});

t.test('what a broker refuses is an error that says so', async (t) => {
  const refused = async (options: BrokerOptions, message: RegExp) => {
    const { broker, port } = await runBroker(t, options);
    const { clients } = readersAt(t, port);
    await t.rejects(clients.open(), { code: 'ERR_BENCH_BROKER', message });
    await until('no connection is left', () => broker.sessions().length === 0);
  };
  await refused({ hooks: { onConnect: () => 0x87 } }, /refuses the connection: not authorized/);
  await refused({ hooks: { onSubscribe: () => 0x87 } }, /0x87\) when .* bench-x\/feed\/\d\/#$/);
  await refused({ wildcardSubscriptionAvailable: false }, /no wildcard subscriptions/);
});

t.test('where no broker answers, that is an error', async (t) => {
  await t.rejects(readersAt(t, 1).clients.open(), {
    code: 'ERR_BENCH_BROKER',
    message: /^no MQTT broker answers at 127\.0\.0\.1:1: .*ECONNREFUSED/,
  });
});

t.test('a server that is no broker of MQTT v5 is an error within seconds', async (t) => {
  const errorOf = async (onSocket: (socket: Socket) => void, message: RegExp) => {
    const server = createServer(onSocket);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    await t.rejects(readersAt(t, port).clients.open(), { code: 'ERR_BENCH_BROKER', message });
  };
  await errorOf((socket) => socket.end(), /closed a connection at once: does it speak MQTT v5\?/);
  await errorOf((socket) => socket.resume(), /did not answer within 5 s: does it speak MQTT v5/);
  const mqtt3Refusal = Buffer.from([0x20, 2, 0, 1]);
  await errorOf(
    (socket) => socket.write(mqtt3Refusal),
    /unacceptable protocol version \(0x01\); does it speak MQTT v5\?|malformed/,
  );
});
