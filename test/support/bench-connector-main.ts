/* Process entry of the bench's test connector. Takes the arguments that a bench gives to every
 * connector, and reads its end point from the resources:
 *   node bench-connector-main.js BEHAVIOUR -f FILE --admin-address ADDRESS --data-dir FOLDER
 * `bridging` writes each message to Kafka; it acknowledges without waiting, for it never crashes.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import kafka from 'node-rdkafka';
import { parseAllDocuments } from 'yaml';
import type { Behaviour } from './bench-connector.js';
import { BenchConnector } from './bench-connector.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: 'string', short: 'f' },
    'admin-address': { type: 'string' },
    'data-dir': { type: 'string' },
  },
});
const [connector, topicMap] = parseAllDocuments(readFileSync(values.file ?? '', 'utf8'));
const endpoint = connector?.getIn(['spec', 'localBrokerConnection', 'endpoint']) as string;
const behaviour = (positionals[0] ?? 'orderly') as Behaviour | 'crashing' | 'bridging';
if (behaviour === 'crashing') {
  console.error('the resources are not to my taste');
  process.exit(3);
}
const kafkaTopic = topicMap?.getIn(['spec', 'routes', 0, 'mqttToKafka', 'kafkaTopic']) as string;
const producer = behaviour === 'bridging' ? await openProducer() : undefined;

function openProducer(): Promise<kafka.Producer> {
  const bootstrapServers = connector?.getIn(['spec', 'kafkaConnection', 'endpoint']) as string;
  const opening = new kafka.Producer({ 'metadata.broker.list': bootstrapServers });
  return new Promise((resolve, reject) => {
    opening.connect({}, (error) => (error ? reject(error) : resolve(opening)));
  });
}

const dialed = await BenchConnector.dial({
  port: Number(endpoint.split(':')[1]),
  behaviour: behaviour === 'bridging' ? 'orderly' : behaviour,
  receiveMaximum: connector?.getIn(['spec', 'localBrokerConnection', 'receiveMaximum']) as number,
  qos: (topicMap?.getIn(['spec', 'routes', 0, 'mqttToKafka', 'qos']) ?? 1) as 0 | 1,
  subscriptionIdentifier: 1,
  ...(producer === undefined
    ? {}
    : { onPublish: () => producer.produce(kafkaTopic, null, Buffer.from('message')) }),
});
process.on('SIGTERM', () => {
  dialed.close();
  producer?.flush(10_000, () => producer.disconnect());
});
