import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runBench } from '../../src/bench/bench.js';
import { BENCH_DEFAULTS, type BenchOptions } from '../../src/bench/options.js';
import { summaryOf } from '../../src/bench/report/figures.js';
import { describeBench } from '../../src/bench/report/text.js';

/* Kafka to MQTT over an embedded Kafka: the connector reads what the generator writes. */

const CONNECTOR = fileURLToPath(new URL('../support/bench-connector-main.js', import.meta.url));

t.test(
  'records from Kafka are measured through the connector, each once and in order',
  async (t) => {
    // More than one turn of a route, with nothing behind it that would wake the flow.
    const options: BenchOptions = {
      ...BENCH_DEFAULTS,
      warmupMessages: 500,
      messages: 4500,
      qos: 0,
    };
    const report = await runBench({ ...options, direction: 'kafka-to-mqtt' }, () => undefined);
    const [round] = report.rounds;
    t.strictSame(round?.voidBecause, []);
    t.match(round?.feed, { received: 5000, missing: 0, duplicates: 0, outOfOrder: 0 });
    t.equal(round?.load, undefined);
    t.ok((summaryOf(report)['kafkaToMqtt.messagesPerSecond']?.min ?? 0) > 0);
    t.match(describeBench(report), /\nKafka to MQTT +median/);
    t.notMatch(describeBench(report), /MQTT to Kafka|counted/);
  },
);

t.test('both directions are measured at once', async (t) => {
  const size = { warmupMessages: 100, messages: 600, payloadBytes: 16, partitions: 4 };
  const options = { ...BENCH_DEFAULTS, ...size, rate: 1000 };
  const report = await runBench({ ...options, direction: 'both' }, () => undefined);
  const [round] = report.rounds;
  t.strictSame(round?.voidBecause, []);
  t.match(round, { load: { settled: 700 }, feed: { received: 700 }, records: 700 });
  t.ok((round?.feed?.latency?.p50Ms ?? 0) > 0);
  const summary = summaryOf(report);
  for (const name of ['heapBytesPerMessage.main', 'heapBytesPerMessage.workers', 'loopDelayMs.max'])
    t.ok((summary[name]?.median ?? 0) > 0, `${name} is known from inside the connector`);
  const { load = -1, feed = -1 } = round?.intervals[0] ?? {};
  t.ok(load >= 0 && feed >= 0, 'each is counted over time');
  t.match(describeBench(report), /\nMQTT to Kafka +median.*\nKafka to MQTT +median/s);
});

t.test('records that the connector never publishes make a round void', async (t) => {
  const options = { ...BENCH_DEFAULTS, messages: 50, warmupMessages: 0, stallSeconds: 0.3 };
  const connector = [process.execPath, CONNECTOR, 'lossy'];
  const report = await runBench(
    { ...options, connector, direction: 'kafka-to-mqtt' },
    () => undefined,
  );
  t.match(report.rounds[0]?.voidBecause, [
    '40 records were not published',
    '1 records were published out of order',
  ]);
  t.equal(report.rounds[0]?.feed?.duplicates, 1);
});

t.test('a record that is published with another payload makes a round void', async (t) => {
  const options = { ...BENCH_DEFAULTS, messages: 50, warmupMessages: 0, stallSeconds: 0.3 };
  const connector = [process.execPath, CONNECTOR, 'altering'];
  const report = await runBench(
    { ...options, connector, direction: 'kafka-to-mqtt' },
    () => undefined,
  );
  t.match(report.rounds[0]?.voidBecause, [
    '1 records were not published as they were written',
    '41 records were not published',
  ]);
});

t.test('records that are published at QoS 0 instead of 1 make a round void', async (t) => {
  const options = { ...BENCH_DEFAULTS, messages: 50, warmupMessages: 0, stallSeconds: 0.3 };
  const connector = [process.execPath, CONNECTOR, 'downgrading'];
  const report = await runBench(
    { ...options, connector, direction: 'kafka-to-mqtt' },
    () => undefined,
  );
  t.match(report.rounds[0]?.voidBecause, [
    '10 records were published at another QoS than was asked for',
    '40 records were not published',
  ]);
});

t.test('records of several sizes come back as they were written, in pieces too', async (t) => {
  const payload = [
    { bytes: 16, percent: 50 },
    { bytes: 3000, percent: 48 },
    { bytes: 300_000, percent: 2 },
  ];
  const size = { warmupMessages: 10, messages: 290, payload, keys: 7, skew: 1 };
  const options: BenchOptions = { ...BENCH_DEFAULTS, ...size, direction: 'kafka-to-mqtt' };
  const report = await runBench(options, () => undefined);
  const [round] = report.rounds;
  t.strictSame(round?.voidBecause, []);
  t.match(round?.feed, { received: 300, missing: 0, damaged: 0 });
  t.ok((round?.feed?.payloadBytes ?? 0) > 290 * 16, 'as many bytes as came');
  t.match(describeBench(report), /16 B 50% \+ 3,000 B 48% \+ 300,000 B 2%[\s\S]* 7 keys,\s+skew 1/);
});
