import t from 'tap';
import {
  type Case,
  check,
  connector,
  expectedProblem,
  FILE,
  KAFKA,
  ROUTE,
  toKafka,
  toMqtt,
  topicMap,
} from '../documents.js';

const RESOURCE = 'KafkaConnectorTopicMap/m';
const TO_KAFKA = 'spec.routes[0].mqttToKafka';
const TO_MQTT = 'spec.routes[0].kafkaToMqtt';

const VARIABLES = `use \${key}, \${kafkaTopic} (\${inputTopic} is the same), \${partition} or \${header.NAME}`;

const CASES: readonly Case[] = [
  {
    title: 'a connector that is nearly there is proposed',
    text: topicMap(ROUTE, 'm', 'cc # <-'),
    resource: RESOURCE,
    path: 'spec.kafkaConnectorRef',
    message: 'there is no KafkaConnector cc',
    hint: 'there are: c',
  },
  {
    title: 'a batch beyond what librdkafka allows is clamped',
    severity: 'warning',
    text: topicMap(`batching:\n  enabled: true\n  maxMessages: 1000001 # <-\n${ROUTE}`),
    resource: RESOURCE,
    path: 'spec.batching.maxMessages',
    message: '1000001 is beyond what Kafka clients allow; 1000000 is used',
    hint: 'write a number from 1 to 1000000',
  },
  {
    title: 'a batch of no bytes is clamped',
    severity: 'warning',
    text: topicMap(`batching:\n  enabled: true\n  maxBytes: 0 # <-\n${ROUTE}`),
    resource: RESOURCE,
    path: 'spec.batching.maxBytes',
    message: '0 is beyond what Kafka clients allow; 1 is used',
    hint: 'write a number from 1 to 2147483647',
  },
  {
    title: 'limits of batching alone have no effect',
    severity: 'warning',
    text: topicMap(`batching: # <-\n  latencyMs: 10\n${ROUTE}`),
    resource: RESOURCE,
    path: 'spec.batching',
    message: 'has no effect: batching.enabled is not set',
    hint: 'write enabled: true, or leave batching out',
  },
  {
    title: 'the strategy property needs the name of one',
    text: topicMap(`partitionStrategy: property\n${ROUTE}`).replace('spec:', 'spec: # <-'),
    resource: RESOURCE,
    path: 'spec.partitionKeyProperty',
    message: 'is missing: partitionStrategy is property',
    hint: 'name the user property whose value is the key',
  },
  {
    title: 'a key property without its strategy has no effect',
    severity: 'warning',
    text: topicMap(`partitionKeyProperty: id # <-\n${ROUTE}`),
    resource: RESOURCE,
    path: 'spec.partitionKeyProperty',
    message: 'has no effect: partitionStrategy is default',
    hint: 'write partitionStrategy: property, or leave it out',
  },
  {
    title: 'a key property that MQTT cannot carry is an error',
    text: topicMap(`partitionStrategy: property\npartitionKeyProperty: "\\0" # <-\n${ROUTE}`),
    resource: RESOURCE,
    path: 'spec.partitionKeyProperty',
    message: 'has a null character (U+0000)',
    hint: 'MQTT forbids it',
  },
  {
    title: 'no routes do nothing',
    severity: 'warning',
    text: topicMap('routes: [] # <-'),
    resource: RESOURCE,
    path: 'spec.routes',
    message: 'is empty',
    hint: 'add a route',
  },
  {
    title: 'a route without a direction is an error',
    text: topicMap('routes:\n  - {} # <-'),
    resource: RESOURCE,
    path: 'spec.routes[0]',
    message: 'has no direction',
    hint: 'give it mqttToKafka or kafkaToMqtt',
  },
  {
    title: 'a route with both directions is an error',
    text: topicMap(
      'routes:\n  - mqttToKafka: { name: a, mqttTopic: a, kafkaTopic: t } # <-\n    kafkaToMqtt: { name: b, mqttTopic: a, kafkaTopic: t }',
    ),
    resource: RESOURCE,
    path: 'spec.routes[0]',
    message: 'has both directions',
    hint: 'make two routes of it, one for each',
  },
  {
    title: 'a direction of a wrong type is one error',
    text: topicMap('routes:\n  - mqttToKafka: a # <-'),
    resource: RESOURCE,
    path: TO_KAFKA,
    message: 'is a string',
    hint: 'must be a mapping of fields to values',
  },
  {
    title: 'a route name becomes a client identifier and so holds no null character',
    text: topicMap('routes:\n  - mqttToKafka: { mqttTopic: a, kafkaTopic: t, name: "\\0" } # <-'),
    resource: RESOURCE,
    path: `${TO_KAFKA}.name`,
    message: 'has a null character (U+0000)',
    hint: 'MQTT forbids it',
  },
  {
    title: 'a faulty topic filter is reported',
    text: toKafka('mqttTopic: a/#/b # <-\nkafkaTopic: t'),
    resource: RESOURCE,
    path: `${TO_KAFKA}.mqttTopic`,
    message: '# must be the whole of the last level',
    hint: 'such as plant/1/#',
  },
  {
    title: 'a faulty share name in a topic filter is reported',
    text: toKafka('mqttTopic: $share/g+/a # <-\nkafkaTopic: t'),
    resource: RESOURCE,
    path: `${TO_KAFKA}.mqttTopic`,
    message: 'the share name has a /, + or # in it',
    hint: 'use other characters',
  },
  {
    title: 'a faulty Kafka topic is reported',
    text: toKafka('mqttTopic: a\nkafkaTopic: a/b # <-'),
    resource: RESOURCE,
    path: `${TO_KAFKA}.kafkaTopic`,
    message: '"/" is not allowed in a Kafka topic',
    hint: 'use letters, digits, ".", "_" and "-"',
  },
  {
    title: 'a template that no message of the filter can fill is reported',
    text: toKafka(`mqttTopic: $share/g/a/+\nkafkaTopic: x-\${topic.3} # <-`),
    resource: RESOURCE,
    path: `${TO_KAFKA}.kafkaTopic`,
    message: `\${topic.3} asks for level 3`,
    hint: 'mqttTopic has 2, so no message has that many',
  },
  {
    title: 'a misspelt variable of a template is met with the one that was meant',
    text: toKafka(`mqttTopic: a\nkafkaTopic: \${topci} # <-`),
    resource: RESOURCE,
    path: `${TO_KAFKA}.kafkaTopic`,
    message: `\${topci} is not known`,
    hint: `did you mean topic? use \${topic}, \${topic.N} (N counts levels from 1) or \${property.NAME}`,
  },
  {
    title: 'a shared subscription is written in one place only',
    text: toKafka(
      'mqttTopic: $share/g/a # <-\nkafkaTopic: t\nsharedSubscription: { groupName: g }',
    ),
    resource: RESOURCE,
    path: `${TO_KAFKA}.mqttTopic`,
    message: 'names a shared subscription, and so does sharedSubscription',
    hint: 'leave $share/<group>/ out of mqttTopic',
  },
  {
    title: 'a faulty share name is reported',
    text: toKafka('mqttTopic: a\nkafkaTopic: t\nsharedSubscription: { groupName: a/b } # <-'),
    resource: RESOURCE,
    path: `${TO_KAFKA}.sharedSubscription.groupName`,
    message: 'the share name has a /, + or # in it',
    hint: 'use other characters',
  },
  {
    title: 'a shared subscription gives up the order per topic',
    severity: 'warning',
    text: toKafka('mqttTopic: $share/g/a # <-\nkafkaTopic: t', 'partitionStrategy: topic'),
    resource: RESOURCE,
    path: `${TO_KAFKA}.mqttTopic`,
    message: 'a shared subscription gives up the order per key of partitionStrategy topic',
    hint: 'leave the shared subscription out where order matters',
  },
  {
    title: 'a shared subscription gives up the order per property',
    severity: 'warning',
    text: toKafka(
      'mqttTopic: a\nkafkaTopic: t\nsharedSubscription: { groupName: g } # <-',
      'partitionStrategy: property\npartitionKeyProperty: id',
    ),
    resource: RESOURCE,
    path: `${TO_KAFKA}.sharedSubscription`,
    message: 'a shared subscription gives up the order per key of partitionStrategy property',
    hint: 'leave the shared subscription out where order matters',
  },
  {
    title: 'a consumer group that would be cut at a NUL',
    text: toMqtt('kafkaTopic: t\nmqttTopic: a\nconsumerGroupId: "g\\0p" # <-'),
    resource: RESOURCE,
    path: `${TO_MQTT}.consumerGroupId`,
    message: 'has a null character (U+0000)',
    hint: 'MQTT forbids it',
  },
  {
    title: 'a Kafka topic to read is no template',
    text: toMqtt(`mqttTopic: a\nkafkaTopic: \${topic} # <-`),
    resource: RESOURCE,
    path: `${TO_MQTT}.kafkaTopic`,
    message: '"$" is not allowed in a Kafka topic',
    hint: 'use letters, digits, ".", "_" and "-"',
  },
  {
    title: 'an MQTT topic to publish to has no wildcard',
    text: toMqtt('kafkaTopic: t\nmqttTopic: a/+ # <-'),
    resource: RESOURCE,
    path: `${TO_MQTT}.mqttTopic`,
    message: 'has a wildcard',
    hint: 'name one topic: nobody can publish to + or #',
  },
  {
    title: 'a template of an MQTT topic has no wildcard either',
    text: toMqtt(`kafkaTopic: t\nmqttTopic: a/\${key}/# # <-`),
    resource: RESOURCE,
    path: `${TO_MQTT}.mqttTopic`,
    message: 'has a wildcard',
    hint: 'name one topic: nobody can publish to + or #',
  },
  {
    title: 'a misspelt variable of a record is met with the one that was meant',
    text: toMqtt(`kafkaTopic: t\nmqttTopic: a/\${kafkatopic} # <-`),
    resource: RESOURCE,
    path: `${TO_MQTT}.mqttTopic`,
    message: `\${kafkatopic} is not known`,
    hint: `did you mean kafkaTopic? ${VARIABLES}`,
  },
  {
    title: 'a misspelt variable with a name behind it is met with the one that was meant',
    text: toMqtt(`kafkaTopic: t\nmqttTopic: a/\${haeder.unit} # <-`),
    resource: RESOURCE,
    path: `${TO_MQTT}.mqttTopic`,
    message: `\${haeder.unit} is not known`,
    hint: `did you mean header? ${VARIABLES}`,
  },
  {
    title: 'a header of a template has a name',
    text: toMqtt(`kafkaTopic: t\nmqttTopic: a/\${header} # <-`),
    resource: RESOURCE,
    path: `${TO_MQTT}.mqttTopic`,
    message: `\${header} names no header`,
    hint: VARIABLES,
  },
  {
    title: 'a Kafka topic has no levels that a template could ask for',
    text: toMqtt(`kafkaTopic: t\nmqttTopic: a/\${inputTopic.1} # <-`),
    resource: RESOURCE,
    path: `${TO_MQTT}.mqttTopic`,
    message: `\${inputTopic.1} asks for a level of the topic: a Kafka topic has none`,
    hint: `use \${inputTopic}`,
  },
  {
    title: 'a variable of an MQTT topic is closed',
    text: toMqtt(`kafkaTopic: t\nmqttTopic: "a/\${key" # <-`),
    resource: RESOURCE,
    path: `${TO_MQTT}.mqttTopic`,
    message: `a "\${" is not closed`,
    hint: 'add the "}"',
  },
  {
    title: 'to hold for subscribers has no effect at QoS 0',
    severity: 'warning',
    text: toMqtt('kafkaTopic: t\nmqttTopic: a\nqos: 0\nonNoSubscriber: hold # <-'),
    resource: RESOURCE,
    path: `${TO_MQTT}.onNoSubscriber`,
    message: 'has no effect: at QoS 0 the broker does not say whether anybody subscribes',
    hint: 'write qos: 1, or leave it out',
  },
];

