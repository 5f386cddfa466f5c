import t from 'tap';
import { notYetSupported } from '../../../src/config/rules/not-yet-supported.js';
import { check, connector, FILE, KAFKA, toMqtt, topicMap } from '../documents.js';

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

t.test('each field that run cannot act on is named, with its line', async (t) => {
  const text =
    connector(`kafkaConnection:
  endpoint: a:1
  tls:
    tlsEnabled: true
  authentication:
    enabled: true
    authType:
      systemAssignedManagedIdentity: { audience: "https://a" }
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
        14,
        'spec.kafkaConnection.authentication.authType.systemAssignedManagedIdentity',
        'this version cannot authenticate to Kafka with a managed identity yet',
      ],
      [
        'error',
        18,
        'spec.localBrokerConnection.tls.tlsEnabled',
        'this version cannot encrypt the connection to the MQTT broker yet',
      ],
      [
        'error',
        20,
        'spec.localBrokerConnection.authentication.kubernetes',
        'this version cannot authenticate to the MQTT broker yet',
      ],
      ['error', 16, 'spec.localBrokerConnection.endpoint', 'this version cannot use wss:// yet'],
    ],
  );
  t.strictSame(problems.at(-1), {
    severity: 'error',
    file: FILE,
    line: 16,
    resource: 'KafkaConnector/c',
    path: 'spec.localBrokerConnection.endpoint',
    message: 'this version cannot use wss:// yet',
    hint: 'use mqtt://, or host:port',
  });
});
