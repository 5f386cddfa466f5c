import t, { type Test } from 'tap';
import { payloadOf } from '../../../src/bench/load/payload.js';
import {
  contentChecksum,
  keyChecksum,
  payloadChecksum,
  viewOf,
  writeStamp,
} from '../../../src/bench/load/stamp.js';
import { KafkaReader } from '../../../src/bench/verify/kafka-reader.js';
import { type Expected, RecordCheck } from '../../../src/bench/verify/record-check.js';
import { addon } from '../../../src/kafka/addon.js';
import type { FrameSpec } from '../../support/frames.js';
import { NativeShard, quickProducer } from '../../support/native-shard.js';

const cluster = new addon.MockCluster(1);
t.teardown(() => cluster.close());

const EXPECTED: Expected = {
  sent: { stamped: 3, checkSum: 0, unstampedByKey: undefined, connections: 1 },
  payload: [
    { bytes: 200, percent: 50 },
    { bytes: 3000, percent: 50 },
  ],
  keys: 2,
  headers: {
    ofMillrace: false,
    copyProperties: false,
    userProperties: 0,
    systemProperties: false,
    keyProperty: undefined,
    topicRoot: 'bench',
    topics: 2,
    keys: 2,
    routes: 1,
    connections: 1,
    qos: 1,
    paths: ['bench/bench'],
  },
  order: { kind: 'key' },
};

/** A record as the load makes it. */
function message(sequence: number, { key = 'bench/0', bytes = 200, sentBytes = 0 } = {}) {
  const payload = payloadOf(bytes);
  const checksum = payloadChecksum(payloadOf(sentBytes || bytes));
  const content = contentChecksum(keyChecksum(Buffer.from(key)), checksum);
  const check = writeStamp(viewOf(payload), 0, content, sequence, 1000);
  return { key, payload, check };
}

let topics = 0;

/** What is found wrong with these records. */
async function check(t: Test, records: readonly FrameSpec[], expected: Partial<Expected> = {}) {
  topics += 1;
  const topic = `checked-${topics}`;
  cluster.createTopic(topic, 1);
  const shard = new NativeShard({ slabBytes: 64 });
  shard.open(quickProducer(cluster.bootstrapServers), topic);
  for (const [deliveryId, record] of records.entries()) await shard.send({ ...record, deliveryId });
  await shard.settle(records.length);
  shard.close();
  const recordCheck = new RecordCheck({ ...EXPECTED, ...expected });
  const reader = new KafkaReader({
    bootstrapServers: cluster.bootstrapServers,
    topic,
    partitions: 1,
    recordBytesMax: 5000,
    onRecord: (record) => recordCheck.take(record),
    onFailed: (error) => t.fail(error.message),
  });
  await reader.readTo([records.length], { stallMs: 20_000 });
  reader.close();
  return recordCheck.figures();
}

const GOOD = [message(0), message(1, { bytes: 3000 }), message(2, { key: 'bench/1' })];
const WELL = { missing: 0, damaged: 0, strange: 0, repeated: 0, outOfOrder: 0 };

t.test('records that are as they were sent are all there, with the checksum', async (t) => {
  const checkSum = GOOD.reduce((sum, each) => sum + each.check, 0) % 2 ** 32;
  const hex = checkSum.toString(16).padStart(8, '0');
  const figures = await check(t, GOOD, { sent: { ...EXPECTED.sent, checkSum } });
  t.match(figures, { ...WELL, records: 3, checksum: { expected: hex, found: hex } });
  t.equal(figures.firstWrong, undefined);
});

t.test('a message without a record is missing', async (t) => {
  t.match(await check(t, GOOD.slice(1)), { ...WELL, missing: 1 });
});

t.test(
  'a message with several records is repeated, and in order where its first was',
  async (t) => {
    t.match(await check(t, [...GOOD, message(0)]), { ...WELL, repeated: 1 });
  },
);

