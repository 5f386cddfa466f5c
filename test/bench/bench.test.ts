import { getEventListeners } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import t, { type Test } from 'tap';
import { runBench } from '../../src/bench/bench.js';
import { countRecords } from '../../src/bench/kafka-client.js';
import { type KafkaTarget, openKafka } from '../../src/bench/kafka-target.js';
import type { BenchOptions } from '../../src/bench/options.js';
import { BENCH_DEFAULTS } from '../../src/bench/options.js';
import { isValid, summaryOf } from '../../src/bench/report/figures.js';
import { describeBench } from '../../src/bench/report/text.js';
import { runRound } from '../../src/bench/round.js';
import { until } from '../support/until.js';

const CONNECTOR = fileURLToPath(new URL('../support/bench-connector-main.js', import.meta.url));

function optionsFor(behaviour: string, options: Partial<BenchOptions> = {}): BenchOptions {
  return {
    ...BENCH_DEFAULTS,
    verify: false,
    warmupMessages: 10,
    messages: 5000,
    connector: [process.execPath, CONNECTOR, behaviour],
    ...options,
  };
}

t.test('rounds run one after the other, each with a fresh connector', async (t) => {
  const seen: number[] = [];
  const report = await runBench(optionsFor('orderly', { repeat: 2 }), (_, number) =>
    seen.push(number),
  );
  t.strictSame(seen, [1, 2]);
  t.equal(isValid(report), true);
  const summary = summaryOf(report);
  for (const name of ['messagesPerSecond', 'megabytesPerSecond', 'latencyMs.p99']) {
    t.ok((summary[name]?.min ?? 0) > 0, name);
  }
  for (const { intervals, load } of report.rounds) {
    const settled = intervals.reduce((sum, interval) => sum + (interval.load ?? 0), 0);
    t.equal(settled, load?.messages, 'the intervals are the whole measured phase');
  }
  t.ok((summary.peakRssMegabytes?.min ?? 0) > 10, 'a process of Node takes more than that');
  t.match(describeBench(report), /messages\/s +[\d,]+ +[\d,]+ +[\d,]+\n/);
});

t.test('a round with a message that was not acknowledged is void', async (t) => {
  const report = await runBench(optionsFor('forgetful', { stallSeconds: 2 }), () => undefined);
  t.equal(isValid(report), false);
  t.match(report.rounds[0]?.voidBecause, ['1 messages not acknowledged']);
  t.match(describeBench(report), /VOID/);
});

t.test('a round with refused messages is void', async (t) => {
  const report = await runBench(optionsFor('refusing'), () => undefined);
  t.match(report.rounds[0]?.voidBecause, [/messages refused/]);
});

t.test('acknowledged messages that are not in Kafka make a round void', async (t) => {
  const options = optionsFor('orderly', { verify: true, countTimeoutSeconds: 0.1 });
  const report = await runBench(options, () => undefined);
  t.match(report.rounds[0]?.voidBecause, ['5010 of 5010 messages are not in Kafka']);
  t.equal(report.kafka, 'embedded mock cluster');
});

t.test('a connector that writes every message to Kafka gives a valid bench', async (t) => {
  for (const qos of [0, 1] as const) {
    const options = optionsFor('bridging', { verify: true, qos });
    const report = await runBench(options, () => undefined);
    t.strictSame(report.rounds[0]?.voidBecause, []);
    t.equal(report.rounds[0]?.records, 5010);
    t.equal(summaryOf(report).duplicates?.max, 0);
  }
});

/** A Kafka of which a bench does not know that it keeps little. */
async function keepingKafka(t: Test): Promise<KafkaTarget> {
  const embedded = await openKafka(undefined);
  t.teardown(() => embedded.close());
  return { ...embedded, embedded: false };
}

