import t from 'tap';
import {
  type Case,
  check,
  connector,
  expectedProblem,
  KAFKA,
  ROUTE,
  toKafka,
  toMqtt,
  topicMap,
} from './documents.js';

const CONNECTOR = 'KafkaConnector/c';
const MAP = 'KafkaConnectorTopicMap/m';
const NAME_HINT = 'lower-case letters, digits, "-" and ".", such as my-name';

const CONNECTOR_CASES: readonly Case[] = [
  {
    title: 'a misspelt field is met with the one that was probably meant',
    text: connector(`instanses: 2 # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.instanses',
    message: 'is not a known field',
    hint: 'did you mean instances?',
  },
  {
    title: 'a field unlike any other is met with those that are known',
    text: connector(`image:\n  wheels: 4 # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.image.wheels',
    message: 'is not a known field',
    hint: 'known here: pullPolicy, repository, tag',
  },
  {
    title: 'a password in the resource is unknown, and not repeated',
    text: connector(
      'kafkaConnection:\n  endpoint: k:1\n  tls: { tlsEnabled: true }\n  authentication:\n    enabled: false\n    "p.w": hunter2 # <-',
    ),
    resource: CONNECTOR,
    path: 'spec.kafkaConnection.authentication["p.w"]',
    message: 'is not a known field',
    hint: 'known here: enabled, authType',
  },
  {
    title: 'a number out of its range is met with the range',
    text: connector(`instances: 65536 # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.instances',
    message: '65536 is out of range',
    hint: 'must be a whole number from 0 to 65535',
  },
  {
    title: 'a fraction is no whole number',
    text: connector(`instances: 1.5 # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.instances',
    message: 'is no whole number',
    hint: 'must be a whole number from 0 to 65535',
  },
  {
    title: 'what is not a number is no number',
    text: connector(`instances: .nan # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.instances',
    message: 'is no whole number',
    hint: 'must be a whole number from 0 to 65535',
  },
  {
    title: 'a number in quotes is a string',
    text: connector(`instances: "2" # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.instances',
    message: 'is a string',
    hint: 'must be a whole number from 0 to 65535, without quotes',
  },
  {
    title: 'a version without quotes is a number',
    text: connector(`image:\n  tag: 0.1 # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.image.tag',
    message: 'is no whole number',
    hint: 'must be a string that is not empty: put it in quotes',
  },
  {
    title: 'a list where a mapping belongs is a wrong type',
    text: connector(`image: [] # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.image',
    message: 'is a list',
    hint: 'must be a mapping of fields to values',
  },
  {
    title: 'a mapping where a word belongs is a wrong type',
    text: connector(`logLevel: {} # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.logLevel',
    message: 'is a mapping',
    hint: 'must be one of trace, debug, info, warn, error, fatal',
  },
  {
    title: 'a missing field is on the line of what lacks it',
    text: connector('kafkaConnection: # <-\n  tls: { tlsEnabled: false }'),
    resource: CONNECTOR,
    path: 'spec.kafkaConnection.endpoint',
    message: 'is missing',
    hint: 'must be a string that is not empty. Host and port of a Kafka broker, or several with commas between them; any of them leads to the whole cluster.',
  },
  {
    title: 'a field without a value is missing on its own line',
    text: connector('kafkaConnection:\n  endpoint: k:1\n  tls: # <-'),
    resource: CONNECTOR,
    path: 'spec.kafkaConnection.tls',
    message: 'is missing',
    hint: 'must be a mapping of fields to values. TLS to Kafka.',
  },
  {
    title: 'a misspelt word is met with the one that was probably meant',
    text: connector(`logLevel: warning # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.logLevel',
    message: '"warning" is not one of the words allowed here',
    hint: 'did you mean warn? It must be one of trace, debug, info, warn, error, fatal',
  },
  {
    title: 'a word in capitals is met with the one in small letters',
    text: connector(`logLevel: WARN # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.logLevel',
    message: '"WARN" is not one of the words allowed here',
    hint: 'did you mean warn? It must be one of trace, debug, info, warn, error, fatal',
  },
  {
    title: 'a name that Kubernetes would refuse is refused, and not repeated',
    text: connector(
      'kafkaConnection:\n  endpoint: k:1\n  tls:\n    tlsEnabled: true\n    caConfigMap: ../Secret # <-',
    ),
    resource: CONNECTOR,
    path: 'spec.kafkaConnection.tls.caConfigMap',
    message: 'is not written as it should be',
    hint: `must be ${NAME_HINT}`,
  },
  {
    title: 'an empty string is empty',
    text: connector(`clientIdPrefix: "" # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.clientIdPrefix',
    message: 'is empty',
    hint: 'must be a string that is not empty',
  },
  {
    title: 'a long string is too long',
    text: connector(`clientIdPrefix: ${'x'.repeat(257)} # <-\n${KAFKA}`),
    resource: CONNECTOR,
    path: 'spec.clientIdPrefix',
    message: 'is too long',
    hint: 'at most 256 characters',
  },
  {
    title: 'another version of the API is refused',
    text: connector().replace('v1beta1', 'v1 # <-'),
    resource: CONNECTOR,
    path: 'apiVersion',
    message: 'is "mq.iotoperations.azure.com/v1"',
    hint: 'write mq.iotoperations.azure.com/v1beta1',
  },
  {
    title: 'a field beside the spec is unknown',
    text: `${connector()}instances: 1 # <-\n`,
    resource: CONNECTOR,
    path: 'instances',
    message: 'is not a known field',
    hint: 'known here: apiVersion, kind, metadata, spec, status',
  },
];

const MAP_CASES: readonly Case[] = [
  {
    title: 'QoS 2 is refused in its own words, towards Kafka',
    text: toKafka('mqttTopic: a\nkafkaTopic: t\nqos: 2 # <-'),
    resource: MAP,
    path: 'spec.routes[0].mqttToKafka.qos',
    message: 'QoS 2 is not supported',
    hint: 'use 1',
  },
  {
    title: 'QoS 2 is refused in its own words, towards MQTT',
    text: toMqtt('mqttTopic: a\nkafkaTopic: t\nqos: 2 # <-'),
    resource: MAP,
    path: 'spec.routes[0].kafkaToMqtt.qos',
    message: 'QoS 2 is not supported',
    hint: 'use 1',
  },
  {
    title: 'a QoS that MQTT does not have is out of range',
    text: toKafka('mqttTopic: a\nkafkaTopic: t\nqos: 3 # <-'),
    resource: MAP,
    path: 'spec.routes[0].mqttToKafka.qos',
    message: '3 is out of range',
    hint: 'must be a whole number from 0 to 1',
  },
  {
    title: 'acknowledgements are words and not numbers',
    text: toKafka('mqttTopic: a\nkafkaTopic: t\nkafkaAcks: 1 # <-'),
    resource: MAP,
    path: 'spec.routes[0].mqttToKafka.kafkaAcks',
    message: 'is a number',
    hint: 'must be one of zero, one, all: put it in quotes',
  },
  {
    title: 'copyMqttProperties takes no other word than true and false',
    text: topicMap(`copyMqttProperties: "yes" # <-\n${ROUTE}`),
    resource: MAP,
    path: 'spec.copyMqttProperties',
    message: '"yes" is not one of the words allowed here',
    hint: 'must be one of true, false',
  },
  {
    title: 'a shared subscription needs a group',
    text: toKafka(
      'mqttTopic: a\nkafkaTopic: t\nsharedSubscription: # <-\n  groupMinimumShareNumber: 3',
    ),
    resource: MAP,
    path: 'spec.routes[0].mqttToKafka.sharedSubscription.groupName',
    message: 'is missing',
    hint: 'must be a string that is not empty. The share name: subscribers with the same one divide the messages.',
  },
  {
    title: 'a route that is no mapping is a wrong type, and the others are checked',
    text: topicMap(
      'routes:\n  - text # <-\n  - mqttToKafka: { name: r, mqttTopic: a, kafkaTopic: t }',
    ),
    resource: MAP,
    path: 'spec.routes[0]',
    message: 'is a string',
    hint: 'must be a mapping of fields to values',
  },
  {
    title: 'routes without a value are missing',
    text: topicMap('routes: # <-'),
    resource: MAP,
    path: 'spec.routes',
    message: 'is missing',
    hint: 'must be a list. What goes where.',
  },
];

for (const one of CONNECTOR_CASES) {
  t.test(one.title, async (t) => {
    const { problems, model } = check(`${one.text}${topicMap()}`);
    t.strictSame(problems, [expectedProblem(one)]);
    t.equal(model, undefined);
  });
}

for (const one of MAP_CASES) {
  t.test(one.title, async (t) => {
    const text = connector() + one.text;
    const { problems, model } = check(text);
    t.strictSame(problems, [expectedProblem({ ...one, text })]);
    t.equal(model, undefined);
  });
}
