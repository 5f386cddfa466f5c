import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import { createProgram } from '../../src/cli/args.js';
import { registerExplain } from '../../src/cli/explain-options.js';
import { connector, KAFKA, toMqtt, topicMap } from '../config/documents.js';
import { ask, askRecord, mapOf, run } from '../explain/ask.js';

t.test('people get the same as programs, as lines', async (t) => {
  const documents = mapOf('partitionStrategy: topic\ncopyMqttProperties: true');
  const { stdout } = await run(documents, {
    topic: 'plant/1',
    userProperty: [['\u001b[2J', '\u202e']],
    partitions: 1,
  });
  t.match(stdout, /^"plant\/1", QoS 1, 0 bytes: 1 route matches\n\nconnector c, instance 0\n/);
  t.match(stdout, /\n {4}partition {6}murmur2 of the key modulo 1: 0\n/);
  t.match(stdout, '\n        \\u{1b}[2J: "\\u{202e}"\n', 'nothing rewrites the terminal');
  const none = await run(documents, { topic: '$SYS/x' });
  t.match(none.stdout, /no route matches/);
  t.match(none.stdout, /\n {2}not r: "plant\/#" does not match: /);
});

t.test('problems of the configuration are printed, and errors end it', async (t) => {
  const warned = await run(connector() + toMqtt('mqttTopic: a\nkafkaTopic: t'), {
    topic: 'a',
  });
  t.equal(warned.stderr, '');
  const empty = await run(connector(`${KAFKA}\ninstances: 0`) + topicMap(), { topic: 'a/b' });
  t.match(empty.stderr, /0 means that nothing runs/);
  await t.rejects(run(connector('instances: x'), { topic: 'a' }), UsageError);
});

t.test('wrong flags are refused before anything is read', async (t) => {
  const parse = (...args: string[]) => {
    const command = new Command('explain').exitOverride().configureOutput({ writeErr: () => {} });
    command.option('-f, --file <path...>');
    registerExplain(command);
    return command.parseAsync(args, { from: 'user' });
  };
  const wrong = [
    [],
    ['--topic', 'a/+'],
    ['--topic', ''],
    ['--topic', 'a', '--user-property', 'novalue'],
    ['--topic', 'a', '--size', '-1'],
    ['--topic', 'a', '--qos', '3'],
    ['--topic', 'a', '--partitions', '0'],
    ['--topic', 'a', '--expiry', '4294967296'],
    ['--topic', 'a', '--content-type', 'x'.repeat(65_536)],
    ['--topic', 'a', '--response-topic', 'b/#'],
    ['--topic', 'a', '--kafka-topic', 't'],
    ['--topic', 'a', '--key', 'k'],
    ['--kafka-topic', 'a/b'],
    ['--kafka-topic', 't', '--qos', '1'],
    ['--kafka-topic', 't', '--header', 'novalue'],
    ['--kafka-topic', 't', '--header', `${'n'.repeat(65_536)}=v`],
    ['--kafka-topic', 't', '--partition', '-1'],
    ['--kafka-topic', 't', '--timestamp', 'now'],
  ];
  for (const args of wrong) {
    await t.rejects(parse(...args), { name: 'CommanderError', exitCode: 1 }, args.join(' '));
  }
});

t.test('the command line has explain with the flags of the configuration', async (t) => {
  const command = createProgram().commands.find((each) => each.name() === 'explain');
  const flags = command?.options.map(({ long }) => long) ?? [];
  for (const flag of [
    '--file',
    '--instance-id',
    '--topic',
    '--kafka-topic',
    '--user-property',
    '--size',
    '--json',
  ]) {
    t.ok(flags.includes(flag), flag);
  }
});

t.test('every field of the JSON is explained in its reference', async (t) => {
  const page = readFileSync(new URL('../../../docs/reference/explain.md', import.meta.url), 'utf8');
  const documents = mapOf('copyMqttProperties: true');
  const matched = await ask(documents, { topic: 'plant/1', expiry: 9 });
  const missed = await ask(documents, { topic: 'x' });
  const late = await ask(documents, { topic: 'plant/1', expiry: 0 });
  const header = [['long', 'x'.repeat(65_536)]] as const;
  const toMqttRoute = toMqtt('mqttTopic: a\nkafkaTopic: t').replace(
    'routes:',
    'copyMqttProperties: true\n  routes:',
  );
  const published = await askRecord(connector() + toMqttRoute, { kafkaTopic: 't', header });
  for (const field of fieldsOf([matched, missed, late, published]))
    t.ok(page.includes(`\`${field}\``), field);
});

function fieldsOf(value: unknown): Set<string> {
  const found = new Set<string>();
  if (typeof value !== 'object' || value === null) return found;
  for (const [name, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) found.add(name);
    for (const deeper of fieldsOf(inner)) found.add(deeper);
  }
  return found;
}