t.test('every record is read back, and one that is not as it was sent is told of', async (t) => {
  const context = {
    target: await keepingKafka(t),
    interrupted: new AbortController().signal,
    onWarning: (text: string) => t.fail(text),
  };
  const run = (behaviour: string, options: Partial<BenchOptions> = {}) => {
    const size = { messages: 990, receiveMaximum: 100, countTimeoutSeconds: 0.5 };
    const checked = { ...size, verify: true, acks: 'all', ...options } as const;
    return runRound(optionsFor(behaviour, checked), context);
  };
  const good = await run('bridging');
  t.strictSame(good.voidBecause, []);
  t.equal(good.records, 1000);
  const verified = { how: 'every record', records: 1000, missing: 0, damaged: 0, outOfOrder: 0 };
  t.match(good.verification, verified);
  const lost = await run('losing');
  t.strictSame(lost.voidBecause, ['1 of 1000 messages are not in Kafka']);
  const damaged = await run('damaging');
  t.match(damaged.voidBecause, [
    '1 of 1000 messages are not in Kafka',
    /^1 records are not as they were sent \(partition \d, offset \d+: its payload is another\)$/,
  ]);
  const repeated = await run('repeating');
  t.strictSame(repeated.voidBecause, []);
  t.match(repeated.verification, { records: 1001, repeated: 1, missing: 0 });
  const short = await run('losing', { payloadBytes: 8 });
  t.strictSame(short.voidBecause, ['1 of 1000 messages are not in Kafka']);
  t.match(short.verification, { unstamped: 1000, orderNotChecked: /under 16 bytes/ });
});

t.test(
  'a load is shared by as many subscribers of the connector as there are connections',
  async (t) => {
    const options = optionsFor('bridging', { verify: true, connections: 3, topics: 3 });
    const report = await runBench(options, () => undefined);
    t.strictSame(report.rounds[0]?.voidBecause, []);
    t.equal(report.rounds[0]?.records, 5010);
  },
);

t.test(
  'a slow Kafka takes no more than the window in each round trip, and the report says so',
  async (t) => {
    const kafkaRttMs = 100;
    const options = optionsFor('', {
      connector: undefined,
      kafkaRttMs,
      receiveMaximum: 50,
      warmupMessages: 50,
      messages: 200,
      verify: true,
    });
    const report = await runBench(options, () => undefined);
    t.strictSame(report.rounds[0]?.voidBecause, []);
    const { seconds = 0, messages = 0 } = report.rounds[0]?.load ?? {};
    t.ok(seconds * 1000 >= (messages / 50 - 1) * kafkaRttMs, `${messages} in ${seconds} s`);
    t.match(
      describeBench(report),
      /at most 500 messages\/s: Receive Maximum 50 in a round trip of 100 ms/,
    );
  },
);

t.test('options that do not go together are refused before anything starts', async (t) => {
  await t.rejects(
    runBench(optionsFor('orderly', { direction: 'kafka-to-mqtt', atOnce: 5 }), () => undefined),
    { name: 'UsageError', message: /--at-once/ },
  );
  for (const [wrong, message] of [
    [{ connections: 11, topics: 10 }, /as many --topics/],
    [{ connections: 2, direction: 'kafka-to-mqtt' }, /not for --direction kafka-to-mqtt/],
    [{ connections: 256 }, /255 or less/],
    [
      { direction: 'kafka-to-mqtt', systemProperties: true },
      /--system-properties is of messages to/,
    ],
  ] as const) {
    await t.rejects(
      runBench(optionsFor('orderly', wrong), () => undefined),
      { message },
    );
  }
});

t.test('a connector that ends is an error with its last words', async (t) => {
  await t.rejects(
    runBench(optionsFor('crashing'), () => undefined),
    { code: 'ERR_BENCH_RUN', message: /code 3.*not to my taste/s },
  );
});

t.test('a connector that cannot be started is an error that names it', async (t) => {
  await t.rejects(
    runBench(optionsFor('', { connector: ['/nowhere/connector'] }), () => undefined),
    { code: 'ERR_BENCH_CONNECTOR', message: /nowhere/ },
  );
});

t.test(
  'a Kafka that does not answer is an error within seconds, before anything starts',
  async (t) => {
    await t.rejects(
      runBench(optionsFor('orderly', { kafka: '127.0.0.1:1' }), () => undefined),
      { code: 'ERR_BENCH_KAFKA', message: /^no Kafka answers at 127\.0\.0\.1:1 within 5 s: / },
    );
  },
);

