import { PassThrough } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { Command } from 'commander';
import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import type { DeadLettersContext } from '../../src/cli/dead-letters.js';
import { registerDeadLetters } from '../../src/cli/dead-letters-options.js';
import type { Connector } from '../../src/config/model.js';
import { deadLetterFolder } from '../../src/dead-letter/folders.js';
import type { ReplayPublish, ReplayRecord } from '../../src/dead-letter/replay.js';
import { openDeadLetterStore } from '../../src/dead-letter/store.js';
import { bytesOf, sampleLetter } from '../support/dead-letters.js';
import { NO_SECRETS, plainKafka } from '../support/kafka-access.js';
import { fault, MemoryDisk } from '../support/memory-disk.js';

const folder = deadLetterFolder('/data', 'my-connector');
const kafka = plainKafka('kafka:9092');

async function setUp() {
  const disk = new MemoryDisk();
  const store = await openDeadLetterStore({ folder, maxBytes: 1e8, maxLetters: 100, disk });
  const sent: ReplayRecord[] = [];
  const published: ReplayPublish[] = [];
  const opened: unknown[] = [];
  const loaded: (readonly string[])[] = [];
  const run = async (...args: string[]) => {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const context: DeadLettersContext = {
      disk,
      stdout,
      stderr,
      loadConnectors: async ({ file }) => {
        loaded.push(file);
        return { connectors: [{ name: 'my-connector', kafka } as Connector], secrets: NO_SECRETS };
      },
      openSender: async (connection, _, timeoutMs) => {
        opened.push([connection, timeoutMs]);
        return { send: async (record) => void sent.push(record), close: async () => {} };
      },
      openPublisher: async ({ name }, _, timeoutMs) => {
        opened.push([name, timeoutMs]);
        return { publish: async (each) => void published.push(each), close: async () => {} };
      },
    };
    const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    registerDeadLetters(program, context);
    const output = Promise.all([buffer(stdout), text(stderr)]);
    const error = await program
      .parseAsync(['dead-letters', ...args], { from: 'user' })
      .then(() => undefined)
      .catch((reason: unknown) => reason)
      .finally(() => {
        stdout.end();
        stderr.end();
      });
    const [out, errors] = await output;
    return { out, stdout: out.toString(), stderr: errors, error };
  };
  return { disk, store, sent, published, opened, loaded, run };
}

t.test('list shows whole and damaged letters, as a table and as JSON', async (t) => {
  const { disk, store, run } = await setUp();
  t.equal((await run('list', '--data-dir', '/data')).stdout, 'no dead letters\n');
  const id = await store.put(sampleLetter());
  disk.plant(`${folder}/00000000000001-000000-00000000.letter`, bytesOf('torn'));
  const { stdout, error } = await run('list', '--data-dir', '/data');
  t.equal(error, undefined);
  t.match(stdout, new RegExp(`^ID .*\n00000000000001.* damaged: .*\n${id} .*plant/1/temp.*\n$`));
  const json = JSON.parse((await run('list', '--data-dir', '/data', '--json')).stdout);
  t.match(json, [{ state: 'damaged' }, { id, connector: 'my-connector', payloadBytes: 4 }]);
});

t.test('every command says that a folder is not the data folder, and what to do', async (t) => {
  const { disk, run } = await setUp();
  const where = ['--data-dir', '/elsewhere'];
  const id = '00000000000001-000000-00000000';
  for (const args of [['list'], ['show', id], ['replay', '--all', '-f', 'a.yaml']]) {
    const { stdout, error } = await run(...args, ...where);
    t.type(error, UsageError);
    t.match(error, { message: /^there is no folder \/elsewhere; give the --data-dir that/ });
    t.equal(stdout, '');
  }
  disk.onStep = (step) => {
    if (step === 'list' || step === 'open') throw fault('EACCES');
  };
  const { error } = await run('list', '--data-dir', '/data');
  t.match(error, { code: 'ERR_DEAD_LETTER_IO', message: /^\/data\/dead-letters cannot be read/ });
});

t.test('show prints meta, headers and the payload, and raw the payload alone', async (t) => {
  const { store, run } = await setUp();
  const payload = new Uint8Array(2_000_000).map((_, index) => index % 256);
  const id = await store.put(sampleLetter({ payload }));
  const shown = await run('show', id, '--data-dir', '/data');
  t.match(shown.stdout, /^reason: +recordTooLarge: Broker: Message size too large$/m);
  t.match(shown.stdout, /^00000ff0 {2}f0 f1/m, 'the first 4096 bytes');
  t.match(shown.stdout, /\.\.\. and 1995904 bytes more; --raw writes all of them\n$/);
  const raw = await run('show', id, '--data-dir', '/data', '--raw');
  t.ok(raw.out.equals(payload));
});

t.test('show of a damaged or unknown letter is an error with a code', async (t) => {
  const { disk, store, run } = await setUp();
  const id = await store.put(sampleLetter());
  const path = `${folder}/${id}.letter`;
  const changed = disk.contents(path).slice();
  changed[changed.byteLength - 1] = 0;
  disk.plant(path, changed);
  const damaged = await run('show', id, '--data-dir', '/data');
  t.match(damaged.error, { code: 'ERR_DEAD_LETTER_DAMAGED' });
  t.equal(damaged.stdout, '', 'nothing of it is shown');
  const outside = await run('show', '../../etc/passwd', '--data-dir', '/data');
  t.match(outside.error, { code: 'ERR_DEAD_LETTER_ID' });
});

