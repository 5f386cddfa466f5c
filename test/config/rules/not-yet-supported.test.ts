import t from 'tap';
import { notYetSupported } from '../../../src/config/rules/not-yet-supported.js';
import { check, connector, FILE, KAFKA, topicMap } from '../documents.js';

function found(text: string) {
  return notYetSupported(check(text).resources);
}

t.test('a plain connector with routes to Kafka is supported', async (t) => {
  t.same(found(connector() + topicMap()), []);
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
    kubernetes: {}`) +
    topicMap(`routes:
  - mqttToKafka: { name: a, mqttTopic: a, kafkaTopic: t }
  - kafkaToMqtt: { name: b, mqttTopic: a, kafkaTopic: t }`);
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
      [
        'error',
        29,
        'spec.routes[1].kafkaToMqtt',
        'this version cannot carry messages from Kafka to MQTT yet',
      ],
    ],
  );
  t.strictSame(problems.at(-1), {
    severity: 'error',
    file: FILE,
    line: 29,
    resource: 'KafkaConnectorTopicMap/m',
    path: 'spec.routes[1].kafkaToMqtt',
    message: 'this version cannot carry messages from Kafka to MQTT yet',
    hint: 'leave the route out',
  });
});