for (const one of CASES) {
  t.test(one.title, async (t) => {
    const text = one.text + connector(KAFKA, 'c');
    const used = one.path === 'spec.kafkaConnectorRef' ? topicMap(ROUTE, 'other') : '';
    const { problems, model } = check(text + used);
    t.strictSame(problems, [expectedProblem(one)]);
    t.equal(model === undefined, one.severity !== 'warning');
  });
}

t.test('a route name is used once in a connector, over all of its topic maps', async (t) => {
  const text = `${connector()}${topicMap()}${topicMap(ROUTE, 'n')}`;
  t.strictSame(check(text).problems, [
    {
      severity: 'error',
      file: FILE,
      line: 23,
      resource: 'KafkaConnectorTopicMap/n',
      path: `${TO_KAFKA}.name`,
      message: 'another route of the connector has this name: test.yaml:15',
      hint: 'rename one of the two',
    },
  ]);
  const apart = `${connector()}${connector(KAFKA, 'd')}${topicMap()}${topicMap(ROUTE, 'n', 'd')}`;
  t.same(check(apart).problems, [], 'another connector has names of its own');
});

t.test('several instances get every message unless a route shares its subscription', async (t) => {
  const routes = `routes:
  - mqttToKafka: { name: a, mqttTopic: a, kafkaTopic: t }
  - mqttToKafka: { name: b, mqttTopic: $share/g/a, kafkaTopic: t }
  - mqttToKafka: { name: c, mqttTopic: a, kafkaTopic: t, sharedSubscription: { groupName: g } }
  - kafkaToMqtt: { name: d, mqttTopic: a, kafkaTopic: u }`;
  const [instances, ...rest] = check(
    connector(`instances: 2\n${KAFKA}`) + topicMap(routes),
  ).problems;
  t.equal(instances?.path, 'spec.instances');
  t.strictSame(rest, [
    {
      severity: 'warning',
      file: FILE,
      line: 17,
      resource: RESOURCE,
      path: `${TO_KAFKA}.mqttTopic`,
      message: 'each of the 2 instances gets every message',
      hint: 'add a sharedSubscription to divide them',
    },
  ]);
});

