import t from 'tap';
import { notYetSupported } from '../../../src/config/rules/not-yet-supported.js';
import { check, connector, FILE, KAFKA, toMqtt, topicMap } from '../documents.js';

function found(text: string) {
  return notYetSupported(check(text).resources);
}

t.test('a plain connector with routes of both directions is supported', async (t) => {
  t.same(found(connector() + topicMap()), []);
  t.same(found(connector() + toMqtt('mqttTopic: a\nkafkaTopic: t')), []);
  const local = 'localBrokerConnection: { endpoint: "mqtt://b:1883", authentication: {} }';
  t.same(found(connector(`${KAFKA}\n${local}`) + topicMap()), []);
});

t.test('each field that run cannot act on is named, with its line', async (t) => {
  const text =
    connector(`kafkaConnection:
  endpoint: a:1
  tls:
    tlsEnabled: true
  authentication:
    enabled: true
    authType: { x509: { secretName: s } }
localBrokerConnection:
  endpoint: wss://b:443
  tls:
    tlsEnabled: true
  authentication:
    kubernetes: {}`) + topicMap();
  const problems = found(text);
  t.same(
    problems.map(({ severity, line, path, message }) => [severity, line, path, message]),
    [
      [
        'error',
        10,
        'spec.kafkaConnection.tls.tlsEnabled',
        'this version cannot encrypt the connection to Kafka yet',
      ],
      [
        'error',
        12,
        'spec.kafkaConnection.authentication.enabled',
        'this version cannot authenticate to Kafka yet',
      ],
      [
        'error',
        17,
        'spec.localBrokerConnection.tls.tlsEnabled',
        'this version cannot encrypt the connection to the MQTT broker yet',
      ],
      [
        'error',
        19,
        'spec.localBrokerConnection.authentication.kubernetes',
        'this version cannot authenticate to the MQTT broker yet',
      ],
      ['error', 15, 'spec.localBrokerConnection.endpoint', 'this version cannot use wss:// yet'],
    ],
  );
  t.strictSame(problems.at(-1), {
    severity: 'error',
    file: FILE,
    line: 15,
    resource: 'KafkaConnector/c',
    path: 'spec.localBrokerConnection.endpoint',
    message: 'this version cannot use wss:// yet',
    hint: 'use mqtt://, or host:port',
  });
});

const LOGINS = {
  sasl: 'sasl: { saslType: plain, secretName: s }',
  x509: 'x509: { secretName: s }',
  identity: 'systemAssignedManagedIdentity: { audience: "https://a.servicebus.windows.net" }',
};

t.test('no hint asks for what another message of the same run asks to undo', async (t) => {
  for (const [login, authType] of Object.entries(LOGINS)) {
    for (const tls of [true, false]) {
      const { problems, resources } = check(
        connector(`kafkaConnection:
  endpoint: kafka:9092
  tls: { tlsEnabled: ${tls} }
  authentication: { enabled: true, authType: { ${authType} } }`) + topicMap(),
      );
      const name = `${login}, TLS ${tls}`;
      const later = notYetSupported(resources);
      t.ok(
        later.some(({ path }) => path.endsWith('authentication.enabled')),
        `${name}: refused also where something else is wrong`,
      );
      const advice = problems.map(({ hint }) => hint).filter((hint) => hint.includes('tlsEnabled'));
      t.equal(advice.length, tls ? 0 : 1, name);
      for (const hint of advice) t.match(hint, /, or authentication\.enabled: false$/, name);
    }
  }
});

t.test('Event Hubs have no plain listener, so no hint sends the user to one', async (t) => {
  const eventHubs = (rest: string) =>
    connector(`kafkaConnection: { endpoint: "n.servicebus.windows.net:9093", ${rest} }`);
  const authentication = `authentication: { enabled: true, authType: { ${LOGINS.sasl} } }`;
  for (const rest of [
    'tls: { tlsEnabled: true }',
    `tls: { tlsEnabled: true }, ${authentication}`,
  ]) {
    t.match(found(eventHubs(rest) + topicMap()), [
      {
        path: 'spec.kafkaConnection.endpoint',
        message: 'this version cannot connect to Event Hubs yet',
      },
    ]);
    t.equal(found(eventHubs(rest) + topicMap()).length, 1);
  }
});
