/* The same work through node-rdkafka: a plain Producer, one call and one delivery report a record. */
import kafka from 'node-rdkafka';
import {
  HEADER_VALUE,
  KEYS,
  keyOf,
  measure,
  PAYLOAD_BYTES,
  readWorkload,
  settingsOf,
  WINDOW,
} from './workload.js';

/** Delivery reports come in bursts this often: rarer costs nothing, the window is large. */
const POLL_INTERVAL_MS = 1;

const workload = readWorkload();
const producer = new kafka.Producer(
  { ...settingsOf(workload), dr_cb: true },
  { acks: 1, partitioner: 'murmur2_random' },
);
await new Promise<void>((resolve, reject) => {
  producer.connect({}, (error) => (error ? reject(error) : resolve()));
});
producer.setPollInterval(POLL_INTERVAL_MS);

const keys = Array.from({ length: KEYS }, (_, n) => keyOf(n));
const payload = Buffer.alloc(PAYLOAD_BYTES);
const headers =
  workload.headers === 0
    ? undefined
    : Array.from({ length: workload.headers }, (_, h) => ({ [`header-${h}`]: HEADER_VALUE }));

function sendAll(messages: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let reported = 0;
    const refill = () => {
      for (; sent < messages && sent - reported < WINDOW; sent += 1) {
        payload.fill(97 + (sent % 26), 0, 16);
        producer.produce(
          workload.topic,
          null,
          payload,
          keys[sent % KEYS],
          undefined,
          undefined,
          headers,
        );
      }
    };
    producer.removeAllListeners('delivery-report');
    producer.on('delivery-report', (error) => {
      if (error) return reject(error);
      reported += 1;
      if (reported === messages) resolve();
      else if (sent - reported <= WINDOW / 2) refill();
    });
    refill();
  });
}

await measure(workload, sendAll);
producer.disconnect();
