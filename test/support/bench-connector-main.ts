/* Process entry of the bench's test connector. Takes the arguments that a bench gives to every
 * connector, and reads its end point from the resources:
 *   node bench-connector-main.js BEHAVIOUR -f FILE --admin-address ADDRESS --data-dir FOLDER
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
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
const behaviour = (positionals[0] ?? 'orderly') as Behaviour | 'crashing';
if (behaviour === 'crashing') {
  console.error('the resources are not to my taste');
  process.exit(3);
}
const dialed = await BenchConnector.dial({
  port: Number(endpoint.split(':')[1]),
  behaviour,
  receiveMaximum: connector?.getIn(['spec', 'localBrokerConnection', 'receiveMaximum']) as number,
  qos: topicMap?.getIn(['spec', 'routes', 0, 'mqttToKafka', 'qos']) as 0 | 1,
  subscriptionIdentifier: 1,
});
process.on('SIGTERM', () => dialed.close());
