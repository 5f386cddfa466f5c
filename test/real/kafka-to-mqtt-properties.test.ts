import t, { type Test } from 'tap';
import type { RunningConnector } from '../support/connector.js';
import {
  type BridgeOptions,
  type Servers,
  startBridge,
  startServers,
} from '../support/real/bridge.js';
import { readGeneration } from '../support/real/committed-offsets.js';
import { produceLines, readTopic } from '../support/real/kcat.js';
import {
  type MqttMessage,
  publishPayload,
  type Subscriber,
  subscribe,
} from '../support/real/mosquitto-clients.js';
import { startProxy } from '../support/real/proxy.js';
import type { MapSpec } from '../support/resources.js';
import { until } from '../support/until.js';

/* What kcat produces is what mosquitto_sub reads, and how a consumer lives through outages. One Kafka and
 * one mosquitto for the file; a topic, a consumer group and a connector for each test. */

const MIB = 1024 * 1024;
/** After so long without room a consumer pauses its partitions. */
const PAUSE_AFTER_MS = 10_000;
const servers: Promise<Servers> = startServers(t);

function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${from + i}`);
}

function textsOf({ messages }: Subscriber): string[] {
  return messages.map(({ payload }) => `${payload}`);
}

async function listen(t: Test, filter: string): Promise<Subscriber> {
  const subscriber = await subscribe((await servers).mosquitto, { filters: [filter] });
  t.teardown(() => subscriber.stop());
  return subscriber;
}

interface RouteOptions extends Partial<BridgeOptions> {
  readonly map?: Omit<MapSpec, 'routes'>;
  readonly route?: Readonly<Record<string, unknown>>;
}

/** A connector whose one route takes the Kafka topic `name` to MQTT. */
async function startRoute(
  t: Test,
  name: string,
  { map, route, ...options }: RouteOptions = {},
): Promise<RunningConnector> {
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: name,
    maps: [
      {
        ...map,
        routes: [
          { direction: 'kafkaToMqtt', name, kafkaTopic: name, mqttTopic: name, qos: 1, ...route },
        ],
      },
    ],
    ...options,
  });
  await connector.ready();
  return connector;
}

async function isAssigned(connector: RunningConnector, partitions: number): Promise<void> {
  await until(
    `${partitions} partitions`,
    async () => (await connector.metric('millrace_partitions_assigned')) === partitions,
  );
}

/** Without what the bridge adds: where it has been, and when Kafka got it. */
function ownProperties({ userProperties }: MqttMessage) {
  return userProperties.filter(([name]) => !['Millrace-Origin', 'Timestamp'].includes(name));
}

t.test('a message comes back through Kafka with every property and byte', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.createTopic('round', 2);
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'round',
    maps: [
      {
        copyMqttProperties: true,
        partitionStrategy: 'topic',
        routes: [
          { name: 'up', mqttTopic: 'round/#', kafkaTopic: 'round' },
          {
            direction: 'kafkaToMqtt',
            name: 'down',
            kafkaTopic: 'round',
            mqttTopic: 'back/${header.Topic}',
            qos: 1,
          },
        ],
      },
    ],
  });
  await connector.ready();
  const there = await listen(t, 'round/#');
  const back = await listen(t, 'back/#');
  const payload = Buffer.from([0, 1, 0x0a, 0xff, 0xc3, 0x28]);
  await publishPayload(mosquitto, 'round/ä/1', {
    payload,
    retain: true,
    properties: [
      ['user-property', 'device-id', '7'],
      ['user-property', 'zone', 'ü: "x"'],
      ['user-property', 'device-id', '8'],
      ['user-property', 'Content Type', 'of the user'],
      ['user-property', 'Key', 'of the user'],
      ['user-property', 'empty', ''],
      ['content-type', 'application/json'],
      ['correlation-data', 'c0rr'],
      ['message-expiry-interval', '1000'],
      ['payload-format-indicator', '1'],
      ['response-topic', 'answers/1'],
    ],
  });
  await back.received(1);
  await there.received(1);
  const [before, after] = [there.messages[0], back.messages[0]];
  if (before === undefined || after === undefined) throw new Error('both have come');
  t.equal(after.topic, 'back/round/ä/1');
  t.same(after.payload, payload);
  const { 'message-expiry-interval': seconds, ...properties } = after.properties;
  const { 'message-expiry-interval': secondsBefore, ...propertiesBefore } = before.properties;
  t.same(properties, propertiesBefore);
  t.equal(Object.keys(properties).length, 4);
  t.ok(Number(seconds) <= Number(secondsBefore) && Number(seconds) > 900, `expiry ${seconds}`);
  t.same(after.userProperties.slice(0, -1), before.userProperties);
  t.equal(after.userProperties.at(-1)?.[0], 'Millrace-Origin');
  const late = await listen(t, 'back/#');
  await late.received(1);
  t.equal(late.messages[0]?.retain, true, 'it is retained');
});

t.test('what kcat produces: topics from the record, headers, key and time', async (t) => {
  const { kafka } = await servers;
  await kafka.createTopic('made', 3);
  const connector = await startRoute(t, 'made', {
    map: { copyMqttProperties: true },
    route: { mqttTopic: 'made/${kafkaTopic}/${partition}/${key}/${header.site}' },
  });
  const subscriber = await listen(t, 'made/#');
  const produce = (line: string, headers: readonly (readonly [string, string])[]) =>
    produceLines(kafka.bootstrap, 'made', {
      keyDelimiter: '|',
      partition: 2,
      headers,
      lines: [line],
    });
  await produce('k/1|one', [
    ['site', 'Oslo'],
    ['a', '1'],
    ['Content Type', 'text/x'],
    ['a', '2'],
    ['Payload Format Indicator', 'neither'],
  ]);
  await produce('k+|two', [['site', 'Oslo']]);
  await produce('k|three', []);
  await produce('k|four', [['site', 'Bø']]);
  await subscriber.received(2);
  const [one, four] = subscriber.messages;
  t.equal(one?.topic, 'made/made/2/k/1/Oslo');
  t.equal(four?.topic, 'made/made/2/k/Bø');
  t.same(one?.properties, { 'content-type': 'text/x' });
  t.same(one && ownProperties(one), [
    ['site', 'Oslo'],
    ['a', '1'],
    ['a', '2'],
    ['Payload Format Indicator', 'neither'],
    ['Key', 'k/1'],
  ]);
  const [record] = await readTopic(kafka.bootstrap, 'made');
  const time = one?.userProperties.find(([name]) => name === 'Timestamp')?.[1];
  t.equal(time, `${record?.timestampMs}`);
  await until('two dead letters', async () => {
    return (await connector.metric('millrace_messages_dead_lettered_total')) === 2;
  });
  const list = await connector.command('dead-letters', 'list');
  t.equal([...list.matchAll(/mqttTopicInvalid/g)].length, 2, list);
});

t.test('a tombstone is an empty payload, and takes a retained message away', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.createTopic('state', 1);
  await startRoute(t, 'state', {
    map: { copyMqttProperties: true },
    route: { mqttTopic: 'state/${key}' },
  });
  const subscriber = await listen(t, 'state/#');
  const produce = (lines: readonly string[]) =>
    produceLines(kafka.bootstrap, 'state', {
      keyDelimiter: '|',
      emptyIsNull: true,
      headers: [['Retain', '1']],
      lines,
    });
  await produce(['a|1', 'b|2']);
  await subscriber.received(2);
  await produce(['a|']);
  await subscriber.received(3);
  t.equal((await readTopic(kafka.bootstrap, 'state'))[2]?.value, null, 'it is a tombstone');
  t.same(
    subscriber.messages.map(({ topic, payload }) => [topic, `${payload}`]),
    [
      ['state/a', '1'],
      ['state/b', '2'],
      ['state/a', ''],
    ],
  );
  const late = await listen(t, 'state/#');
  await publishPayload(mosquitto, 'state/end', { payload: 'end' });
  await late.received(2);
  t.same(
    late.messages.map(({ topic, retain }) => [topic, retain]),
    [
      ['state/b', true],
      ['state/end', false],
    ],
  );
});

t.test('retain: never leaves it out, and QoS 0 delivers and commits', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.createTopic('plain', 1);
  const connector = await startRoute(t, 'plain', {
    map: { copyMqttProperties: true },
    route: { qos: 0, retain: 'never' },
  });
  const subscriber = await listen(t, 'plain');
  const lines = numbers(5000);
  await produceLines(kafka.bootstrap, 'plain', { headers: [['Retain', '1']], lines });
  await subscriber.received(lines.length);
  t.same(textsOf(subscriber), lines);
  t.ok(
    subscriber.messages.every(({ qos }) => qos === 0),
    'all are of QoS 0',
  );
  t.equal(await connector.terminate(), 0);
  await connector.start();
  await produceLines(kafka.bootstrap, 'plain', { lines: ['more'] });
  await subscriber.received(lines.length + 1);
  t.equal(textsOf(subscriber).at(-1), 'more', 'nothing came again');
  const late = await listen(t, 'plain');
  await publishPayload(mosquitto, 'plain', { payload: 'end' });
  await late.received(1);
  t.same(textsOf(late), ['end']);
});

t.test('a restart takes its partitions back without a rebalance, also after a kill', async (t) => {
  const { kafka } = await servers;
  await kafka.createTopic('member', 4);
  const connector = await startRoute(t, 'member');
  const subscriber = await listen(t, 'member');
  await isAssigned(connector, 4);
  const generation = () => readGeneration(kafka.bootstrap, 'member');
  const first = await generation();
  t.ok(first >= 1, `the first generation is ${first}`);
  for (const [end, count] of [
    ['kill', 1],
    ['terminate', 2],
  ] as const) {
    const endedMs = performance.now();
    await connector[end]();
    await produceLines(kafka.bootstrap, 'member', { lines: [end] });
    await connector.start();
    await subscriber.received(count);
    t.comment(`${end}: ${Math.round(performance.now() - endedMs)} ms until the next record`);
    t.equal(await generation(), first, `after ${end} the group is as it was`);
  }
  t.same(textsOf(subscriber), ['kill', 'terminate']);
});

t.test('Kafka away and back: what comes then is delivered', async (t) => {
  const { kafka } = await servers;
  await kafka.createTopic('away', 2);
  const connector = await startRoute(t, 'away');
  const subscriber = await listen(t, 'away');
  await produceLines(kafka.bootstrap, 'away', { partition: 0, lines: numbers(1000) });
  await subscriber.received(1000);
  await kafka.kill(1);
  await until('it is not ready', async () => !(await connector.health()).ready);
  await kafka.start(1);
  await produceLines(kafka.bootstrap, 'away', { partition: 0, lines: numbers(1000, 1000) });
  // Where it took longer than the session of the group, what was not committed comes again.
  await until('all have come', () => new Set(textsOf(subscriber)).size === 2000);
  await connector.ready();
  t.same([...new Set(textsOf(subscriber))], numbers(2000));
});

t.test('MQTT away for long: partitions are kept, memory stays, and nothing is lost', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.createTopic('long', 2);
  const proxy = await startProxy(mosquitto);
  t.teardown(() => proxy.close());
  const connector = await startRoute(t, 'long', {
    localBroker: { endpoint: `127.0.0.1:${proxy.port}` },
  });
  const subscriber = await listen(t, 'long');
  await isAssigned(connector, 2);
  const generation = await readGeneration(kafka.bootstrap, 'long');
  await produceLines(kafka.bootstrap, 'long', { partition: 0, lines: ['first'] });
  await subscriber.received(1);
  proxy.away();
  await until('it is not ready', async () => !(await connector.health()).ready);
  // Far more than a ring and the prefetch hold.
  const padding = 'x'.repeat(2000);
  const lines = numbers(40_000).map((n) => `${n} ${padding}`);
  await produceLines(kafka.bootstrap, 'long', { partition: 0, lines });
  const awayMs = performance.now();
  await until('it has paused', () => performance.now() - awayMs > 1.3 * PAUSE_AFTER_MS);
  const rssBytes = await connector.rssBytes();
  t.ok(rssBytes < 300 * MIB, `it takes ${Math.round(rssBytes / MIB)} MiB`);
  t.equal(await connector.metric('millrace_partitions_assigned'), 2);
  proxy.back();
  await subscriber.received(1 + lines.length);
  const found = [...new Set(textsOf(subscriber))];
  t.equal(found.length, 1 + lines.length);
  t.ok(
    lines.every((line, i) => found[i + 1] === line),
    'they are in order',
  );
  t.equal(await readGeneration(kafka.bootstrap, 'long'), generation, 'nothing was rebalanced');
  await connector.ready();
});
