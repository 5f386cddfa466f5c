import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import {
  delivered,
  headersOf,
  readValues,
  type Servers,
  startBridge,
  startServers,
} from '../support/real/bridge.js';
import { type KafkaRecord, readTopic } from '../support/real/kcat.js';
import { publishLines, publishPayload } from '../support/real/mosquitto-clients.js';
import { until } from '../support/until.js';

/* The main job: what mosquitto_pub publishes is what kcat reads. One mosquitto and one Kafka for the
 * file, a connector for each test. */

const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4'] as const;
const servers: Promise<Servers> = startServers(t, { maxMessage: '64M' });

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

function sha256(bytes: Uint8Array | null | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}

function partitionCounts(records: readonly KafkaRecord[], partitions: number): number[] {
  const counts = new Array<number>(partitions).fill(0);
  for (const { partition } of records) counts[partition] = (counts[partition] ?? 0) + 1;
  return counts;
}

t.test('every property becomes its header, in order, and the topic is the key', async (t) => {
  const { kafka, mosquitto } = await servers;
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'headers',
    maps: [
      {
        partitionStrategy: 'topic',
        copyMqttProperties: true,
        routes: [{ name: 'r', mqttTopic: 'headers/#', kafkaTopic: 'headers' }],
      },
    ],
  });
  await connector.ready();
  await publishPayload(mosquitto, 'headers/ä/1', {
    payload: '{"t":1}',
    properties: [
      ['user-property', 'device-id', '7'],
      ['user-property', 'zone', 'ü: "x"'],
      ['user-property', 'device-id', '8'],
      ['user-property', 'Content Type', 'of the user'],
      ['user-property', 'empty', ''],
      ['content-type', 'application/json'],
      ['correlation-data', 'c0rr'],
      ['message-expiry-interval', '1000'],
      ['payload-format-indicator', '1'],
      ['response-topic', 'answers/1'],
    ],
  });
  await delivered(connector, 'r', 1);
  await publishPayload(mosquitto, 'headers/2', { payload: 'plain', qos: 0, retain: true });
  await delivered(connector, 'r', 2);
  const records = await readTopic(kafka.bootstrap, 'headers');
  const first = records.find(({ value }) => `${value}` === '{"t":1}');
  t.equal(`${first?.key}`, 'headers/ä/1');
  const headers = headersOf(first);
  t.match(headers.splice(-1), [['Millrace', /Content Type/]]);
  const expiry = headers.find(([name]) => name === 'Message Expiry Interval')?.[1] ?? '';
  t.ok(Number(expiry) >= 900 && Number(expiry) <= 1000, `what remains: ${expiry}`);
  t.same(headers, [
    ['device-id', '7'],
    ['zone', 'ü: "x"'],
    ['device-id', '8'],
    ['Content Type', 'of the user'],
    ['empty', ''],
    ['Payload Format Indicator', '1'],
    ['Response Topic', 'answers/1'],
    ['Message Expiry Interval', expiry],
    ['Correlation Data', 'c0rr'],
    ['Content Type', 'application/json'],
    ['Topic', 'headers/ä/1'],
    ['QoS', '1'],
    ['Retain', '0'],
  ]);
  const second = records.find(({ value }) => `${value}` === 'plain');
  t.equal(`${second?.key}`, 'headers/2');
  t.same(headersOf(second).slice(0, -1), [
    ['Topic', 'headers/2'],
    ['QoS', '0'],
    ['Retain', '1'],
  ]);
});

t.test(
  'without copyMqttProperties there is the topic, and without preserveTopic nothing',
  async (t) => {
    const { kafka, mosquitto } = await servers;
    const connector = await startBridge(t, await servers, {
      clientIdPrefix: 'bare',
      maps: [
        { routes: [{ name: 'named', mqttTopic: 'bare/#', kafkaTopic: 'bare.named' }] },
        {
          preserveTopic: false,
          routes: [{ name: 'bare', mqttTopic: 'bare/+', kafkaTopic: 'bare' }],
        },
      ],
    });
    await connector.ready();
    const properties = [['user-property', 'k', 'v']] as const;
    await publishPayload(mosquitto, 'bare/1', { payload: 'x', properties });
    await delivered(connector, 'named', 1);
    await delivered(connector, 'bare', 1);
    t.same(headersOf((await readTopic(kafka.bootstrap, 'bare.named'))[0]), [['Topic', 'bare/1']]);
    const [record] = await readTopic(kafka.bootstrap, 'bare');
    t.same(headersOf(record), []);
    t.equal(record?.key, null);
  },
);

