import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import { connector, KAFKA, toKafka, topicMap } from '../config/documents.js';
import { ask, askRoute, mapOf, run } from './ask.js';

t.test('a record is told with topic, key, partition, headers and producer', async (t) => {
  const spec =
    'copyMqttProperties: true\npartitionStrategy: property\npartitionKeyProperty: device-id\n' +
    'compression: lz4\nbatching: { enabled: true, latencyMs: 7, maxMessages: 9, maxBytes: 11 }';
  const route = await askRoute(mapOf(spec), {
    topic: 'plant/1/temp',
    userProperty: [
      ['b', 'x'],
      ['device-id', 'foobar'],
      ['b', 'y'],
    ],
    retain: true,
    expiry: 60,
    contentType: 'application/json',
    responseTopic: 'answers',
    correlationData: 'c-1',
    payloadFormat: 1,
    size: 200,
    partitions: 12,
  });
  t.match(route, { route: 'r', topicMap: 'm', source: /^-:\d+$/, outcome: { kind: 'record' } });
  const { record } = route;
  t.match(record, { kafkaTopic: 'plants', key: { text: 'foobar' }, keyMissing: false });
  // The Java client's own test vector: murmur2("foobar") is -790332482.
  t.equal(record?.partition.partition, (-790332482 & 0x7fffffff) % 12);
  t.type(record?.shard, 'number', 'a key has a home');
  t.same(
    record?.headers.map(({ name, value }) => [name, 'text' in value && value.text]),
    [
      ['b', 'x'],
      ['device-id', 'foobar'],
      ['b', 'y'],
      ['Payload Format Indicator', '1'],
      ['Response Topic', 'answers'],
      ['Message Expiry Interval', '60'],
      ['Correlation Data', 'c-1'],
      ['Content Type', 'application/json'],
      ['Topic', 'plant/1/temp'],
      ['QoS', '1'],
      ['Retain', '1'],
      [
        'Millrace',
        'v=1;properties=Payload Format Indicator,Response Topic,Message Expiry Interval,' +
          'Correlation Data,Content Type,Topic,QoS,Retain;path=c/r',
      ],
    ],
  );
  t.same(record?.producer, {
    acks: 'one',
    idempotent: false,
    requestsInFlightMax: 1,
    compression: 'lz4',
    batching: true,
    lingerMs: 7,
    batchMessagesMax: 9,
    batchBytesMax: 11,
  });
});

t.test(
  'only the built-in expiry header is said to change, not a property of its name',
  async (t) => {
    const name = 'Message Expiry Interval';
    const route = await askRoute(mapOf('copyMqttProperties: true'), {
      topic: 'plant/1',
      expiry: 5,
      userProperty: [[name, '']],
    });
    const headers = route.record?.headers.filter((header) => header.name === name) ?? [];
    t.same(
      headers.map(({ value, note }) => [value, note !== undefined]),
      [
        [{ text: '' }, false],
        [{ text: '5' }, true],
      ],
    );
  },
);

t.test('partition rules: by turns, by instance, by topic', async (t) => {
  const asked = { topic: 'plant/1', partitions: 3 };
  const partition = async (spec: string, extra = {}) =>
    (await askRoute(mapOf(spec), { ...asked, ...extra })).record?.partition;
  t.match(await partition(''), { rule: 'roundRobin', partition: null });
  const documents =
    connector(`${KAFKA}\ninstances: 9`) +
    toKafka('mqttTopic: a\nkafkaTopic: t', 'partitionStrategy: static');
  const { record } = await askRoute(documents, { topic: 'a', instanceId: 7, partitions: 3 });
  t.match(record?.partition, { rule: 'instance', partition: 1 });
  // murmur2("21") is -973932308 in the Java client's tests.
  const byTopic = await askRoute(mapOf('partitionStrategy: topic', '+'), { ...asked, topic: '21' });
  t.equal(byTopic.record?.partition.partition, (-973932308 & 0x7fffffff) % 3);
  t.same(byTopic.record?.key, { text: '21' });
  t.match(await partition('partitionStrategy: topic', { partitions: undefined }), {
    rule: 'key',
    partition: null,
  });
});

t.test('a message without the key property has no key and goes by turns', async (t) => {
  const { record } = await askRoute(
    mapOf('partitionStrategy: property\npartitionKeyProperty: id'),
    { topic: 'plant/1', partitions: 3 },
  );
  t.match(record, { key: null, keyMissing: true, shard: null });
  t.match(record?.partition, { rule: 'roundRobin', partition: null });
});

t.test('a template is filled in, and what it cannot give is a dead letter', async (t) => {
  const documents = mapOf('', 'plant/#', '"${topic.2}-${property.line}"');
  const good = await askRoute(documents, { topic: 'plant/7', userProperty: [['line', 'a']] });
  t.equal(good.record?.kafkaTopic, '7-a');
  t.match(good.record?.deadLetterReasons, [{}, {}, { reason: 'kafkaTopicLimit' }]);
  const bad = await askRoute(documents, { topic: 'plant/7' });
  t.match(bad.outcome, { kind: 'deadLetter', reason: 'kafkaTopicInvalid', why: /property "line"/ });
  t.equal(bad.record, undefined);
});