t.test('every variable of an MQTT topic is accepted', async (t) => {
  const names = ['key', 'kafkaTopic', 'inputTopic', 'partition', 'header.unit', 'header.a.b'];
  const text = toMqtt(`kafkaTopic: t\nmqttTopic: ${names.map((name) => `\${${name}}`).join('/')}`);
  t.same(check(connector() + text).problems, []);
});

t.test('overlapping filters of one session are allowed', async (t) => {
  const routes = `routes:
  - mqttToKafka: { name: a, mqttTopic: a/#, kafkaTopic: t }
  - mqttToKafka: { name: b, mqttTopic: a/+, kafkaTopic: t }`;
  t.same(check(connector() + topicMap(routes)).problems, []);
});

t.test('Event Hubs know no compression but gzip', async (t) => {
  const hubs =
    'kafkaConnection: { endpoint: "n.servicebus.windows.net:9093", tls: { tlsEnabled: true } }';
  for (const [kafka, compression, warnings] of [
    [hubs, 'snappy', 1],
    [hubs, 'lz4', 1],
    [hubs, 'gzip', 0],
    [hubs, 'none', 0],
    [KAFKA, 'snappy', 0],
  ] as const) {
    const { problems, model } = check(
      connector(kafka) + topicMap(`compression: ${compression}\n${ROUTE}`),
    );
    t.ok(model);
    t.equal(problems.length, warnings, `${compression}: ${JSON.stringify(problems)}`);
    if (warnings > 0) t.match(problems, [{ severity: 'warning', path: 'spec.compression' }]);
  }
});

t.test('a connector with a similar name is proposed', async (t) => {
  const text = connector(KAFKA, 'my-connector') + topicMap(ROUTE, 'm', 'my-conector');
  const [problem] = check(text).problems.filter(({ severity }) => severity === 'error');
  t.equal(problem?.hint, 'did you mean my-connector?');
});