t.test(
  'a user property is the key; without it a message is counted and goes by turns',
  async (t) => {
    const { kafka, mosquitto } = await servers;
    await kafka.createTopic('by-property', 3);
    const connector = await startBridge(t, await servers, {
      clientIdPrefix: 'by-property',
      maps: [
        {
          partitionStrategy: 'property',
          partitionKeyProperty: 'device-id',
          routes: [{ name: 'r', mqttTopic: 'by-property', kafkaTopic: 'by-property' }],
        },
      ],
    });
    await connector.ready();
    for (const device of ['a', 'b', 'c', 'd']) {
      await publishLines(mosquitto, 'by-property', {
        lines: numbers(50).map((n) => `${device}${n}`),
        properties: [['user-property', 'device-id', device]],
      });
    }
    await publishLines(mosquitto, 'by-property', { lines: numbers(6) });
    await delivered(connector, 'r', 206);
    const records = await readTopic(kafka.bootstrap, 'by-property');
    for (const device of ['a', 'b', 'c', 'd']) {
      const mine = records.filter(({ key }) => `${key}` === device);
      t.same(
        mine.map(({ value }) => `${value}`),
        numbers(50).map((n) => `${device}${n}`),
        `order of ${device}`,
      );
      t.equal(new Set(mine.map(({ partition }) => partition)).size, 1);
    }
    const keyless = records.filter(({ key }) => key === null);
    t.same(partitionCounts(keyless, 3), [2, 2, 2]);
    t.equal(await connector.metric('millrace_record_keys_missing_total'), 6);
  },
);

t.test('payloads arrive byte by byte, from none to 3 MB', async (t) => {
  const { kafka, mosquitto } = await servers;
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'sizes',
    maps: [{ routes: [{ name: 'r', mqttTopic: 'sizes/+', kafkaTopic: 'sizes' }] }],
  });
  await connector.ready();
  const sizes = [0, 1, 127, 128, 16_383, 999_999, 1_000_000, 1_000_001, 3 * 1024 * 1024];
  const payloads = sizes.map((size) => randomBytes(size));
  for (const payload of payloads) await publishPayload(mosquitto, 'sizes/1', { payload });
  await delivered(connector, 'r', payloads.length);
  const records = await readTopic(kafka.bootstrap, 'sizes');
  t.equal(records.length, sizes.length);
  const found = new Map(records.map(({ value }) => [value?.length ?? -1, sha256(value)]));
  for (const payload of payloads) {
    t.equal(found.get(payload.length), sha256(payload), `${payload.length} bytes`);
  }
});

t.test('each compression and batching brings every message', async (t) => {
  const { kafka, mosquitto } = await servers;
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'compression',
    maps: COMPRESSIONS.map((compression) => ({
      compression,
      partitionStrategy: 'topic',
      batching: { enabled: true, latencyMs: 20, maxMessages: 500, maxBytes: 100_000 },
      routes: [
        { name: compression, mqttTopic: `compression/${compression}`, kafkaTopic: compression },
      ],
    })),
  });
  await connector.ready();
  const lines = numbers(3000).map((n) => `${n}:${'abcdefgh'.repeat(50)}`);
  for (const compression of COMPRESSIONS) {
    await publishLines(mosquitto, `compression/${compression}`, { lines });
    await delivered(connector, compression, lines.length);
    t.same(await readValues(kafka, compression), lines, compression);
  }
  const args = ['--bootstrap-server', kafka.bootstrap, '--describe', '--topic-list'];
  const output = await kafka.tool('LogDirsCommand', [...args, COMPRESSIONS.join(',')]);
  const bytes = (topic: string): number =>
    [...output.matchAll(new RegExp(`"partition":"${topic}-\\d+","size":(\\d+)`, 'g'))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  t.ok(bytes('none') > 1_000_000, `none takes ${bytes('none')} bytes`);
  for (const compression of COMPRESSIONS.slice(1)) {
    const size = bytes(compression);
    t.ok(size > 0 && size < bytes('none') / 3, `${compression} takes ${size} bytes`);
  }
});