t.test('QoS is the lower of what is published and what is subscribed', async (t) => {
  const at = async (granted: number, published: 0 | 1 | 2) => {
    const route = toKafka(
      `mqttTopic: a\nkafkaTopic: t\nqos: ${granted}`,
      'copyMqttProperties: true',
    );
    const { qos, record } = await askRoute(connector() + route, { topic: 'a', qos: published });
    t.match(record?.headers.find(({ name }) => name === 'QoS')?.value, { text: String(qos) });
    return qos;
  };
  t.same([await at(1, 2), await at(1, 1), await at(1, 0), await at(0, 1)], [1, 1, 0, 0]);
});

t.test('a packet over the Maximum Packet Size never reaches us', async (t) => {
  const documents =
    connector(`${KAFKA}\nmaxPayloadBytes: 2048`) + toKafka('mqttTopic: a\nkafkaTopic: t');
  const small = await askRoute(documents, { topic: 'a', size: 2048 });
  t.equal(small.outcome.kind, 'record');
  const { maximumPacketSize, packetBytes } = small.fit;
  const rest = (maximumPacketSize ?? 0) - packetBytes;
  // The Remaining Length takes a byte more from 16,384 bytes on.
  const last = await askRoute(documents, { topic: 'a', size: 2048 + rest - 1 });
  t.match(last, {
    fit: { fits: true, packetBytes: maximumPacketSize },
    outcome: { kind: 'record' },
  });
  const over = await askRoute(documents, { topic: 'a', size: 2048 + rest });
  t.match(over, { fit: { fits: false }, outcome: { kind: 'notSent', why: /drops it silently/ } });
  t.equal(over.record, undefined);
});

t.test('a payload over maxPayloadBytes is a dead letter where oversize says so', async (t) => {
  const spec = `${KAFKA}\nmaxPayloadBytes: 2048\noversize: deadLetter`;
  const documents = connector(spec) + toKafka('mqttTopic: a\nkafkaTopic: t');
  t.match(await askRoute(documents, { topic: 'a', size: 2048 }), {
    outcome: { kind: 'record' },
    fit: { maximumPacketSize: null },
  });
  const over = await askRoute(documents, { topic: 'a', size: 2049 });
  t.match(over.outcome, { kind: 'deadLetter', reason: 'oversize' });
});

t.test('a large payload is explained without making it, up to the largest packet', async (t) => {
  const documents =
    connector(`${KAFKA}\nmaxPayloadBytes: 16777216`) + toKafka('mqttTopic: a\nkafkaTopic: t');
  const route = await askRoute(documents, { topic: 'a', size: 16_777_216 });
  t.match(route, { outcome: { kind: 'record' }, record: { payloadBytes: 16_777_216 } });
  t.match(route.record?.deadLetterReasons[0], { reason: 'recordTooLarge', when: /1048588/ });
  await t.rejects(run(documents, { topic: 'a', size: 268_435_455 }), UsageError);
});

t.test('the loop guard stops what came through the route, unless it is off', async (t) => {
  const asked = { topic: 'a', userProperty: [['Millrace-Origin', 'other/x,c/r']] } as const;
  const route = (spec: string) => connector() + toKafka('mqttTopic: a\nkafkaTopic: t', spec);
  t.equal((await askRoute(route(''), asked)).outcome.kind, 'loopStopped');
  t.equal((await askRoute(route('loopGuard: false'), asked)).outcome.kind, 'record');
});

t.test('a message with nothing left of its expiry is expired', async (t) => {
  const documents = connector() + toKafka('mqttTopic: a\nkafkaTopic: t');
  t.equal((await askRoute(documents, { topic: 'a', expiry: 0 })).outcome.kind, 'expired');
  t.equal((await askRoute(documents, { topic: 'a', expiry: 1 })).outcome.kind, 'record');
});

t.test('each connector and each subscriber of a group is named', async (t) => {
  const routes =
    'routes:\n' +
    '  - mqttToKafka: { name: all, mqttTopic: "#", kafkaTopic: t }\n' +
    '  - mqttToKafka: { name: own, mqttTopic: a/+, kafkaTopic: t, ownSession: true }\n' +
    '  - mqttToKafka:\n' +
    '      name: group\n      mqttTopic: a/b\n      kafkaTopic: t\n' +
    '      sharedSubscription: { groupName: g, groupMinimumShareNumber: 2 }\n' +
    '  - mqttToKafka: { name: other, mqttTopic: b/#, kafkaTopic: t }\n' +
    '  - kafkaToMqtt: { name: back, kafkaTopic: u, mqttTopic: x }';
  const documents = connector() + topicMap(routes) + connector(KAFKA, 'd');
  const { connectors, routesMatched } = await ask(documents, { topic: 'a/b' });
  t.equal(routesMatched, 3);
  t.match(connectors, [{ connector: 'c' }, { connector: 'd', matched: [], notMatched: [] }]);
  t.same(
    connectors[0]?.matched.map(({ route, subscription: { filter, shared, sessions } }) => [
      route,
      filter,
      shared,
      sessions,
    ]),
    [
      ['all', '#', false, ['c-0']],
      ['own', 'a/+', false, ['c-0-own-0']],
      ['group', '$share/g/a/b', true, ['c-0-group-0', 'c-0-group-1']],
    ],
  );
  t.match(connectors[0]?.notMatched, [
    { route: 'other', why: /level 1 is "a", not "b"/ },
    { route: 'back', why: 'it goes from Kafka to MQTT' },
  ]);
});
