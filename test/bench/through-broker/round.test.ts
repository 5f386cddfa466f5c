import t, { type Test } from 'tap';
import { runBench } from '../../../src/bench/bench.js';
import { BENCH_DEFAULTS, type BenchOptions } from '../../../src/bench/options.js';
import { describeBench } from '../../../src/bench/report/text.js';
import type { RoundReport } from '../../../src/bench/round.js';
import type { Broker } from '../../../src/demo/broker/broker.js';
import type { BrokerOptions } from '../../../src/demo/broker/options.js';
import { runBroker } from '../../demo/broker/running-broker.js';
import { until } from '../../support/until.js';

/* Rounds through a broker in this process, with a connector and an embedded Kafka in theirs. */

const SIZE = { warmupMessages: 100, messages: 900, topics: 20, partitions: 4 };

async function bench(
  t: Test,
  options: Partial<BenchOptions>,
  brokerOptions: BrokerOptions = {},
  prepare: (broker: Broker) => void = () => undefined,
): Promise<{ round: RoundReport; broker: Broker; text: string }> {
  const { broker, port } = await runBroker(t, brokerOptions);
  prepare(broker);
  const throughBroker = { host: '127.0.0.1', port };
  const report = await runBench(
    { ...BENCH_DEFAULTS, ...SIZE, ...options, throughBroker },
    () => {},
  );
  const round = report.rounds[0] as RoundReport;
  return { round, broker, text: describeBench(report) };
}

t.test('saturation goes through the broker into Kafka, at either QoS', async (t) => {
  for (const qos of [0, 1] as const) {
    const { round, broker } = await bench(t, { qos, connections: 3, receiveMaximum: 50 });
    t.strictSame(round.voidBecause, [], `QoS ${qos}`);
    t.match(round.load, { sent: 1000, settled: 1000, unacknowledged: 0, notInKafka: 0 });
    t.ok((round.load?.latency?.p50Ms ?? 0) > 0, 'latency ends in Kafka, at QoS 0 too');
    t.equal(round.records, 1000, 'what told that the connector receives is no part of the load');
    await until('all have left', () => broker.sessions().length === 0);
  }
});

t.test('an open loop goes through the broker in both directions at once', async (t) => {
  const options = { direction: 'both', rate: 1000, connections: 5 } as const;
  const { round, broker, text } = await bench(t, options);
  t.strictSame(round.voidBecause, []);
  t.match(round, { load: { settled: 1000 }, feed: { received: 1000, missing: 0 } });
  t.match(text, /both, through 127\.0\.0\.1:\d+, 5 connections,/);
  for (const phase of [round.load, round.feed]) t.ok((phase?.latency?.p50Ms ?? 0) > 0);
  await until('all have left', () => broker.sessions().length === 0);
});

t.test('records from Kafka are read at the broker, no more at once than the window', async (t) => {
  const options = { direction: 'kafka-to-mqtt', connections: 4, receiveMaximum: 60 } as const;
  const { round } = await bench(t, { ...options, warmupSeconds: 0.2, seconds: 0.5 });
  t.strictSame(round.voidBecause, []);
  t.match(round.feed, { missing: 0, duplicates: 0, outOfOrder: 0, damaged: 0 });
});

t.test('a broker that drops messages makes the round void, and is named', async (t) => {
  const { round } = await bench(
    t,
    { receiveMaximum: 200, stallSeconds: 1 },
    { queueMessagesMax: 10 },
    (broker) => {
      let release: (() => void) | undefined;
      let received = 0;
      broker.hooks.onPublish = (clientId, { topic }) => {
        if (!topic.includes('/load/')) return undefined;
        received += 1;
        const connector = clientId.replace(/device-\d+$/, 'bench-0');
        if (received === 1) release = broker.holdPublishes(connector);
        if (received === 100) release?.();
        return undefined;
      };
    },
  );
  const notInKafka = round.load?.notInKafka ?? 0;
  t.ok(notInKafka >= 80, `${notInKafka}`);
  t.equal(round.load?.unacknowledged, 0, 'though the broker has acknowledged them');
  t.match(round.voidBecause, [
    new RegExp(`^${notInKafka} of \\d+ messages are not in Kafka; .*max_queued_messages`),
  ]);
});

t.test('a broker that does not answer ends the bench at once', async (t) => {
  const options = { ...BENCH_DEFAULTS, throughBroker: { host: '127.0.0.1', port: 1 } };
  await t.rejects(
    runBench(options, () => undefined),
    { code: 'ERR_BENCH_BROKER', message: /^no MQTT broker answers at 127\.0\.0\.1:1: / },
  );
});

t.test('a broker whose limits the load exceeds ends the bench at once', async (t) => {
  await t.rejects(bench(t, {}, { maximumPacketSize: 200 }), {
    code: 'ERR_BENCH_BROKER',
    message: /has a Maximum Packet Size of 200, the load/,
  });
  await t.rejects(bench(t, {}, { maximumQos: 0 }), { message: /Maximum QoS of 0: use --qos 0/ });
});

t.test('payloads have to have room for a stamp', async (t) => {
  await t.rejects(bench(t, { payloadBytes: 15 }), { name: 'UsageError', message: /16 bytes/ });
});
