import { Readable } from 'node:stream';
import { Command } from 'commander';
import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import { doctorCommand } from '../../src/cli/doctor.js';
import { registerDoctor } from '../../src/cli/doctor-options.js';
import { connector, KAFKA, toKafka, topicMap } from '../config/documents.js';
import { startScriptedKafka } from '../support/scripted-kafka.js';

/** What is printed for these documents, as from standard input. */
async function run(documents: string, json = false) {
  let stdout = '';
  let stderr = '';
  const code = await doctorCommand(
    { file: ['-'], instanceId: 0, timeout: 10, json },
    {
      stdin: Readable.from([documents]),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
    },
  );
  return { code, stdout, stderr };
}

const NOWHERE = [
  'kafkaConnection: { endpoint: "kafka.invalid:9092", tls: { tlsEnabled: false } }',
  'localBrokerConnection:',
  '  endpoint: "broker.invalid:1883"',
  '  tls: { tlsEnabled: false }',
  '  authentication: {}',
].join('\n');

t.test('what fails is printed step by step, and the exit code is 1', async (t) => {
  const { code, stdout } = await run(connector(NOWHERE) + topicMap());
  t.equal(code, 1);
  const lines = stdout.split('\n');
  t.equal(lines[0], 'c');
  t.match(lines[1], /^ {2}✗ MQTT address broker\.invalid: /);
  t.ok(lines.includes('  – MQTT CONNECT broker.invalid:1883: a step before it failed'));
  t.ok(lines.some((line) => line.startsWith('  ✗ Kafka address kafka.invalid: ')));
  t.equal(lines.at(-2), 'not all would work: 2 checks failed, 0 warnings');
});

t.test(
  'a server that ends the client of Kafka fails a check, and the others are told',
  async (t) => {
    const address = await startScriptedKafka(t, {
      topics: [{ name: 'nobody-asked', partitions: 1 }],
    });
    const kafka = NOWHERE.replace('kafka.invalid:9092', address);
    const { code, stdout } = await run(
      connector(kafka) + toKafka('mqttTopic: a\nkafkaTopic: plant'),
    );
    t.equal(code, 1);
    t.match(stdout, /^ {2}✗ MQTT address broker\.invalid: /m);
    t.match(stdout, /^ {2}✓ Kafka TCP /m);
    t.match(
      stdout,
      /^ {2}✗ Kafka login .*: Kafka's client ended \(SIG\w+\) on an answer that breaks its protocol/m,
    );
    t.match(stdout, /^ {2}– Kafka topic plant: a step before it failed$/m);
    t.match(stdout, /\nnot all would work: 2 checks failed, 0 warnings\n$/);
  },
);

t.test('programs get one object', async (t) => {
  const { code, stdout } = await run(connector(NOWHERE) + topicMap(), true);
  t.equal(code, 1);
  t.match(JSON.parse(stdout), {
    format: 1,
    ok: false,
    failed: 2,
    warnings: 0,
    steps: [{ connector: 'c', side: 'mqtt', check: 'name', outcome: 'failed' }],
  });
});

t.test('a connector without instances has nothing to be checked', async (t) => {
  const { code, stdout } = await run(connector(`${KAFKA}\ninstances: 0`) + topicMap());
  t.equal(code, 0);
  t.equal(stdout, 'all would work: 0 checks failed, 0 warnings\n');
});

t.test('a configuration with errors is not tried', async (t) => {
  await t.rejects(run(connector('instances: x') + topicMap()), UsageError);
});

t.test('wrong flags are refused', async (t) => {
  for (const timeout of ['0', '-1', 'x', '3601']) {
    const command = new Command('doctor').exitOverride().configureOutput({ writeErr: () => {} });
    registerDoctor(command);
    await t.rejects(command.parseAsync(['--timeout', timeout], { from: 'user' }), {
      code: 'commander.invalidArgument',
    });
  }
});
