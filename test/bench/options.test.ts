import t from 'tap';
import { BENCH_DEFAULTS, feedOf, loadOf, problemOf } from '../../src/bench/options.js';

const REAL = { bootstrapServers: 'kafka:9092', kafkaTopic: 'feed', embedded: false };
const TO_MQTT = { ...BENCH_DEFAULTS, direction: 'kafka-to-mqtt' } as const;

t.test('all records are written before, of a phase by count exactly so many', async (t) => {
  const feed = feedOf({ ...TO_MQTT, warmupMessages: 100, messages: 1000 }, REAL);
  t.match(feed, { records: 1100, recordsBefore: 1100, kafkaTopic: 'feed', keys: 1000 });
});

t.test('for a phase by time there is enough, but not more than a GiB', async (t) => {
  t.match(feedOf({ ...TO_MQTT, warmupSeconds: 1, seconds: 4 }, REAL), {
    records: 1_000_000,
    // Its share, so that a connector that is faster leaves some to measure.
    warmup: { kind: 'messages', count: 200_000 },
    measured: { kind: 'seconds', seconds: 4 },
  });
  const large = feedOf({ ...TO_MQTT, payloadBytes: 2 ** 21 }, REAL);
  t.ok(large.records > 500 && large.records <= 512, `${large.records}`);
});

t.test('an embedded Kafka is given no more than it keeps', async (t) => {
  const embedded = { ...REAL, embedded: true };
  const small = feedOf(TO_MQTT, embedded);
  t.equal(small.records, 13 * 200_000);
  t.ok(small.recordsBefore * 200 < 4 * 5_000_000, `${small.recordsBefore}`);
  t.equal(feedOf({ ...TO_MQTT, payloadBytes: 2 ** 21 }, embedded).recordsBefore, 4);
});

t.test('at a rate only one record of each partition is written before', async (t) => {
  const feed = feedOf({ ...TO_MQTT, rate: 1000, partitions: 7, warmupSeconds: 1 }, REAL);
  t.match(feed, { records: 11_000, recordsBefore: 7, ratePerSecond: 1000 });
});

t.test('what cannot be read back is refused', async (t) => {
  t.equal(problemOf(TO_MQTT), undefined);
  t.match(problemOf({ ...TO_MQTT, atOnce: 5 }), /--at-once/);
  t.match(problemOf({ ...TO_MQTT, payloadBytes: 15 }), /16 bytes or more/);
  const payload = [
    { bytes: 200, percent: 50 },
    { bytes: 15, percent: 50 },
  ];
  t.match(problemOf({ ...TO_MQTT, payload }), /16 bytes or more/);
  t.equal(problemOf({ ...BENCH_DEFAULTS, atOnce: 5, payloadBytes: 0 }), undefined);
});

t.test('keys are the topics, or a user property where there are more or fewer', async (t) => {
  t.match(loadOf(BENCH_DEFAULTS), { topics: 1000, keys: 1000, keyProperty: undefined });
  t.match(loadOf({ ...BENCH_DEFAULTS, keys: 1000 }), { keys: 1000, keyProperty: undefined });
  t.match(loadOf({ ...BENCH_DEFAULTS, keys: 50 }), { keys: 50, keyProperty: 'bench-key' });
  t.match(feedOf({ ...TO_MQTT, keys: 50 }, REAL), { keys: 50 });
});

t.test('routes need topics, and messages to Kafka', async (t) => {
  t.match(problemOf({ ...TO_MQTT, routes: 2 }), /--routes.*--direction mqtt-to-kafka or both/);
  t.match(problemOf({ ...BENCH_DEFAULTS, routes: 20, topics: 19 }), /--topics 20 or more/);
  t.equal(problemOf({ ...TO_MQTT, direction: 'both', routes: 20, topics: 20 }), undefined);
  t.match(problemOf({ ...BENCH_DEFAULTS, routes: 2, connections: 2 }), /do not go together/);
});

t.test('only the embedded Kafka can be made slow', async (t) => {
  const slow = { ...BENCH_DEFAULTS, kafkaRttMs: 200 };
  t.equal(problemOf(slow), undefined);
  t.match(problemOf({ ...slow, kafka: 'kafka:9092' }), /--kafka-rtt-ms slows the embedded Kafka/);
});
