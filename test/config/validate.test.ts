import t from 'tap';
import { parseDocuments } from '../../src/config/document.js';
import { validate } from '../../src/config/validate.js';
import {
  type Case,
  check,
  connector,
  expectedProblem,
  FILE,
  KAFKA,
  ROUTE,
  topicMap,
} from './documents.js';

const GOOD = connector() + topicMap();
const KINDS = 'KafkaConnector, KafkaConnectorTopicMap, Secret, ConfigMap';

const CASES: readonly Case[] = [
  {
    title: 'a kind that is nearly right is met with the right one',
    text: `${GOOD}---\nkind: KafkaConecter # <-\n`,
    resource: '',
    path: 'kind',
    message: '"KafkaConecter" is not known here',
    hint: 'did you mean KafkaConnector?',
  },
  {
    title: 'a kind of somebody else is an error',
    text: `${GOOD}---\napiVersion: apps/v1\nkind: Deployment # <-\n`,
    resource: '',
    path: 'kind',
    message: '"Deployment" is not known here',
    hint: `must be one of ${KINDS}`,
  },
  {
    title: 'a document without a kind is an error',
    text: `${GOOD}---\napiVersion: v1 # <-\n`,
    resource: '',
    path: 'kind',
    message: 'is missing',
    hint: `must be one of ${KINDS}`,
  },
  {
    title: 'a document that is no mapping is an error',
    text: `${GOOD}---\n- kind: Secret # <-\n`,
    resource: '',
    path: '',
    message: 'is no resource',
    hint: 'begin with apiVersion: and kind:',
  },
  {
    title: 'a connector is there once, whatever its namespace',
    text: `${GOOD}${connector(KAFKA, 'c # <-').replace('spec:', '  namespace: other\nspec:')}`,
    resource: 'KafkaConnector/c',
    path: 'metadata.name',
    message: 'KafkaConnector c is there twice; the first is at test.yaml:2',
    hint: 'rename one of the two; namespaces make no difference here',
  },
  {
    title: 'a topic map is there once',
    text: `${GOOD}${topicMap(ROUTE.replace('name: r', 'name: r2'), 'm # <-')}`,
    resource: 'KafkaConnectorTopicMap/m',
    path: 'metadata.name',
    message: 'KafkaConnectorTopicMap m is there twice; the first is at test.yaml:9',
    hint: 'rename one of the two; namespaces make no difference here',
  },
  {
    title: 'a connector that nobody uses carries nothing',
    severity: 'warning',
    text: `${GOOD}${connector(KAFKA, 'd').replace('apiVersion', '# above\napiVersion').replace('v1beta1', 'v1beta1 # <-')}`,
    resource: 'KafkaConnector/d',
    path: '',
    message: 'no topic map refers to it, so it carries nothing',
    hint: 'add a KafkaConnectorTopicMap with this kafkaConnectorRef',
  },
];

for (const one of CASES) {
  t.test(one.title, async (t) => {
    const { problems, model } = check(one.text);
    t.strictSame(problems, [expectedProblem(one)]);
    t.equal(model === undefined, one.severity !== 'warning');
  });
}

t.test('all problems of all documents are reported at once, in the order of lines', async (t) => {
  const text =
    topicMap(
      'copyMqtProperties: true\nrouts: []\nroutes:\n  - mqttToKafka: { name: r, mqttTopic: a#, kafkaTopic: a/b, qos: 2 }\n  - 7\n  - kafkaToMqtt: { name: r, mqttTopic: "+", kafkaTopic: t }',
    ) + connector('instances: many\nkafkaConnection: { endpoint: kafka }');
  const found = check(text).problems.map(({ line, path }) => [line, path]);
  t.strictSame(found, [
    [8, 'spec.copyMqtProperties'],
    [9, 'spec.routs'],
    [11, 'spec.routes[0].mqttToKafka.qos'],
    [11, 'spec.routes[0].mqttToKafka.mqttTopic'],
    [11, 'spec.routes[0].mqttToKafka.kafkaTopic'],
    [12, 'spec.routes[1]'],
    [13, 'spec.routes[2].kafkaToMqtt.name'],
    [13, 'spec.routes[2].kafkaToMqtt.mqttTopic'],
    [20, 'spec.instances'],
    [21, 'spec.kafkaConnection.tls'],
    [21, 'spec.kafkaConnection.endpoint'],
  ]);
});

t.test('nothing at all is an error', async (t) => {
  t.strictSame(check('').problems, [
    {
      severity: 'error',
      file: '',
      line: 0,
      resource: '',
      path: '',
      message: 'there is no KafkaConnector',
      hint: 'give a file that has one with -f',
    },
  ]);
});

t.test('where documents could not be read, nothing is called missing', async (t) => {
  const { documents } = parseDocuments(FILE, topicMap());
  const options = { instanceId: 0, cores: 1 };
  t.equal(validate(documents, options).problems.length, 2);
  t.same(validate(documents, { ...options, isIncomplete: true }).problems, []);
});

t.test('what Kubernetes adds to a resource is accepted', async (t) => {
  const text = GOOD.replaceAll(
    /name: ([cm])\n/g,
    'name: $1\n  uid: 1-2\n  generation: 3\n  labels: { a: b }\n  managedFields: []\nstatus: { conditions: [] }\n',
  );
  t.same(check(text).problems, []);
});

t.test('hostile documents give problems and no exception', async (t) => {
  for (const spec of ['7', '[]', '{ routes: { a: 1 } }', '{ routes: [[[]], null, 1] }', '""']) {
    for (const kind of ['KafkaConnector', 'KafkaConnectorTopicMap', 'Secret', 'ConfigMap']) {
      const head = `apiVersion: 1\nkind: ${kind}\nmetadata: ${spec}\ndata: ${spec}\nspec: ${spec}\n`;
      const { problems, model } = check(head);
      t.ok(problems.length > 0, `${kind} ${spec}`);
      t.equal(model, undefined);
    }
  }
});