t.test('replay sends named letters in their order, to the Kafka of their connector', async (t) => {
  const { store, sent, opened, loaded, run } = await setUp();
  const first = await store.put(sampleLetter({ payload: bytesOf('1') }));
  await store.put(sampleLetter({ payload: bytesOf('2') }));
  const third = await store.put(sampleLetter({ payload: bytesOf('3') }));
  const where = ['--data-dir', '/data', '-f', 'a.yaml', 'b.yaml'];
  const { stdout, error } = await run('replay', third, first, third, ...where);
  t.equal(error, undefined);
  t.same(
    sent.map(({ value }) => Buffer.from(value).toString()),
    ['1', '3'],
  );
  t.equal(
    stdout,
    `sent ${first} to receiving\nsent ${third} to receiving\n2 of 2 dead letters sent\n`,
  );
  t.same(opened, [[kafka, 30_000]]);
  t.same(loaded, [['a.yaml', 'b.yaml']]);
  t.match((await run('list', '--data-dir', '/data')).stdout, /^(.*\n){2}$/);
});

t.test('replay publishes what was on its way to MQTT, and shows where it came from', async (t) => {
  const { store, sent, published, opened, run } = await setUp();
  const kafkaRecord = { topic: 'commands', partition: 3, key: null, acks: 'all' as const };
  const id = await store.put(
    sampleLetter({
      direction: 'kafkaToMqtt',
      kafka: { ...kafkaRecord, offset: 42, timestampMs: 0, headers: [['none', null]] },
    }),
  );
  const shown = await run('show', id, '--data-dir', '/data');
  t.match(shown.stdout, /^partition: +3\noffset: +42\ntimestamp: +1970-01-01T00:00:00.000Z\n/m);
  t.match(shown.stdout, /^header: +none = \(null\)$/m);
  t.notMatch(shown.stdout, /acks/);
  t.match((await run('list', '--data-dir', '/data')).stdout, / commands\[3\] offset 42 /);
  const listed = JSON.parse((await run('list', '--data-dir', '/data', '--json')).stdout);
  t.match(listed, [{ kafka: { topic: 'commands', partition: 3, offset: 42, timestampMs: 0 } }]);
  const where = ['--data-dir', '/data', '-f', 'a.yaml'];
  const { stdout, error } = await run('replay', id, ...where, '--mqtt-topic', 'other');
  t.equal(error, undefined);
  t.equal(stdout, `sent ${id} to other\n1 of 1 dead letters sent\n`);
  t.same(sent, []);
  t.match(published, [{ topic: 'other', route: 'route1', partition: 3, timestampMs: 0 }]);
  t.same(opened, [['my-connector', 30_000]]);
});

t.test('replay fails as a whole when one letter failed, after sending the others', async (t) => {
  const { store, sent, run } = await setUp();
  await store.put(sampleLetter({ connector: 'unknown\u001b[2J' }));
  await store.put(sampleLetter());
  const result = await run('replay', '--all', '--data-dir', '/data', '-f', 'a.yaml');
  t.match(result.error, {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: '1 dead letters were not sent',
  });
  t.equal(sent.length, 1);
  t.match(result.stderr, /^failed .*the configuration has no KafkaConnector/);
  t.notOk(result.stderr.includes('\u001b'));
  t.match(result.stdout, /1 of 2 dead letters sent\n$/);
});

t.test('replay wants letters or --all, and not both', async (t) => {
  const { store, sent, run } = await setUp();
  const id = await store.put(sampleLetter());
  const where = ['--data-dir', '/data', '-f', 'a.yaml'];
  t.type((await run('replay', ...where)).error, UsageError);
  t.type((await run('replay', id, '--all', ...where)).error, UsageError);
  t.same(sent, []);
});

t.test('replay keeps the files when asked to and takes another topic and time-out', async (t) => {
  const { store, sent, opened, run } = await setUp();
  await store.put(sampleLetter());
  const where = ['--data-dir', '/data', '-f', 'a.yaml', '--all', '--keep'];
  await run('replay', ...where, '--kafka-topic', 'other', '--timeout', '2.5');
  t.equal(sent[0]?.topic, 'other');
  t.match(opened[0], [kafka, 2_500]);
  t.match((await run('list', '--data-dir', '/data')).stdout, /recordTooLarge/);
  for (const timeout of ['0', '-1', 'x', '1e9']) {
    t.match((await run('replay', ...where, '--timeout', timeout)).error, {
      code: 'commander.invalidArgument',
    });
  }
});

t.test('one identifier that is not there sends nothing at all', async (t) => {
  const { store, sent, run } = await setUp();
  const id = await store.put(sampleLetter());
  const missing = id.replace(/^.{14}/, '00000000000009');
  const result = await run('replay', id, missing, '--data-dir', '/data', '-f', 'a.yaml');
  t.match(result.error, { code: 'ERR_DEAD_LETTER_ID' });
  t.same(sent, []);
});
