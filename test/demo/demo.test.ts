import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import kafka from 'node-rdkafka';
import t, { type Test } from 'tap';
import { demoYaml, OWN_ENDPOINTS } from '../../src/demo/resources.js';
import { until } from '../support/until.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const TAMPERED = fileURLToPath(new URL('../support/tampered-demo-main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../examples/demo.yaml', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  /** Resolves with the match as soon as the output has one; rejects where it ends without. */
  readonly shows: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Resolves at the end. */
  readonly ended: Promise<{ code: number | null; output: string; errors: string }>;
}

function run(t: Test, script: string, args: readonly string[], folder = t.testdir()): Running {
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, [script, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => ({ code, output, errors }));
  const shows = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output);
        if (match === null) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      void ended.then(() => reject(new Error(`${pattern} was never shown:\n${output}${errors}`)));
      look();
    });
  return { child, shows, ended };
}

t.test('it ends by itself, having compared every message, and leaves nothing behind', async (t) => {
  const folder = t.testdir();
  const { code, output, errors } = await run(t, MAIN, ['demo', '--seconds', '3'], folder).ended;
  t.equal(code, 0, output + errors);
  const [, published, acknowledged, readBack] =
    /^([\d,]+) messages published = ([\d,]+) acknowledged = ([\d,]+) read back/m.exec(output) ?? [];
  t.match(published, /[1-9]/);
  t.equal(acknowledged, published);
  t.equal(readBack, published);
  t.match(output, new RegExp(`^ +all +${published} +${published} +${published}$`, 'm'));
  for (const route of ['telemetry', 'events', 'pictures', 'answers']) {
    t.match(output, new RegExp(`^ +${route} +([1-9][\\d,]*) +\\1 +\\1$`, 'm'));
  }
  t.match(output, /^ +commands +([1-9]\d*) +\1 +\1 +\1$/m);
  t.match(
    output,
    /^([1-9]\d*) commands written to Kafka = \1 received = \1 answered = \1 answers read back\.$/m,
  );
  t.notMatch(errors, /session stopped/, 'a normal end is nothing to warn of');
  t.notMatch(errors, /"level":30/, 'the resources ask for warnings only');
  t.strictSame(readdirSync(folder), [], 'the folder with its data is gone');
});

t.test('without a terminal it writes lines without escape sequences', async (t) => {
  const { output } = await run(t, MAIN, ['demo', '--seconds', '1.5', '--rate', '100']).ended;
  t.match(
    output,
    /^\d+ s (?:of 1\.5 s|finishing|done): MQTT .* published \d+, acknowledged \d+, read back \d+.*; commands \d+, received \d+, answered \d+$/m,
  );
  t.notOk(output.includes('\u001b'));
});

t.test('the interrupt signal ends it with the same summary', async (t) => {
  const demo = run(t, MAIN, ['demo']);
  const [, address] = await demo.shows(/metrics +(http:\/\/127\.0\.0\.1:\d+\/metrics)/);
  await demo.shows(/read back [1-9]/);
  // What is in Kafka may be read back before main has heard of it.
  await until('what Kafka has is counted', async () => {
    const metrics = await (await fetch(address ?? '')).text();
    return /millrace_records_delivered_total\{connector="demo",route="telemetry"\} [1-9]/.test(
      metrics,
    );
  });
  demo.child.kill('SIGINT');
  const { code, output } = await demo.ended;
  t.equal(code, 0, output);
  t.match(output, /messages published = /);
});

t.test('a record that is missing makes it fail', async (t) => {
  const { code, output } = await run(t, TAMPERED, ['hide', '2', '100']).ended;
  t.equal(code, 1, output);
  t.match(output, /^WRONG: /m);
  t.match(output, /^ {2}- 1 missing in Kafka$/m);
});

t.test('an answer to a command that is missing makes it fail', async (t) => {
  const { code, output } = await run(t, TAMPERED, ['hide', '1', '1', 'answers']).ended;
  t.equal(code, 1, output);
  t.match(output, /^ {2}- 1 missing in Kafka$/m);
  t.match(output, /^ {2}- 1 answers to commands missing in Kafka$/m);
});

