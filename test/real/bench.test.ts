import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { type Kafka, startKafka } from '../support/real/kafka.js';
import { until } from '../support/until.js';

/* What a bench proves of a Kafka, and what it leaves in one that is not its own, which is nothing. */

const CONNECTOR = fileURLToPath(new URL('../support/bench-connector-main.js', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

interface Bench {
  readonly child: ChildProcess;
  readonly output: Promise<string>;
}

function startBench(t: Test, { bootstrap }: Kafka, ...args: readonly string[]): Bench {
  const child = spawn(process.execPath, [MAIN, 'bench', '--kafka', bootstrap, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const streams = [text(child.stdout), text(child.stderr)];
  return { child, output: Promise.all(streams).then((texts) => texts.join('\n')) };
}

async function exitCode({ child }: Bench): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** Kafka takes a moment to forget a topic that it has deleted. */
async function untilTopics(kafka: Kafka, expected: number): Promise<void> {
  const list = ['--bootstrap-server', kafka.bootstrap, '--list'];
  let topics: string[] = [];
  await until(
    `${expected} topics of a bench`,
    async () => {
      const lines = (await kafka.tool('TopicCommand', list)).split('\n');
      topics = lines.filter((line) => line.startsWith('millrace-bench-'));
      return topics.length === expected;
    },
    { detail: () => topics },
  );
}

t.test('payloads over the limit of the cluster are measured, and the topic is gone', async (t) => {
  const kafka = await startKafka({ maxMessage: '100K' });
  t.teardown(() => kafka.stop());
  const size = ['--payload-bytes', '2000000', '--warmup-messages', '2', '--messages', '50'];
  const bench = startBench(t, kafka, ...size, '--receive-maximum', '10');
  t.equal(await exitCode(bench), 0, await bench.output);
  t.match(await bench.output, /Every one of 52 messages is in Kafka exactly as it was sent/);
  await untilTopics(kafka, 0);
});

t.test('every record is as it was sent, or a bench is void', async (t) => {
  const kafka = await startKafka();
  t.teardown(() => kafka.stop());
  const size = ['--warmup-messages', '100', '--messages', '4900', '--receive-maximum', '500'];
  const run = async (...args: string[]) => {
    const bench = startBench(t, kafka, ...size, '--acks', 'all', ...args);
    return { code: await exitCode(bench), output: await bench.output };
  };
  const good = await run('--payload', '200:90%,4k:9%,300k:1%', '--topics', '50', '--json');
  t.equal(good.code, 0, good.output);
  // What stands behind it was written to standard error.
  const { rounds } = JSON.parse(good.output.slice(0, good.output.lastIndexOf('\n}') + 2));
  const all = { records: 5000, missing: 0, damaged: 0, strange: 0, repeated: 0, outOfOrder: 0 };
  t.match(rounds[0].verification, { how: 'every record', ...all });
  t.equal(rounds[0].verification.checksum.found, rounds[0].verification.checksum.expected);

  const keyed = ['--keys', '7', '--skew', '1', '--copy-properties', '--user-properties', '3'];
  const copied = await run(...keyed, '--shards', '2');
  t.equal(copied.code, 0, copied.output);
  t.match(copied.output, /Every one of 5,000 messages is in Kafka exactly as it was sent/);
  const allKinds = ['--system-properties', '--routes', '3', '--connections', '1', '--topics', '30'];
  const withAll = await run(...keyed, ...allKinds);
  t.equal(withAll.code, 0, withAll.output);
  t.match(withAll.output, /all headers compared, in order for each key/);

  for (const [behaviour, why] of [
    ['losing', /VOID: 1 of 5000 messages are not in Kafka\n/],
    ['damaging', /1 records are not as they were sent \(partition \d+, offset \d+: its payload/],
  ] as const) {
    const bad = await run('--connector', `${process.execPath} ${CONNECTOR} ${behaviour}`);
    t.equal(bad.code, 1, behaviour);
    t.match(bad.output, why);
    t.match(bad.output, /Of the messages 1 are missing in Kafka/);
  }
  const groups = await kafka.tool('consumer.group.ConsumerGroupCommand', [
    '--bootstrap-server',
    kafka.bootstrap,
    '--list',
  ]);
  t.equal(groups.trim(), '', 'no consumer group is left, or was ever made');
});

t.test('SIGINT, and a Kafka that goes away, end a bench with a clear error', async (t) => {
  const kafka = await startKafka();
  t.teardown(() => kafka.stop());
  const interrupted = startBench(t, kafka, '--seconds', '600');
  await untilTopics(kafka, 1);
  interrupted.child.kill('SIGINT');
  t.equal(await exitCode(interrupted), 1, await interrupted.output);
  t.match(await interrupted.output, /^\n?millrace: interrupted .*\(ERR_BENCH_INTERRUPTED\)\n$/);
  await untilTopics(kafka, 0);

  const left = startBench(t, kafka, '--seconds', '600', '--stall-seconds', '1');
  await untilTopics(kafka, 1);
  await kafka.kill(1);
  t.equal(await exitCode(left), 1);
  t.match(await left.output, /no Kafka answers at .* \(ERR_BENCH_KAFKA\)/);
  t.match(await left.output, /did not delete the topic millrace-bench-/, 'it names what is left');
  t.notMatch(await left.output, / at .*\.js:\d+/, 'no stack trace');
});