t.test('a message behind a later one of its key is out of order', async (t) => {
  const swapped = [message(1, { bytes: 3000 }), message(0), message(2, { key: 'bench/1' })];
  t.match(await check(t, swapped), { ...WELL, outOfOrder: 1 });
  const other = [message(2, { key: 'bench/1' }), message(0), message(1, { bytes: 3000 })];
  t.match(await check(t, other), WELL, 'each key has an order of its own');
  const again = [
    message(0),
    message(1, { bytes: 3000 }),
    message(0),
    message(2, { key: 'bench/1' }),
  ];
  t.match(await check(t, again), { ...WELL, repeated: 1 }, 'only the first record of each counts');
  const order = { kind: 'none', why: 'nobody wants it' } as const;
  const unordered = await check(t, swapped, { order });
  t.match(unordered, { outOfOrder: undefined, orderNotChecked: 'nobody wants it' });
});

t.test('a record that differs in key, size or any byte is damaged', async (t) => {
  const first = message(0);
  const changed = (at: number) => {
    const payload = Buffer.from(first.payload);
    (payload[at] as number)++;
    return { ...first, payload };
  };
  const wrong: [string, FrameSpec, RegExp][] = [
    ['the last byte', changed(199), /its payload is another/],
    ['its check', changed(0), /its stamp/],
    ['its number', changed(4), /its stamp/],
    ['its time', changed(10), /its stamp/],
    ['its key', { ...first, key: 'bench/1' }, /its stamp/],
    ['no key', { payload: first.payload }, /its stamp/],
    ['its size', message(0, { bytes: 3000, sentBytes: 200 }), /its stamp/],
  ];
  for (const [what, record, why] of wrong) {
    const figures = await check(t, [record, ...GOOD.slice(1)]);
    t.match(figures, { ...WELL, missing: 1, damaged: 1 }, what);
    t.match(figures.firstWrong, why, what);
    t.match(figures.firstWrong, /^partition 0, offset 0: /);
  }
});

t.test('a record that nobody sent is strange', async (t) => {
  for (const [record, why] of [
    [{ key: 'bench/0', payload: 'hello' }, /of this size/],
    [message(3), /no message of the number 3/],
    [{ key: 'bench/0' }, /of this size/],
  ] as const) {
    const figures = await check(t, [...GOOD, record]);
    t.match(figures, { ...WELL, records: 4, strange: 1 });
    t.match(figures.firstWrong, why);
  }
});

t.test('a record whose headers are not what they must be is damaged', async (t) => {
  const headers = { ...EXPECTED.headers, ofMillrace: true };
  const withTopic = (topic: string) =>
    GOOD.map((record, n) =>
      n === 0 ? { ...record, headers: [['Topic', topic] as const] } : record,
    );
  const others = { missing: 2, damaged: 2 };
  t.match(await check(t, withTopic('bench/0'), { headers }), { ...others, headers: 'all' });
  const figures = await check(t, withTopic('bench/1'), { headers });
  t.match(figures, { missing: 3, damaged: 3, firstWrong: /its header Topic has another value/ });
  const short = [{ key: 'bench/0', payload: payloadOf(8) }];
  const payload = [{ bytes: 8, percent: 100 }];
  const sent = { ...EXPECTED.sent, stamped: 0, unstampedByKey: [1, 0] };
  t.match(await check(t, short, { headers, payload, sent }), { missing: 1, damaged: 1 });
});

t.test('messages too short for a stamp are counted for each key', async (t) => {
  const payload = [
    { bytes: 8, percent: 50 },
    { bytes: 200, percent: 50 },
  ];
  const sent = { ...EXPECTED.sent, stamped: 1, unstampedByKey: [2, 1] };
  const short = (key: string) => ({ key, payload: payloadOf(8) });
  const all = [message(0), short('bench/0'), short('bench/0'), short('bench/1')];
  const expected = { payload, sent };
  t.match(await check(t, all, expected), { ...WELL, unstamped: 3 });
  const lopsided = [message(0), short('bench/0'), short('bench/1'), short('bench/1')];
  t.match(await check(t, lopsided, expected), { missing: 1, repeated: 1 });
  const damaged = [...all.slice(0, 3), { key: 'bench/1', payload: '12345678' }];
  t.match(await check(t, damaged, expected), { missing: 1, damaged: 1 });
  const elsewhere = [...all.slice(0, 3), short('bench/2')];
  t.match(await check(t, elsewhere, expected), { missing: 1, strange: 1 });
});
