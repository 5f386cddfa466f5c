import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadModel } from '../../src/config/load-model.js';
import { check, modelOf } from './documents.js';
import { REFERENCE_EXAMPLE } from './reference-example.js';

function filledIn(text: string): string {
  return text
    .replaceAll('<SAME NAMESPACE AS BROKER>', 'azure-iot-operations')
    .replaceAll('<NAMESPACE>', 'my-namespace')
    .replaceAll('{{% version %}}', '0.1.0');
}

function example(name: string): string {
  return fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));
}

t.test("the reference's own example is valid once its placeholders are filled in", async (t) => {
  const [connector] = modelOf(filledIn(REFERENCE_EXAMPLE)).connectors;
  t.match(connector, {
    name: 'my-eh-connector',
    instances: 2,
    clientIdPrefix: 'my-prefix',
    kafka: {
      bootstrapServers: 'my-namespace.servicebus.windows.net:9093',
      isEventHubs: true,
      tls: { caConfigMap: undefined },
      authentication: { kind: 'sasl', mechanism: 'plain', secretName: 'cs-secret' },
    },
    topicMaps: [
      {
        compression: 'snappy',
        batching: { latencyMs: 1_000, maxMessages: 100, maxBytes: 1_024 },
        partitionKeyProperty: 'device-id',
        routes: [
          {
            topicFilter: 'temperature-alerts/#',
            sharedSubscription: { groupName: 'group1', subscribers: 3 },
          },
          { consumerGroupId: 'e4kconnector', mqttTopic: 'heater-commands', qos: 0 },
        ],
      },
    ],
  });
});

t.test('it is valid with its comments taken in, too', async (t) => {
  const commented = /^ {2}# (localBrokerConnection:| {2}.*)$/gm;
  const text = filledIn(REFERENCE_EXAMPLE).replaceAll(commented, '  $1');
  const [connector] = modelOf(text).connectors;
  t.strictSame(connector?.mqtt.authentication, {
    kind: 'kubernetes',
    audience: 'aio-mq',
    required: true,
  });
});

t.test('as it stands, only what is to be filled in is wrong', async (t) => {
  const errors = check(REFERENCE_EXAMPLE).problems.filter(({ severity }) => severity === 'error');
  t.same(
    errors.map(({ path, message }) => [path, message]),
    [
      ['metadata.namespace', 'still has the placeholder <SAME NAMESPACE AS BROKER>'],
      ['spec.image.tag', 'still has the placeholder {{% version %}}'],
      ['spec.kafkaConnection.endpoint', 'still has the placeholder <NAMESPACE>'],
      ['metadata.namespace', 'still has the placeholder <SAME NAMESPACE AS BROKER>'],
    ],
  );
});

t.test('the local example runs, and has nothing to warn of', async (t) => {
  const loaded = await loadModel([example('local.yaml')], { instanceId: 0 });
  t.same(loaded.problems, []);
  t.match(loaded.model, { connectors: [{ name: 'local', mqtt: { host: 'localhost' } }] });
});

t.test('the example for Event Hubs is valid', async (t) => {
  const loaded = await loadModel([example('event-hubs.yaml')], { instanceId: 1 });
  t.same(
    loaded.problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  t.equal(loaded.model?.connectors[0]?.topicMaps[0]?.routes.length, 2);
});

t.test('the example for Event Hubs with a managed identity has nothing to warn of', async (t) => {
  const loaded = await loadModel([example('event-hubs-managed-identity.yaml')], { instanceId: 0 });
  t.same(loaded.problems, []);
  t.match(loaded.model?.connectors[0]?.kafka, {
    isEventHubs: true,
    authentication: {
      kind: 'systemAssignedManagedIdentity',
      audience: 'https://my-namespace.servicebus.windows.net',
    },
  });
});
