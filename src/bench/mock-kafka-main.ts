/* Process entry of the embedded Kafka: librdkafka's mock cluster, in a process of its own, so that
 * its CPU is not counted as the connector's. Ends when its parent lets go of the channel.
 *   node mock-kafka-main.js ROUND_TRIP_MS
 */
import kafka from 'node-rdkafka';
import type { MockKafkaEvent } from './protocol.js';

const METADATA_TIMEOUT_MS = 10_000;

function tell(event: MockKafkaEvent): void {
  if (process.connected) process.send?.(event);
}

// A mock cluster takes its client's place of brokers; the name is never looked up.
const settings = {
  'metadata.broker.list': 'mock',
  'test.mock.num.brokers': 1,
  'test.mock.broker.rtt': Number(process.argv[2]),
};
const host = new kafka.Producer(settings);
host.connect({}, (connectError) => {
  if (connectError) return tell({ kind: 'failed', message: connectError.message });
  host.getMetadata({ timeout: METADATA_TIMEOUT_MS }, (error, metadata) => {
    if (error) return tell({ kind: 'failed', message: error.message });
    const bootstrapServers = metadata.brokers.map((broker) => `${broker.host}:${broker.port}`);
    tell({ kind: 'ready', bootstrapServers: bootstrapServers.join(',') });
  });
});
process.on('disconnect', () => process.exit(0));
