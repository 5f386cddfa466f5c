/* Process entry of the bench's test connector. Takes the arguments that a bench gives to every
 * connector, and reads its end point from the resources:
 *   node bench-connector-main.js BEHAVIOUR -f FILE --admin-address ADDRESS --data-dir FOLDER
 * `bridging` writes each message to Kafka; it acknowledges without waiting, for it never crashes. So do
 * `losing`, `damaging` and `repeating`, but for one message.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { IPublishPacket } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';
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
const ODD_ONE = 10;
const [connector, topicMap] = parseAllDocuments(readFileSync(values.file ?? '', 'utf8'));
const endpoint = connector?.getIn(['spec', 'localBrokerConnection', 'endpoint']) as string;
const BRIDGES = ['bridging', 'losing', 'damaging', 'repeating'] as const;
type Bridge = (typeof BRIDGES)[number];
const behaviour = (positionals[0] ?? 'orderly') as Behaviour | 'crashing' | Bridge;
if (behaviour === 'crashing') {
  console.error('the resources are not to my taste');
  process.exit(3);
}
const kafkaTopic = topicMap?.getIn(['spec', 'routes', 0, 'mqttToKafka', 'kafkaTopic']) as string;
const bridge = BRIDGES.find((each) => each === behaviour);
const producer = bridge === undefined ? undefined : await openProducer();

function openProducer(): Promise<kafka.Producer> {
  const bootstrapServers = connector?.getIn(['spec', 'kafkaConnection', 'endpoint']) as string;
  const opening = new kafka.Producer({ 'metadata.broker.list': bootstrapServers });
  return new Promise((resolve, reject) => {
    opening.connect({}, (error) => (error ? reject(error) : resolve(opening)));
  });
}

/** Messages of the load are small: none of them spans two calls. */
function writeTo(opened: kafka.Producer): (packet: Buffer) => void {
  const parser = mqttPacket.parser({ protocolVersion: 5 });
  let number = 0;
  parser.on('packet', (packet) => {
    const { topic, payload } = packet as IPublishPacket;
    const value = Buffer.from(payload as Buffer);
    number += 1;
    const isOdd = number === ODD_ONE;
    if (isOdd && bridge === 'losing') return;
    if (isOdd && bridge === 'damaging') value.write('X', value.length - 1);
    opened.produce(kafkaTopic, null, value, topic);
    if (isOdd && bridge === 'repeating') opened.produce(kafkaTopic, null, value, topic);
  });
  return (packet) => void parser.parse(Buffer.from(packet));
}

const route = ['spec', 'routes', 0, 'mqttToKafka'];
const share = topicMap?.getIn([...route, 'sharedSubscription', 'groupMinimumShareNumber']);
const options = {
  port: Number(endpoint.split(':')[1]),
  behaviour: bridge === undefined ? (behaviour as Behaviour) : 'orderly',
  receiveMaximum: connector?.getIn(['spec', 'localBrokerConnection', 'receiveMaximum']) as number,
  qos: (topicMap?.getIn([...route, 'qos']) ?? 1) as 0 | 1,
  subscriptionIdentifier: 1,
  ...(producer === undefined ? {} : { onPublish: writeTo(producer) }),
};
const dialled = await Promise.all(
  Array.from({ length: Number(share ?? 1) }, () => BenchConnector.dial(options)),
);
process.on('SIGTERM', () => {
  for (const each of dialled) each.close();
  producer?.flush(10_000, () => producer.disconnect());
});