t.test('a record with another payload makes it fail', async (t) => {
  const { code, output } = await run(t, TAMPERED, ['alter', '2', '100']).ended;
  t.equal(code, 1, output);
  t.match(output, /^ {2}- 1 in Kafka other than they were published$/m);
});

t.test(
  'a second record of a message makes it fail, a record from elsewhere does not',
  async (t) => {
    const demo = run(t, MAIN, ['demo', '--rate', '200']);
    const [, bootstrapServers] = await demo.shows(/Kafka +(127\.0\.0\.1:\d+)/);
    await demo.shows(/read back [1-9]/);
    await produce(bootstrapServers ?? '', ['{"demoId":1,"value":0}', 'hello']);
    demo.child.kill('SIGINT');
    const { code, output } = await demo.ended;
    t.equal(code, 1, output);
    // Whether it came before the true one is a matter of speed.
    t.match(output, /^ {2}- 1 in Kafka (?:more than once|other than they were published)$/m);
    t.match(output, /^1 records came from elsewhere/m);
  },
);

t.test('a command from elsewhere is answered, where the machine may answer', async (t) => {
  const demo = run(t, MAIN, ['demo', '--rate', '50']);
  const [, bootstrapServers = ''] = await demo.shows(/Kafka +(127\.0\.0\.1:\d+)/);
  const responseTopics = ['plants/north/press/answers', 'plants/south/oven/answers', 'elsewhere'];
  const headers = responseTopics.map((topic) => [{ 'Response Topic': topic }]);
  await produce(bootstrapServers, ['halt', 'halt', 'halt'], {
    topic: 'commands',
    key: 'north/press',
    headers,
  });
  await demo.shows(/answered [1-9]/);
  demo.child.kill('SIGINT');
  const { code, output } = await demo.ended;
  t.equal(code, 0, output);
  t.match(output, /^3 commands came from elsewhere/m);
  const [, answers] = /^ +answers +(\d+)/m.exec(output) ?? [];
  const [, commands] = /^ +commands +(\d+)/m.exec(output) ?? [];
  t.equal(Number(answers), Number(commands) + 1, 'only the one that names a topic of its own');
});

t.test('the example is what runs, with end points of its own', async (t) => {
  t.equal(readFileSync(EXAMPLE, 'utf8'), demoYaml(OWN_ENDPOINTS));
  const { code, output } = await run(t, MAIN, ['demo', '--print-config']).ended;
  t.equal(code, 0);
  t.equal(output, demoYaml(OWN_ENDPOINTS));
});

t.test('it prints the configuration that it runs', async (t) => {
  const demo = run(t, MAIN, ['demo', '--seconds', '0.1']);
  const [, mqtt] = await demo.shows(/MQTT +(127\.0\.0\.1:\d+)/);
  const [, bootstrap] = await demo.shows(/Kafka +(127\.0\.0\.1:\d+)/);
  const { output } = await demo.ended;
  t.ok(output.includes(demoYaml({ mqtt: mqtt ?? '', kafka: bootstrap ?? '' })));
  t.match(output, /main\.js run -f demo\.yaml$/m);
});

interface Produced {
  readonly topic?: string;
  readonly key?: string;
  /** For each payload. */
  readonly headers?: readonly kafka.MessageHeader[][];
}

async function produce(
  bootstrapServers: string,
  payloads: readonly string[],
  { topic = 'telemetry', key, headers }: Produced = {},
): Promise<void> {
  const producer = new kafka.Producer({ 'bootstrap.servers': bootstrapServers });
  await new Promise<void>((resolve, reject) => {
    producer.connect({}, (error) => (error ? reject(error) : resolve()));
  });
  for (const [i, payload] of payloads.entries())
    producer.produce(topic, 0, Buffer.from(payload), key, null, undefined, headers?.[i]);
  await new Promise<void>((resolve, reject) => {
    producer.flush(10_000, (error) => (error ? reject(error) : resolve()));
  });
  await new Promise<void>((resolve) => producer.disconnect(() => resolve()));
}