t.test('each kafkaAcks brings every message, of QoS 0 and 1', async (t) => {
  const { kafka, mosquitto } = await servers;
  const acks = ['zero', 'one', 'all'];
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'acks',
    maps: [
      {
        partitionStrategy: 'topic',
        routes: acks.flatMap((kafkaAcks) =>
          [0, 1].map((qos) => ({
            name: `${kafkaAcks}-${qos}`,
            mqttTopic: `acks/${kafkaAcks}/${qos}`,
            kafkaTopic: `acks-${kafkaAcks}-${qos}`,
            kafkaAcks,
            qos,
          })),
        ),
      },
    ],
  });
  await connector.ready();
  const lines = numbers(2000);
  for (const kafkaAcks of acks) {
    for (const qos of [0, 1] as const) {
      const name = `${kafkaAcks}-${qos}`;
      await publishLines(mosquitto, `acks/${kafkaAcks}/${qos}`, { lines, qos });
      await delivered(connector, name, lines.length);
      // With acks zero nobody says when a record is there.
      await until(name, async () => (await readValues(kafka, `acks-${name}`)).length >= 2000);
      t.same(await readValues(kafka, `acks-${name}`), lines, name);
    }
  }
});

t.test('records without a key take the partitions in turn', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.createTopic('turns', 4);
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'turns',
    connector: { shards: 2 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'turns/#', kafkaTopic: 'turns' }] }],
  });
  await connector.ready();
  await publishLines(mosquitto, 'turns/1', { lines: numbers(1001) });
  await delivered(connector, 'r', 1001);
  const counts = partitionCounts(await readTopic(kafka.bootstrap, 'turns'), 4);
  t.ok(Math.max(...counts) - Math.min(...counts) <= 2, `at most one a shard: ${counts}`);
});

t.test('static: the instance chooses the partition', async (t) => {
  const { kafka, mosquitto } = await servers;
  await kafka.createTopic('static', 3);
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'static',
    connector: { instances: 6 },
    args: ['--instance-id', '5'],
    maps: [
      {
        partitionStrategy: 'static',
        routes: [{ name: 'r', mqttTopic: 'static/#', kafkaTopic: 'static' }],
      },
    ],
  });
  await connector.ready();
  await publishLines(mosquitto, 'static/1', { lines: numbers(50) });
  await delivered(connector, 'r', 50);
  t.same(partitionCounts(await readTopic(kafka.bootstrap, 'static'), 3), [0, 0, 50]);
});

t.test('the message gives the Kafka topic, and what cannot be one is a dead letter', async (t) => {
  const { kafka, mosquitto } = await servers;
  const variable = (name: string): string => `$\{${name}}`;
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'template',
    maps: [
      {
        routes: [
          { name: 'topic', mqttTopic: 'template/a/#', kafkaTopic: variable('topic') },
          { name: 'level', mqttTopic: 'template/b/+', kafkaTopic: `level-${variable('topic.3')}` },
          {
            name: 'prop',
            mqttTopic: 'template/c',
            kafkaTopic: `site-${variable('property.site')}`,
          },
        ],
      },
    ],
  });
  await connector.ready();
  await publishPayload(mosquitto, 'template/a/b/c', { payload: '1' });
  await publishPayload(mosquitto, 'template/b/x', { payload: '2' });
  await publishPayload(mosquitto, 'template/b/not a topic', { payload: 'bad' });
  const properties = [['user-property', 'site', 'Oslo']] as const;
  await publishPayload(mosquitto, 'template/c', { payload: '3', properties });
  await publishPayload(mosquitto, 'template/c', { payload: 'worse' });
  await delivered(connector, 'topic', 1);
  await delivered(connector, 'level', 1);
  await delivered(connector, 'prop', 1);
  t.same(await readValues(kafka, 'template.a.b.c'), ['1']);
  t.same(await readValues(kafka, 'level-x'), ['2']);
  t.same(await readValues(kafka, 'site-Oslo'), ['3']);
  await until('two dead letters', async () => {
    return (await connector.metric('millrace_messages_dead_lettered_total')) === 2;
  });
  const list = await connector.command('dead-letters', 'list');
  t.equal([...list.matchAll(/kafkaTopicInvalid/g)].length, 2, list);
});

