import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import t from 'tap';
import { startKafka } from '../support/real/kafka.js';
import { produceLines, readTopic } from '../support/real/kcat.js';
import { startMosquitto } from '../support/real/mosquitto.js';
import { publishLines, publishPayload, subscribe } from '../support/real/mosquitto-clients.js';
import { runProgram, runServerScript } from '../support/real/program.js';

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

t.test('three brokers keep what they acknowledged when one of them is killed', async (t) => {
  const kafka = await startKafka({ brokers: 3 });
  t.teardown(() => kafka.stop());
  await kafka.createTopic('plain', 4, { replication: 3, config: { 'retention.ms': '3600000' } });
  t.equal(kafka.bootstrap.split(',').length, 3);
  t.same(await readTopic(kafka.bootstrap, 'plain'), [], 'a new topic is there and empty');

  await produceLines(kafka.bootstrap, 'plain', {
    lines: numbers(1000).map((n) => `key ${n}:value ${n}`),
    keyDelimiter: ':',
    headers: [
      ['first', 'ä = 1'],
      ['second', ''],
      ['first', '2'],
    ],
  });
  await kafka.kill(2);
  const records = await readTopic(kafka.bootstrap, 'plain');
  t.same(
    new Set(records.map((r) => `${r.value}`)),
    new Set(numbers(1000).map((n) => `value ${n}`)),
  );
  t.ok(records.every((record) => `${record.key}`.replace('key', 'value') === `${record.value}`));
  t.same(records[0]?.headers, [
    ['first', Buffer.from('ä = 1')],
    ['second', Buffer.from('')],
    ['first', Buffer.from('2')],
  ]);
  for (const partition of [0, 1, 2, 3]) {
    const offsets = records.filter((r) => r.partition === partition).map((r) => r.offset);
    t.same(offsets, [...offsets.keys()], `partition ${partition} counts from 0`);
  }

  await produceLines(kafka.bootstrap, 'plain', { lines: ['while 2 is down'] });
  await kafka.start(2);
  await kafka.kill(3);
  const later = await readTopic(kafka.bootstrap, 'plain');
  t.equal(later.length, 1001, 'the broker that came back serves what it missed');
});

t.test('kcat gives every byte of key and value back', async (t) => {
  const kafka = await startKafka({ maxMessage: '8M' });
  t.teardown(() => kafka.stop());
  await kafka.createTopic('bytes', 1);
  // A line of input is a record: every byte but the newline can be sent this way.
  const all = Buffer.from(numbers(256).map(Number)).filter((byte) => byte !== 0x0a);
  const large = randomBytes(3 * 1024 * 1024).map((byte) => (byte === 0x0a ? 0 : byte));
  await produceLines(kafka.bootstrap, 'bytes', {
    lines: [all, large],
    settings: { 'message.max.bytes': '8000000' },
  });
  const [first, second] = await readTopic(kafka.bootstrap, 'bytes');
  t.same(first?.value, all);
  t.equal(first?.key, null);
  t.equal(sha256(second?.value), sha256(large));
});

t.test('a paused broker answers nobody until it is resumed', async (t) => {
  const kafka = await startKafka();
  t.teardown(() => kafka.stop());
  await kafka.createTopic('paused', 1);
  const produce = (line: string, timeout: string): Promise<void> =>
    produceLines(kafka.bootstrap, 'paused', {
      lines: [line],
      settings: { 'message.timeout.ms': timeout },
    });
  await kafka.pause(1);
  await t.rejects(produce('lost', '1000'), /timed out/i);
  await kafka.resume(1);
  await produce('kept', '60000');
  const values = (await readTopic(kafka.bootstrap, 'paused')).map((record) => `${record.value}`);
  t.equal(values.at(-1), 'kept');
});

