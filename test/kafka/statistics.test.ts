import t from 'tap';
import { addon } from '../../src/kafka/addon.js';
import { brokersKnown, brokersUp, Connections, isConnected } from '../../src/kafka/statistics.js';
import { NativeShard, quickProducer } from '../support/native-shard.js';
import { until } from '../support/until.js';

const UP = JSON.stringify({ brokers: { a: { state: 'UP' }, b: { state: 'DOWN' } } });
const DOWN = JSON.stringify({ brokers: { a: { state: 'INIT' }, b: { state: 'CONNECT' } } });

t.test('brokers are counted by their state', (t) => {
  t.equal(brokersUp(UP), 1);
  t.equal(brokersUp(DOWN), 0);
  t.equal(brokersUp('{}'), 0);
  t.end();
});

t.test('the brokers of the cluster are those that have an id, each once', async (t) => {
  const brokers = {
    'kafka:9092/bootstrap': { nodeid: -1, nodename: 'kafka:9092', source: 'configured' },
    'GroupCoordinator/2': { nodeid: 2, nodename: 'kafka-2:9092', source: 'logical' },
    'kafka-2:9092/2': { nodeid: 2, nodename: 'kafka-2:9092', source: 'learned' },
    '[::1]:9093/1': { nodeid: 1, nodename: '[::1]:9093', source: 'learned' },
    'gone/3': { nodeid: 3, nodename: '', source: 'learned' },
  };
  t.strictSame(brokersKnown(JSON.stringify({ brokers })), [
    { id: 1, host: '[::1]', port: 9093 },
    { id: 2, host: 'kafka-2', port: 9092 },
  ]);
});

t.test('a broker whose name ends the text early is no broker, and no error', async (t) => {
  const text = UP.replace('"a"', '"a"b"');
  t.equal(brokersUp(text), 0);
  t.strictSame(brokersKnown(text), []);
  t.equal(isConnected(text), false);
});

/** Statistics of an address of the configuration, where it is still there, and of two brokers. */
function statistics(bootstrap: string | undefined, ...known: readonly string[]): string {
  const brokers = [
    ...(bootstrap === undefined ? [] : [{ nodeid: -1, state: bootstrap }]),
    ...known.map((state, i) => ({ nodeid: i + 1, state })),
  ];
  return JSON.stringify({ brokers: Object.fromEntries(Object.entries(brokers)) });
}

t.test('a broker that is wanted decides; else an address that answers does', (t) => {
  t.equal(isConnected(statistics('TRY_CONNECT')), false, 'at the start');
  t.equal(isConnected(statistics('UP')), true);
  t.equal(isConnected(statistics('UP', 'INIT', 'INIT')), true, 'nobody wants to send');
  t.equal(isConnected(statistics('UP', 'TRY_CONNECT', 'INIT')), false);
  t.equal(isConnected(statistics('UP', 'TRY_CONNECT', 'UP')), true);
  t.equal(isConnected(statistics(undefined, 'CONNECT')), false);
  t.equal(isConnected(statistics('INIT', 'INIT')), false, 'the address is tried again: an outage');
  t.equal(isConnected(statistics(undefined, 'INIT', 'INIT')), undefined, 'idle');
  t.end();
});

t.test('a Kafka that comes back is said to be there once', (t) => {
  const connections = new Connections();
  const seen = [
    statistics(undefined, 'UP'),
    statistics('INIT', 'TRY_CONNECT'),
    statistics('UP', 'TRY_CONNECT'),
    statistics(undefined, 'TRY_CONNECT'),
    statistics(undefined, 'UP'),
    statistics(undefined, 'INIT'),
  ].map((text) => connections.update(0, text, () => true));
  t.strictSame(seen, [true, false, false, false, true, true]);
  t.end();
});

t.test('Kafka is there while one producer of several is connected', (t) => {
  const connections = new Connections();
  const all = () => true;
  t.notOk(connections.update(0, DOWN, all));
  t.ok(connections.update(1, UP, all));
  t.ok(connections.update(0, DOWN, all));
  t.notOk(connections.update(1, DOWN, all));
  t.ok(connections.update(1, UP, all));
  t.notOk(
    connections.update(0, DOWN, (producer) => producer !== 1),
    'a producer that was removed counts no more',
  );
  t.end();
});

t.test('librdkafka’s own statistics tell when Kafka comes and goes', async (t) => {
  const cluster = new addon.MockCluster(1);
  const shard = new NativeShard();
  t.teardown(() => {
    shard.close();
    cluster.close();
  });
  const properties = quickProducer(cluster.bootstrapServers);
  shard.native.addProducer({ ...properties, 'statistics.interval.ms': '20' });
  const latest = () => shard.events.findLast(({ kind }) => kind === 2)?.text;
  const sees = (count: number) => () => {
    const text = latest();
    return text !== undefined && brokersUp(text) > 0 === count > 0;
  };
  await until('it is up', sees(1));
  cluster.setBrokerUp(1, false);
  await until('it is down', sees(0));
  cluster.setBrokerUp(1, true);
  await until('it is up again', sees(1));
  t.pass('came, went, and came');
});
