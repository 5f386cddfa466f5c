import t from 'tap';
import type { Connector, TopicMap } from '../../src/config/model.js';
import type { ValidateOptions } from '../../src/config/validate.js';
import { connector, FILE, KAFKA, modelOf, ROUTE, toKafka, toMqtt, topicMap } from './documents.js';

/** The one connector of a text. */
function only(text: string, options: Partial<ValidateOptions> = {}): Connector {
  const [connector] = modelOf(text, options).connectors;
  if (connector === undefined) throw new Error('there is no connector');
  return connector;
}

t.test('every default is applied', async (t) => {
  t.strictSame(modelOf(connector() + topicMap()), {
    connectors: [
      {
        name: 'c',
        source: { file: FILE, line: 2 },
        instances: 1,
        instanceId: 0,
        clientIdPrefix: undefined,
        logLevel: 'warn',
        shards: 3,
        maxPayloadBytes: 16_777_216,
        oversize: 'refuse',
        kafka: {
          bootstrapServers: 'kafka:9092',
          isEventHubs: false,
          tls: undefined,
          authentication: { kind: 'none' },
        },
        mqtt: {
          host: 'aio-mq-dmqtt-frontend',
          port: 1883,
          webSocketPath: undefined,
          tls: undefined,
          authentication: { kind: 'kubernetes', audience: 'aio-mq', required: false },
          alpnProtocols: [],
          keepAliveSeconds: 30,
          sessionExpirySeconds: 86_400,
          receiveMaximum: 8_000,
        },
        topicMaps: [
          {
            name: 'm',
            source: { file: FILE, line: 9 },
            compression: 'none',
            batching: undefined,
            partitionStrategy: 'default',
            partitionKeyProperty: undefined,
            copyMqttProperties: false,
            preserveTopic: true,
            loopGuard: true,
            maxKafkaTopics: 1_000,
            routes: [
              {
                kind: 'mqttToKafka',
                name: 'r',
                source: { file: FILE, line: 15 },
                topicFilter: 'a/#',
                sharedSubscription: undefined,
                kafkaTopic: 't',
                kafkaAcks: 'one',
                qos: 1,
                ownSession: false,
              },
            ],
          },
        ],
      },
    ],
  });
});

t.test('every field that is written arrives', async (t) => {
  const text =
    connector(`image: { pullPolicy: Always, repository: r, tag: "1" }
instances: 4
clientIdPrefix: p
logLevel: trace
shards: 2
maxPayloadBytes: 2048
oversize: deadLetter
kafkaConnection:
  endpoint: "a:1 , [::1]:2"
  tls: { tlsEnabled: true, trustedCaCertificateConfigMap: kafka-ca }
  authentication:
    enabled: true
    authType: { sasl: { saslType: scramSha256, token: { secretName: login } } }
localBrokerConnection:
  endpoint: wss://[::1]:443/mqtt
  tls: { tlsEnabled: true, caConfigMap: mqtt-ca, alpnProtocols: [mqtt] }
  authentication: { kubernetes: { audience: me } }
  sessionExpirySeconds: 0
  receiveMaximum: 1
  keepAliveSeconds: 0`) +
    topicMap(`compression: lz4
batching: { enabled: true, latencyMs: 1, maxMessages: 4294967295, maxBytes: 0 }
partitionStrategy: property
partitionKeyProperty: id
copyMqttProperties: "true"
preserveTopic: false
loopGuard: false
maxKafkaTopics: 5
routes:
  - mqttToKafka:
      name: a
      mqttTopic: $share/g/x/#
      kafkaTopic: t
      kafkaAcks: all
      qos: 0
      ownSession: true
  - kafkaToMqtt:
      name: b
      kafkaTopic: t
      mqttTopic: x
      consumerGroupId: g
      qos: 0
      offsetReset: latest
      commitIntervalMs: 10
      revokeTimeoutMs: 0
      onNoSubscriber: accept
      retain: never
      allowLoop: true
      ownSession: true`);
  const { topicMaps, kafka, mqtt, source: _, ...rest } = only(text, { instanceId: 3 });
  t.strictSame(rest, {
    name: 'c',
    instances: 4,
    instanceId: 3,
    clientIdPrefix: 'p',
    logLevel: 'trace',
    shards: 2,
    maxPayloadBytes: 2_048,
    oversize: 'deadLetter',
  });
  t.strictSame(kafka, {
    bootstrapServers: 'a:1,[::1]:2',
    isEventHubs: false,
    tls: { caConfigMap: 'kafka-ca' },
    authentication: { kind: 'sasl', mechanism: 'scram-sha-256', secretName: 'login' },
  });
  t.strictSame(mqtt, {
    host: '::1',
    port: 443,
    webSocketPath: '/mqtt',
    tls: { caConfigMap: 'mqtt-ca' },
    authentication: { kind: 'kubernetes', audience: 'me', required: true },
    alpnProtocols: ['mqtt'],
    keepAliveSeconds: 0,
    sessionExpirySeconds: 0,
    receiveMaximum: 1,
  });
  const { routes, source: __, ...map } = topicMaps[0] as TopicMap;
  t.strictSame(map, {
    name: 'm',
    compression: 'lz4',
    batching: { latencyMs: 1, maxMessages: 1_000_000, maxBytes: 1 },
    partitionStrategy: 'property',
    partitionKeyProperty: 'id',
    copyMqttProperties: true,
    preserveTopic: false,
    loopGuard: false,
    maxKafkaTopics: 5,
  });
  t.match(routes, [
    {
      kind: 'mqttToKafka',
      topicFilter: 'x/#',
      sharedSubscription: { groupName: 'g', subscribers: 1 },
      kafkaAcks: 'all',
      qos: 0,
      ownSession: true,
    },
    {
      kind: 'kafkaToMqtt',
      name: 'b',
      kafkaTopic: 't',
      mqttTopic: 'x',
      consumerGroupId: 'g-b',
      qos: 0,
      offsetReset: 'latest',
      commitIntervalMs: 10,
      revokeTimeoutMs: 0,
      onNoSubscriber: 'accept',
      retain: 'never',
      allowLoop: true,
      ownSession: true,
    },
  ]);
});