t.test('mosquitto passes messages from mosquitto_pub to mosquitto_sub', async (t) => {
  const mosquitto = await startMosquitto();
  t.teardown(() => mosquitto.stop());
  const subscriber = await subscribe(mosquitto, { filters: ['plant/#'] });
  t.teardown(() => subscriber.stop());
  const lines = numbers(25_000);
  await publishLines(mosquitto, 'plant/1', { lines });
  await subscriber.received(25_000);
  t.same(
    subscriber.messages.map((message) => `${message.payload}`),
    lines,
  );

  const payload = randomBytes(2 * 1024 * 1024);
  await publishPayload(mosquitto, 'plant/ä', {
    payload,
    properties: [
      ['user-property', 'first', 'a:b "c" ü'],
      ['user-property', 'second', ''],
      ['user-property', 'first', '{}'],
      ['content-type', 'application/octet-stream'],
      ['message-expiry-interval', '100'],
    ],
  });
  await subscriber.received(25_001);
  const last = subscriber.messages.at(-1);
  t.equal(last?.topic, 'plant/ä');
  t.equal(last?.qos, 1);
  t.equal(sha256(last?.payload), sha256(payload));
  t.same(last?.userProperties, [
    ['first', 'a:b "c" ü'],
    ['second', ''],
    ['first', '{}'],
  ]);
  t.equal(last?.properties['content-type'], 'application/octet-stream');
});

t.test('mosquitto keeps a session over a shutdown', async (t) => {
  const mosquitto = await startMosquitto();
  t.teardown(() => mosquitto.stop());
  const session = { filters: ['a'], clientId: 'keeper', sessionExpirySeconds: 600 };
  await (await subscribe(mosquitto, session)).stop();
  await publishPayload(mosquitto, 'a', { payload: 'stored' });
  await mosquitto.shutdown();
  await t.rejects(publishPayload(mosquitto, 'a', { payload: 'refused' }));
  await mosquitto.start();
  const subscriber = await subscribe(mosquitto, session);
  t.teardown(() => subscriber.stop());
  await subscriber.received(1);
  t.equal(`${subscriber.messages[0]?.payload}`, 'stored');
});

t.test('mosquitto answers nobody while it is paused or killed', async (t) => {
  const mosquitto = await startMosquitto();
  t.teardown(() => mosquitto.stop());
  await mosquitto.pause();
  const address = ['-h', mosquitto.host, '-p', `${mosquitto.port}`];
  const hanging = runProgram('mosquitto_pub', [...address, '-t', 'a', '-n', '-q', '1'], {
    deadlineMs: 1000,
  });
  await t.rejects(hanging, /no end after 1000 ms/);
  await mosquitto.resume();
  await t.resolves(publishPayload(mosquitto, 'a', { payload: 'after resume' }));
  await mosquitto.kill();
  await t.rejects(publishPayload(mosquitto, 'a', { payload: 'dead' }), /refused/i);
  await mosquitto.start();
  await t.resolves(publishPayload(mosquitto, 'a', { payload: 'after start' }));
});

t.test('a sweep ends the servers of a process that is gone, and no others', async (t) => {
  const mine = await startMosquitto();
  t.teardown(() => mine.stop());
  const owner = spawn('sleep', ['1000']);
  t.teardown(() => owner.kill('SIGKILL'));
  await once(owner, 'spawn');
  const up = await runServerScript('mosquitto', ['up', '0', '--owner', `${owner.pid}`]);
  const [host = '', port = ''] = up.trim().split(':');
  const theirs = { host, port: Number(port) };
  await runServerScript('mosquitto', ['sweep']);
  await publishPayload(theirs, 'a', { payload: 'its owner lives' });
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  await runServerScript('mosquitto', ['sweep']);
  await t.rejects(publishPayload(theirs, 'a', { payload: 'too late' }), /refused/i);
  await t.resolves(publishPayload(mine, 'a', { payload: 'still here' }));
});

function sha256(bytes: Uint8Array | null | undefined): string {
  return createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');
}