/** A Kafka that is only asked for topics. */
async function recordingKafka(t: Test) {
  const embedded = await openKafka(undefined);
  t.teardown(() => embedded.close());
  const calls: string[] = [];
  const target: KafkaTarget = {
    ...embedded,
    createTopic: async (topic, { recordBytesMax }) =>
      void calls.push(`create ${topic} ${recordBytesMax}`),
    deleteTopic: async (topic) => {
      calls.push(`delete ${topic}`);
      throw new Error('not now');
    },
  };
  return { target, calls };
}

t.test('the topic of a round is made to take its payloads, and is gone after it', async (t) => {
  const { target, calls } = await recordingKafka(t);
  const warnings: string[] = [];
  const interruption = new AbortController();
  const context = {
    target,
    interrupted: interruption.signal,
    onWarning: (text: string) => void warnings.push(text),
  };
  const payloadBytes = 2_000_000;
  const options = optionsFor('orderly', { payloadBytes, messages: 10, userProperties: 1000 });
  const round = await runRound(options, context);
  t.same(round.voidBecause, [], 'a topic that is left does not make figures void');
  t.same(warnings, ['not now']);
  await t.rejects(runRound(optionsFor('crashing'), context), { code: 'ERR_BENCH_RUN' });
  t.same(getEventListeners(interruption.signal, 'abort'), [], 'no round holds on to it');
  const names = calls.map((call) => call.split(' ')[1]);
  const [first, , second] = names;
  t.same(calls, [
    `create ${first} 2165536`,
    `delete ${first}`,
    `create ${second} 1048588`,
    `delete ${second}`,
  ]);
  t.not(first, second);
});

t.test('an interrupted bench ends soon with its reason, and leaves no topic', async (t) => {
  const { target, calls } = await recordingKafka(t);
  const interruption = new AbortController();
  const context = { target, interrupted: interruption.signal, onWarning: () => undefined };
  const round = runRound(optionsFor('forgetful', { stallSeconds: 3600 }), context);
  await until('the topic is created', () => calls.length === 1);
  interruption.abort(new Error('enough'));
  await t.rejects(round);
  t.match(calls, [/^create/, /^delete/]);
  const { signal } = interruption;
  await t.rejects(
    runBench(optionsFor('orderly'), () => t.fail('no round'), { ...context, interrupted: signal }),
    { message: 'enough' },
  );
});

t.test('the embedded Kafka takes records, and they can be counted', async (t) => {
  const target = await openKafka(undefined);
  t.teardown(() => target.close());
  const { default: kafka } = await import('node-rdkafka');
  const producer = new kafka.Producer({ 'metadata.broker.list': target.bootstrapServers });
  await new Promise<void>((resolve, reject) => {
    producer.connect({}, (error) => (error ? reject(error) : resolve()));
  });
  for (let n = 0; n < 25; n += 1) producer.produce('counted', null, Buffer.from('x'), `key-${n}`);
  await new Promise<void>((resolve) => producer.flush(10_000, () => resolve()));
  await new Promise<void>((resolve) => producer.disconnect(() => resolve()));
  const wait = { expected: 25, waitMs: 10_000 };
  t.equal(await countRecords(target.bootstrapServers, 'counted', wait), 25);
});

t.test('the command line gives what was asked for, and defaults for the rest', async (t) => {
  const { registerBench } = await import('../../src/cli/bench-options.js');
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  registerBench(program);
  const bench = program.commands.find((command) => command.name() === 'bench');
  bench?.exitOverride();
  t.match(bench?.opts(), { payloadBytes: 200, topics: 1000, qos: 1, acks: 'one', verify: true });
  for (const wrong of [
    '--qos=2',
    '--acks=two',
    '--receive-maximum=65536',
    '--rate=0',
    '--topics=0',
    '--payload-bytes=267386881',
    '--payload=200:90%,4k:9%',
    '--payload=256m',
    '--skew=-1',
    '--keys=0',
    '--direction=sideways',
    '--partitions=0',
    '--routes=1001',
    '--preset=vast',
    '--kafka-rtt-ms=0',
  ]) {
    await t.rejects(program.parseAsync(['bench', wrong], { from: 'user' }), wrong);
  }
});
