import t from 'tap';
import { connector, KAFKA, topicMap } from '../config/documents.js';
import { type AskedRecord, askRecord, run } from './ask.js';

/** Connector `c` with one route `r` from `t`, and another one the other way. */
const documents = (mqttTopic = 'plant/1', route = '', spec = 'copyMqttProperties: true') =>
  connector(`${KAFKA}\nshards: 4\nmaxPayloadBytes: 2048`) +
  topicMap(`${spec}
routes:
  - kafkaToMqtt: { name: r, kafkaTopic: t, mqttTopic: "${mqttTopic}"${route} }
  - mqttToKafka: { name: up, mqttTopic: up, kafkaTopic: up }`);

const askRoute = async (text: string, asked: Omit<AskedRecord, 'kafkaTopic'> = {}) => {
  const { connectors } = await askRecord(text, { kafkaTopic: 't', ...asked });
  const [route] = connectors[0]?.matched ?? [];
  if (route === undefined) throw new Error('no route reads it');
  return route;
};

t.test('a PUBLISH is told with topic, properties and the group that reads it', async (t) => {
  const route = await askRoute(
    documents(`plant/\${key}/\${partition}`, ', consumerGroupId: g, offsetReset: latest'),
    {
      key: 'device-7',
      partition: 3,
      size: 200,
      timestamp: 1_764_200_000_000,
      header: [
        ['unit', '°C'],
        ['Content Type', 'text/plain'],
        ['Payload Format Indicator', '1'],
        ['Retain', '1'],
        ['unit', 'K'],
      ],
    },
  );
  t.match(route, {
    route: 'r',
    topicMap: 'm',
    source: /^-:\d+$/,
    consumer: {
      groupId: 'g-r',
      offsetReset: 'latest',
      commitIntervalMs: 1_000,
      revokeTimeoutMs: 5_000,
    },
    outcome: { kind: 'publish' },
  });
  t.strictSame(route.publish, {
    topic: 'plant/device-7/3',
    qos: 1,
    retain: true,
    properties: [
      { name: 'Payload Format Indicator', value: { text: '1' } },
      { name: 'Content Type', value: { text: 'text/plain' } },
    ],
    userProperties: [
      { name: 'unit', value: { text: '°C' } },
      { name: 'unit', value: { text: 'K' } },
      { name: 'Key', value: { text: 'device-7' } },
      { name: 'Timestamp', value: { text: '1764200000000' } },
      { name: 'Millrace-Origin', value: { text: 'c/r' } },
    ],
    leftOut: [],
    leftOutMore: 0,
    payloadBytes: 200,
    packetBytes: 327,
    maxPayloadBytes: 2_048,
    onNoSubscriber: 'accept',
  });
});

t.test('a record is taken as written now, and may have been written before', async (t) => {
  const header = [['Message Expiry Interval', '60']] as const;
  const fresh = await askRoute(documents(), { header });
  t.match(fresh.publish?.properties[0], { value: { text: '60' } });
  const old = await askRoute(documents(), { header, timestamp: Date.now() - 60_000 });
  t.match(old, { outcome: { kind: 'expired' } });
  t.notOk('publish' in old);
});

t.test('what is not published is told with its reason', async (t) => {
  const outcome = async (text: string, asked: Omit<AskedRecord, 'kafkaTopic'>) =>
    (await askRoute(text, asked)).outcome;
  t.strictSame(await outcome(documents(), { size: 2_049 }), {
    kind: 'deadLetter',
    reason: 'oversize',
    why: 'the payload has 2049 bytes, more than maxPayloadBytes (2048)',
  });
  t.strictSame(await outcome(documents(`x/\${key}`), { key: '#' }), {
    kind: 'deadLetter',
    reason: 'mqttTopicInvalid',
    why: 'the MQTT topic would have # in it',
  });
  const many = Array.from({ length: 5 }, () => ['x', 'y'.repeat(60_000)] as const);
  t.match(await outcome(documents(), { header: many }), { reason: 'publishTooLarge' });
  const header = [['Millrace', 'v=1;properties=;path=c/r']] as const;
  t.match(await outcome(documents(), { header }), { kind: 'loopStopped' });
  const unguarded = documents('x', '', 'loopGuard: false');
  t.match(await outcome(unguarded, { header }), { kind: 'publish' });
});

t.test('what MQTT cannot carry is told', async (t) => {
  const header = Array.from({ length: 10 }, () => ['x', 'y'.repeat(65_536)] as const);
  const { publish } = await askRoute(documents(), { header });
  t.equal(publish?.leftOut.length, 8);
  t.strictSame(publish?.leftOut[0], { header: 'x', why: '65536 bytes, more than 65535' });
  t.equal(publish?.leftOutMore, 2);
});

t.test('a route that does not read the topic says why', async (t) => {
  const { routesMatched, connectors } = await askRecord(documents(), { kafkaTopic: 'T' });
  t.equal(routesMatched, 0);
  t.strictSame(connectors[0]?.notMatched, [
    { route: 'r', why: 'it reads t; upper and lower case differ' },
    { route: 'up', why: 'it goes from MQTT to Kafka' },
  ]);
});

t.test('people get the same as programs, as lines', async (t) => {
  const { stdout } = await run(documents('x', ', qos: 0'), {
    kafkaTopic: 't',
    key: '\u001b[2J',
    header: [
      ['Response Topic', 'answers'],
      ['big', 'y'.repeat(65_536)],
    ],
  });
  t.match(
    stdout,
    /^Kafka topic t, partition 0, 0 bytes: 1 route reads it\n\nconnector c, instance 0\n/,
  );
  t.match(stdout, /\n {4}QoS {12}0: may be lost, /);
  t.match(stdout, '\n        Response Topic: "answers"\n        "Key": "\\u001b[2J"\n');
  t.match(stdout, '\n    left out       "big": 65536 bytes, more than 65535\n');
  t.match(stdout, /\n {2}not up: it goes from MQTT to Kafka\n$/);
  const none = await run(documents(), { kafkaTopic: 'x' });
  t.match(none.stdout, /no route reads it/);
});
