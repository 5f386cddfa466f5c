import t from 'tap';
import { QOS0_DELIVERIES_MAX } from '../../src/config/limits.js';
import { startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';

const PAUSED = 'millrace_socket_paused_seconds_total';

t.test('the time in which reading is paused is counted, and no other', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out', qos: 0 }] }],
  });
  bridge.setKafkaUp(false);
  await bridge.notReady('shard 0');
  t.equal(await bridge.metric(PAUSED), 0);
  // At QoS 0 no Receive Maximum holds the broker back: only the socket does.
  const room = QOS0_DELIVERIES_MAX;
  for (let n = 0; n < room + 1000; n++) {
    bridge.broker.publish({ topic: 'a/b', payload: 'x', qos: 0 });
  }
  await bridge.inFlight(room);
  await until('it counts', async () => (await bridge.metric(PAUSED)) > 0);
  bridge.setKafkaUp(true);
  const delivered = () => bridge.metric('millrace_records_delivered_total');
  await until('all is in Kafka', async () => (await delivered()) === room + 1000);
  const total = await bridge.metric(PAUSED);
  t.equal((await bridge.values('out')).length, room + 1000, 'each once');
  t.equal(await bridge.metric(PAUSED), total, 'it stands still while nothing is paused');
});
