import t from 'tap';
import { deadLetterFolder } from '../../src/dead-letter/folders.js';
import type { DeadLetter } from '../../src/dead-letter/letter.js';
import { findLetters } from '../../src/dead-letter/reader.js';
import {
  type LetterPublisher,
  type RecordSender,
  type ReplayOptions,
  type ReplayPublish,
  type ReplayRecord,
  type ReplayResult,
  replayLetters,
} from '../../src/dead-letter/replay.js';
import { openDeadLetterStore } from '../../src/dead-letter/store.js';
import { bytesOf, sampleLetter } from '../support/dead-letters.js';
import { fault, MemoryDisk } from '../support/memory-disk.js';

const folder = deadLetterFolder('/data', 'my-connector');

/** Kafka as replay sees it; refuses the records that `refuse` names by their payload. */
class FakeSender implements RecordSender {
  readonly records: ReplayRecord[] = [];
  readonly refuse = new Set<string>();
  closed = false;

  async send(record: ReplayRecord): Promise<void> {
    this.records.push(record);
    if (this.refuse.has(textOf(record.value))) throw new Error('Broker: Unknown topic');
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** The MQTT broker as replay sees it. */
class FakePublisher implements LetterPublisher {
  readonly publishes: ReplayPublish[] = [];
  readonly refuse = new Set<string>();
  closed = false;

  async publish(publish: ReplayPublish): Promise<void> {
    this.publishes.push(publish);
    if (this.refuse.has(textOf(publish.payload))) throw new Error('Not authorized');
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** A record from Kafka that the MQTT broker refused. */
function fromKafka(payload: string): DeadLetter {
  return sampleLetter({
    direction: 'kafkaToMqtt',
    route: 'down',
    reason: { code: 'publishRefused', message: 'Not authorized' },
    mqtt: { topic: 'devices/1', qos: 1, retain: false, packetId: undefined },
    kafka: {
      topic: 'commands',
      partition: 3,
      offset: 7_000_000_000,
      timestampMs: 1_700_000_000_123,
      key: bytesOf('k'),
      headers: [
        ['empty', bytesOf('')],
        ['null', null],
      ],
      acks: 'all',
    },
    payload: bytesOf(payload),
  });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

async function setUp(payloads: readonly string[]) {
  const disk = new MemoryDisk();
  const store = await openDeadLetterStore({ folder, maxBytes: 1e9, maxLetters: 1_000, disk });
  for (const payload of payloads) await store.put(sampleLetter({ payload: bytesOf(payload) }));
  const results: ReplayResult[] = [];
  const sender = new FakeSender();
  const publisher = new FakePublisher();
  const run = async (changes: Partial<ReplayOptions> = {}) =>
    replayLetters({
      disk,
      letters: await findLetters(disk, '/data'),
      openSender: async () => sender,
      openPublisher: async () => publisher,
      kafkaTopic: undefined,
      mqttTopic: undefined,
      keep: false,
      report: (result) => results.push(result),
      ...changes,
    });
  const left = async () => (await findLetters(disk, '/data')).length;
  return { disk, store, sender, publisher, results, run, left };
}

t.test('letters are sent in order with key and headers, and removed', async (t) => {
  const { sender, results, run, left } = await setUp(['a', 'b', 'c']);
  t.same(await run(), { failed: 0 });
  t.same(
    sender.records.map(({ value }) => textOf(value)),
    ['a', 'b', 'c'],
  );
  const { kafka } = sampleLetter();
  t.match(sender.records[0], { topic: 'receiving', partition: undefined });
  t.same(sender.records[0]?.key, kafka?.key);
  t.same(sender.records[0]?.headers, kafka?.headers);
  t.equal(await left(), 0);
  t.same(
    results.map(({ outcome }) => outcome),
    Array(3).fill({ sentTo: 'receiving' }),
  );
  t.ok(sender.closed);
});

t.test('a letter that Kafka refuses stays, and the others go on', async (t) => {
  const { sender, results, run, left } = await setUp(['a', 'b', 'c']);
  sender.refuse.add('b');
  t.same(await run(), { failed: 1 });
  t.equal(await left(), 1);
  t.equal(sender.records.length, 3);
  t.same(
    results.filter(({ outcome }) => 'failed' in outcome).map(({ outcome }) => outcome),
    [{ failed: 'Broker: Unknown topic' }],
  );
});

t.test('no file is removed before its record is confirmed', async (t) => {
  const { disk, run, left } = await setUp(['a']);
  let confirm: () => void = () => {};
  const confirmed = new Promise<void>((resolve) => {
    confirm = resolve;
  });
  let replayed: Promise<unknown> | undefined;
  await new Promise<void>((sent) => {
    const send = () => {
      sent();
      return confirmed;
    };
    replayed = run({ openSender: async () => ({ send, close: async () => {} }) });
  });
  t.notOk(disk.steps.includes('remove'));
  confirm();
  await replayed;
  t.equal(await left(), 0);
});

t.test('with keep every file stays', async (t) => {
  const { run, left } = await setUp(['a', 'b']);
  t.same(await run({ keep: true }), { failed: 0 });
  t.equal(await left(), 2);
});

t.test('a damaged letter, and those without a topic, fail and stay', async (t) => {
  const { disk, store, sender, results, run, left } = await setUp(['a']);
  await store.put(sampleLetter({ direction: 'kafkaToMqtt', mqtt: undefined }));
  await store.put(sampleLetter({ kafka: undefined }));
  disk.plant(`${folder}/00000000000001-000000-00000000.letter`, bytesOf('torn'));
  t.same(await run(), { failed: 3 });
  t.equal(sender.records.length, 1);
  t.equal(await left(), 3);
  t.same(results.map(({ outcome }) => ('failed' in outcome ? outcome.failed : 'sent')).sort(), [
    'it has no Kafka topic; give one with --kafka-topic',
    'it has no MQTT topic; give one with --mqtt-topic',
    'sent',
    'shorter than its header',
  ]);
});

t.test('another Kafka topic takes letters that have none, without their partition', async (t) => {
  const { store, sender, run } = await setUp([]);
  const { kafka } = sampleLetter();
  if (kafka === undefined) throw new Error('no record');
  await store.put(sampleLetter({ kafka: undefined }));
  await store.put(sampleLetter({ kafka: { ...kafka, partition: 3 } }));
  t.same(await run({ kafkaTopic: 'other', keep: true }), { failed: 0 });
  t.same(
    sender.records.map(({ topic, partition }) => [topic, partition]),
    [
      ['other', undefined],
      ['other', undefined],
    ],
  );
  await run();
  t.equal(sender.records.at(-1)?.partition, 3, 'its own topic keeps it');
});

t.test('a connector whose Kafka cannot be reached fails its letters only', async (t) => {
  const { disk, sender, results, run } = await setUp(['a', 'b']);
  const another = await openDeadLetterStore({
    folder: deadLetterFolder('/data', 'another'),
    maxBytes: 1e6,
    maxLetters: 10,
    disk,
  });
  await another.put(sampleLetter({ connector: 'another' }));
  let opened = 0;
  const openSender = async (connector: string) => {
    opened += 1;
    if (connector === 'my-connector') throw new Error('Kafka does not answer');
    return sender;
  };
  t.same(await run({ openSender }), { failed: 2 });
  t.equal(sender.records.length, 1);
  t.equal(opened, 2, 'one attempt for each connector, not for each letter');
  t.equal(results.length, 3);
});

t.test('memory is bounded: large letters wait until those before are confirmed', async (t) => {
  const { store, run } = await setUp([]);
  const payload = new Uint8Array(20 * 1024 * 1024);
  for (let n = 0; n < 5; n += 1) await store.put(sampleLetter({ payload }));
  let unconfirmed = 0;
  let most = 0;
  const sender = {
    send: async () => {
      unconfirmed += 1;
      most = Math.max(most, unconfirmed);
      await new Promise((resolve) => setImmediate(resolve));
      unconfirmed -= 1;
    },
    close: async () => {},
  };
  t.same(await run({ openSender: async () => sender, keep: true }), { failed: 0 });
  t.ok(most <= 2, `${most} letters of 20 MiB at once`);
});

t.test('a file that cannot be removed is a failure that says it was sent', async (t) => {
  const { disk, results, run } = await setUp(['a']);
  disk.onStep = (step) => {
    if (step === 'remove') throw fault('EROFS');
  };
  t.same(await run(), { failed: 1 });
  t.match(results[0]?.outcome, { failed: /^sent to receiving, but its file cannot be removed/ });
});

t.test('a record from Kafka is published as it was read, and removed', async (t) => {
  const { store, sender, publisher, results, run, left } = await setUp(['to Kafka']);
  await store.put(fromKafka('1'));
  await store.put(fromKafka('2'));
  publisher.refuse.add('1');
  t.same(await run(), { failed: 1 });
  t.equal(sender.records.length, 1);
  t.same(publisher.publishes, [
    {
      route: 'down',
      topic: 'devices/1',
      partition: 3,
      timestampMs: 1_700_000_000_123,
      key: bytesOf('k'),
      headers: [
        ['empty', bytesOf('')],
        ['null', null],
      ],
      payload: bytesOf('1'),
    },
    { ...publisher.publishes[0], payload: bytesOf('2') },
  ]);
  t.equal(await left(), 1, 'the refused one stays');
  t.same(results.map(({ outcome }) => Object.values(outcome)[0]).sort(), [
    'Not authorized',
    'devices/1',
    'receiving',
  ]);
  t.ok(publisher.closed);
});

t.test('another MQTT topic takes records that have none', async (t) => {
  const { store, publisher, run, left } = await setUp([]);
  await store.put({ ...fromKafka('1'), mqtt: undefined });
  t.same(await run({ kafkaTopic: 'of no matter' }), { failed: 1 });
  t.same(await run({ mqttTopic: 'other' }), { failed: 0 });
  t.equal(publisher.publishes[0]?.topic, 'other');
  t.equal(await left(), 0);
});

t.test('a record whose value was too large to be kept is never replayed as empty', async (t) => {
  const { store, publisher, results, run, left } = await setUp([]);
  const reason = { code: 'oversize' as const, message: 'a value of 900000000 bytes' };
  await store.put({ ...fromKafka(''), reason });
  t.same(await run({ mqttTopic: 'other' }), { failed: 1 });
  t.same(publisher.publishes, []);
  t.equal(await left(), 1);
  t.match(results[0]?.outcome, { failed: /offset 7000000000 of partition 3 of commands$/ });
});