function authenticationOf(authType: string) {
  const text = connector(
    `kafkaConnection:\n  endpoint: a:1\n  tls: { tlsEnabled: true }\n  authentication: { enabled: true, authType: { ${authType} } }`,
  );
  return modelOf(text + topicMap()).connectors[0]?.kafka.authentication;
}

for (const [written, mechanism] of [
  ['plain', 'plain'],
  ['scram-sha-256', 'scram-sha-256'],
  ['scram-sha-512', 'scram-sha-512'],
  ['scramSha256', 'scram-sha-256'],
  ['scramSha512', 'scram-sha-512'],
] as const) {
  t.test(`SASL written as ${written} is ${mechanism}`, async (t) => {
    t.strictSame(authenticationOf(`sasl: { saslType: ${written}, secretName: s }`), {
      kind: 'sasl',
      mechanism,
      secretName: 's',
    });
  });
}

t.test('certificates and managed identities arrive', async (t) => {
  t.strictSame(authenticationOf('x509: { secretName: s }'), { kind: 'x509', secretName: 's' });
  t.strictSame(authenticationOf('systemAssignedManagedIdentity: { audience: "https://a.b" }'), {
    kind: 'systemAssignedManagedIdentity',
    audience: 'https://a.b',
  });
});

t.test('both spellings of one field may be written when they agree', async (t) => {
  t.match(authenticationOf('sasl: { saslType: plain, secretName: s, token: { secretName: s } }'), {
    secretName: 's',
  });
});

t.test('a local connection that says nothing of authentication has none', async (t) => {
  const { mqtt } = only(
    connector(`${KAFKA}
localBrokerConnection: { receiveMaximum: 5 }`) + topicMap(),
  );
  t.match(mqtt, { host: 'aio-mq-dmqtt-frontend', port: 1_883, receiveMaximum: 5 });
  t.strictSame(mqtt.authentication, { kind: 'none' });
});

t.test('copyMqttProperties may be a boolean or a word', async (t) => {
  for (const [written, expected] of [
    ['true', true],
    ['false', false],
    ['"true"', true],
    ['"false"', false],
  ] as const) {
    const text = connector() + topicMap(`copyMqttProperties: ${written}\n${ROUTE}`);
    t.equal(modelOf(text).connectors[0]?.topicMaps[0]?.copyMqttProperties, expected, written);
  }
});

t.test('a shared subscription has at least one subscriber', async (t) => {
  for (const [written, subscribers] of [
    ['', 1],
    [', groupMinimumShareNumber: 0', 1],
    [', groupMinimumShareNumber: 255', 255],
  ] as const) {
    const route = `mqttTopic: a\nkafkaTopic: t\nsharedSubscription: { groupName: g${written} }`;
    const [found] = modelOf(connector() + toKafka(route)).connectors[0]?.topicMaps[0]?.routes ?? [];
    t.match(found, { sharedSubscription: { groupName: 'g', subscribers } });
  }
});

t.test('a route to MQTT has defaults, and the group that its name gives', async (t) => {
  const text = connector() + toMqtt('mqttTopic: a\nkafkaTopic: t');
  t.strictSame(modelOf(text).connectors[0]?.topicMaps[0]?.routes, [
    {
      kind: 'kafkaToMqtt',
      name: 'r',
      source: { file: FILE, line: 16 },
      kafkaTopic: 't',
      mqttTopic: 'a',
      consumerGroupId: 'r',
      qos: 1,
      offsetReset: 'earliest',
      commitIntervalMs: 1_000,
      revokeTimeoutMs: 5_000,
      onNoSubscriber: 'accept',
      retain: 'keep',
      allowLoop: false,
      ownSession: false,
    },
  ]);
});

t.test('shards follow the cores, from 1 to 64', async (t) => {
  for (const [cores, shards] of [
    [1, 1],
    [2, 1],
    [8, 7],
    [256, 64],
  ] as const) {
    t.equal(modelOf(connector() + topicMap(), { cores }).connectors[0]?.shards, shards);
  }
});

t.test('each connector has the topic maps that refer to it, in their order', async (t) => {
  const text = [
    topicMap(ROUTE, 'b', 'd'),
    connector(KAFKA, 'c'),
    connector(KAFKA, 'd'),
    topicMap(ROUTE.replace('name: r', 'name: s'), 'a', 'd'),
    topicMap(ROUTE, 'e', 'c'),
  ].join('');
  t.same(
    modelOf(text).connectors.map(({ name, topicMaps }) => [name, topicMaps.map((m) => m.name)]),
    [
      ['c', ['e']],
      ['d', ['b', 'a']],
    ],
  );
});

t.test('nothing of the model can be changed', async (t) => {
  const check = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    t.ok(Object.isFrozen(value), path);
    for (const [key, part] of Object.entries(value)) check(part, `${path}.${key}`);
  };
  check(modelOf(connector() + topicMap()), 'model');
});
