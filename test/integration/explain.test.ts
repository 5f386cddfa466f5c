import { join } from 'node:path';
import t from 'tap';
import type { Bytes } from '../../src/explain/explanation.js';
import { ask } from '../explain/ask.js';
import { startEmbedded } from '../support/embedded.js';

const PARTITIONS = 5;
const DEVICES = ['a', 'device-7', 'ü', '', '0123456789abcdef', 'z'];

const textOf = (value: Bytes | null | undefined) =>
  value === null || value === undefined ? null : 'text' in value ? value.text : value.base64;

t.test('what explain says is what Kafka has: topic, key, partition, headers', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { 'out-1': PARTITIONS },
    maps: [
      {
        partitionStrategy: 'property',
        partitionKeyProperty: 'id',
        copyMqttProperties: true,
        routes: [{ name: 'r', mqttTopic: 'plant/+/#', kafkaTopic: 'out-${topic.2}' }],
      },
    ],
  });
  const topic = 'plant/1/temp';
  const contentType = 'text/plain';
  const userProperty = (id: string): [string, string][] => [
    ['x', '1'],
    ['id', id],
    ['x', '2'],
  ];
  for (const id of DEVICES) {
    const userProperties = userProperty(id);
    bridge.broker.publish({ topic, payload: id, qos: 1, contentType, userProperties });
  }
  await bridge.acknowledged(DEVICES.length);
  const records = await bridge.records('out-1');
  for (const id of DEVICES) {
    const record = records.find(({ value }) => `${value}` === id || (id === '' && !value?.length));
    const { connectors } = await ask('', {
      file: [join(bridge.dataDir, 'resources.yaml')],
      topic,
      userProperty: userProperty(id),
      contentType,
      size: Buffer.byteLength(id),
      partitions: PARTITIONS,
    });
    const said = connectors[0]?.matched[0]?.record;
    t.equal(said?.kafkaTopic, 'out-1');
    t.equal(said?.partition.partition, record?.partition, `partition of ${JSON.stringify(id)}`);
    t.equal(textOf(said?.key), record?.key === null ? null : `${record?.key}`);
    t.same(
      said?.headers.map(({ name, value }) => [name, textOf(value)]),
      record?.headers.map(([name, value]) => [name, `${value}`]),
    );
  }
});