t.test(
  'three subscribers of a shared subscription get each message once between them',
  async (t) => {
    const { kafka, mosquitto } = await servers;
    const connector = await startBridge(t, await servers, {
      clientIdPrefix: 'shared',
      maps: [
        {
          routes: [
            {
              name: 'r',
              mqttTopic: 'shared/#',
              kafkaTopic: 'shared',
              sharedSubscription: { groupName: 'g', groupMinimumShareNumber: 3 },
            },
          ],
        },
      ],
    });
    await connector.ready();
    t.equal(await connector.metric('millrace_mqtt_sessions_connected'), 3);
    await publishLines(mosquitto, 'shared/1', { lines: numbers(3000) });
    await delivered(connector, 'r', 3000);
    const values = await readValues(kafka, 'shared');
    t.same(
      values.map(Number).sort((a, b) => a - b),
      numbers(3000).map(Number),
    );
  },
);

t.test('overlapping routes and wildcards each get each message once', async (t) => {
  const { kafka, mosquitto } = await servers;
  const routes = [
    { name: 'all', mqttTopic: 'overlap/#', kafkaTopic: 'overlap.all' },
    { name: 'level', mqttTopic: 'overlap/+/temp', kafkaTopic: 'overlap.level' },
    { name: 'exact', mqttTopic: 'overlap/1/temp', kafkaTopic: 'overlap.exact' },
    { name: 'same', mqttTopic: 'overlap/#', kafkaTopic: 'overlap.same' },
  ];
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'overlap',
    maps: [{ partitionStrategy: 'topic', routes }],
  });
  await connector.ready();
  await publishLines(mosquitto, 'overlap/1/temp', { lines: numbers(100) });
  await publishLines(mosquitto, 'overlap/2/temp', { lines: ['two'] });
  await publishLines(mosquitto, 'overlap', { lines: ['parent'] });
  await delivered(connector, 'all', 102);
  await delivered(connector, 'same', 102);
  await delivered(connector, 'level', 101);
  await delivered(connector, 'exact', 100);
  for (const { name, kafkaTopic } of routes) {
    const values = await readValues(kafka, kafkaTopic);
    const others = { all: ['two', 'parent'], same: ['two', 'parent'], level: ['two'], exact: [] };
    t.same(
      values.sort(),
      [...numbers(100), ...others[name as keyof typeof others]].sort(),
      `${name} has each once`,
    );
  }
  // mosquitto sends a copy for each filter: three of the hundred, two of one, one of the last.
  t.equal(await connector.metric('millrace_pubacks_sent_total', { result: 'success' }), 303);
  t.equal(await connector.terminate(), 0);
  await connector.start();
  await connector.ready();
  await publishLines(mosquitto, 'overlap/1/temp', { lines: ['marker'] });
  await delivered(connector, 'exact', 1);
  t.equal((await readValues(kafka, 'overlap.exact')).length, 101, 'nothing was left to send again');
});

t.test('a retained message comes once, with Retain, and not again at a reconnect', async (t) => {
  const { kafka, mosquitto } = await servers;
  await publishPayload(mosquitto, 'kept/1', { payload: 'retained', retain: true });
  const connector = await startBridge(t, await servers, {
    clientIdPrefix: 'retained',
    maps: [
      {
        copyMqttProperties: true,
        partitionStrategy: 'topic',
        routes: [{ name: 'r', mqttTopic: 'kept/#', kafkaTopic: 'kept' }],
      },
    ],
  });
  await delivered(connector, 'r', 1);
  const [record] = await readTopic(kafka.bootstrap, 'kept');
  t.match(headersOf(record), [['Topic', 'kept/1'], ['QoS', '1'], ['Retain', '1'], []]);
  await mosquitto.shutdown();
  await until('the loss is seen', async () => !(await connector.health()).ready);
  await mosquitto.start();
  await connector.ready();
  t.equal(await connector.terminate(), 0);
  await connector.start();
  await connector.ready();
  await publishPayload(mosquitto, 'kept/1', { payload: 'marker' });
  await delivered(connector, 'r', 1);
  t.same(await readValues(kafka, 'kept'), ['retained', 'marker']);
});
