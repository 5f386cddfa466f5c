import t from 'tap';
import { notYetSupported } from '../../../src/config/rules/not-yet-supported.js';
import { check, connector, FILE, KAFKA, MANAGED_IDENTITY, toMqtt, topicMap } from '../documents.js';

const LOGINS = {
  sasl: 'sasl: { saslType: plain, secretName: s }',
  x509: 'x509: { secretName: s }',
};

function found(text: string) {
  return notYetSupported(check(text).resources);
}

t.test('a plain connector with routes of both directions is supported', async (t) => {
  t.same(found(connector() + topicMap()), []);
  t.same(found(connector() + toMqtt('mqttTopic: a\nkafkaTopic: t')), []);
  const local = 'localBrokerConnection: { endpoint: "mqtt://b:1883", authentication: {} }';
  t.same(found(connector(`${KAFKA}\n${local}`) + topicMap()), []);
});

t.test('TLS and logins to Kafka, Event Hubs too, are supported', async (t) => {
  for (const login of [LOGINS.sasl, LOGINS.x509]) {
    const text = connector(`kafkaConnection:
  endpoint: n.servicebus.windows.net:9093
  tls: { tlsEnabled: true, caConfigMap: k }
  authentication: { enabled: true, authType: { ${login} } }`);
    t.same(found(text + topicMap()), []);
  }
});

t.test('every way to connect to the MQTT broker is supported', async (t) => {
  const tls = 'tls: { tlsEnabled: true, alpnProtocols: [mqtt] }';
  for (const scheme of ['mqtt', 'mqtts', 'ws', 'wss']) {
    for (const login of ['kubernetes: {}', LOGINS.x509, 'usernamePassword: { secretName: s }']) {
      const local = `{ endpoint: "${scheme}://b:1", ${tls}, authentication: { ${login} } }`;
      const text = connector(`${KAFKA}\nlocalBrokerConnection: ${local}`);
      t.same(found(text + topicMap()), []);
    }
  }
});

t.test('what run cannot act on is named, with its line', async (t) => {
  t.strictSame(found(connector(MANAGED_IDENTITY) + topicMap()), [
    {
      severity: 'error',
      file: FILE,
      line: 12,
      resource: 'KafkaConnector/c',
      path: 'spec.kafkaConnection.authentication.authType.systemAssignedManagedIdentity',
      message: 'this version cannot authenticate to Kafka with a managed identity yet',
      hint: 'use sasl, for Event Hubs with a connection string as password',
    },
  ]);
});
