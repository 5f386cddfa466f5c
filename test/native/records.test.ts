import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { recordBytesOf } from '../../src/channel/frame.js';
import { INSTANCE, KEYED, ROUND_ROBIN } from '../../src/channel/protocol.js';
import { DELIVERED, EXPIRED } from '../../src/channel/settlement-ring.js';
import { addon, NEVER_ALONE } from '../../src/kafka/addon.js';
import { murmur2 } from '../../src/shard/shard-of.js';
import { fetchHeaders } from '../support/fetch-headers.js';
import { readRecords } from '../support/kafka-records.js';
import { NativeShard, quickProducer } from '../support/native-shard.js';

const cluster = new addon.MockCluster(1);
t.teardown(() => cluster.close());

function open(topic: string, partitions: number, more = {}, slabBytes = 64): NativeShard {
  cluster.createTopic(topic, partitions);
  const shard = new NativeShard({ slabBytes });
  const properties = quickProducer(cluster.bootstrapServers);
  shard.open({ ...properties, 'message.max.bytes': '4000000' }, topic, more);
  t.teardown(() => shard.close());
  return shard;
}

t.test('headers reach Kafka as they are: binary, repeated, empty, in their order', async (t) => {
  const shard = open('headers', 1);
  const binary = Uint8Array.from([0, 255, 128, 10]);
  await shard.send({
    headers: [
      ['same', 'first'],
      ['binary', binary],
      ['same', 'second'],
      ['empty', ''],
      ['', 'nameless'],
      ['größe', 'ü'],
    ],
    payload: 'x',
  });
  await shard.settle(1);
  const headers = await fetchHeaders(cluster.bootstrapServers, 'headers');
  t.same(
    headers.map(([name, value]) => [name.toString(), value === null ? null : [...value]]),
    [
      ['same', [...Buffer.from('first')]],
      ['binary', [...binary]],
      ['same', [...Buffer.from('second')]],
      ['empty', []],
      ['', [...Buffer.from('nameless')]],
      ['größe', [...Buffer.from('ü')]],
    ],
  );
});

t.test('a null key is not an empty one, and an empty payload is no tombstone', async (t) => {
  const shard = open('nulls', 1);
  await shard.send({ payload: 'no key' });
  await shard.send({ key: '', payload: '' });
  await shard.send({ key: 'k', payload: '', headers: [['h', 'v']] });
  await shard.settle(3);
  const records = await readRecords(cluster.bootstrapServers, 'nulls');
  t.same(
    records.map(({ key, value }) => [key?.toString() ?? null, value?.toString() ?? null]),
    [
      [null, 'no key'],
      ['', ''],
      ['k', ''],
    ],
  );
});

t.test('the header for an expiry carries the seconds that remain, rounded up', async (t) => {
  const shard = open('expiry', 1);
  const deadlineMs = systemClock.monotonicMs() + 99_500;
  await shard.send({ deadlineMs, headers: [['expiry', null]] });
  await shard.settle(1);
  const [record] = await readRecords(cluster.bootstrapServers, 'expiry');
  // However long this took, the answer is one of these: the deadline has a test of its own.
  t.match(String(record?.headers[0]?.[1]), /^\d{1,3}$/);
  t.ok(Number(record?.headers[0]?.[1]) <= 100);
  t.ok(Number(record?.headers[0]?.[1]) > 0);
});

t.test('a record whose time is over is settled as expired and not sent', async (t) => {
  const shard = open('expired', 1);
  await shard.send({ deliveryId: 7, deadlineMs: systemClock.monotonicMs() - 1 });
  await shard.send({ deliveryId: 8, payload: 'fresh' });
  await shard.settle(2);
  const byId = new Map(shard.settled.map((s) => [s.deliveryId, s.settlement]));
  t.equal(byId.get(7), EXPIRED);
  t.equal(byId.get(8), DELIVERED);
  const records = await readRecords(cluster.bootstrapServers, 'expired');
  t.same(
    records.map(({ value }) => value?.toString()),
    ['fresh'],
  );
});

t.test('a payload in the slab is sent from where it lies', async (t) => {
  const bytes = 2_000_000;
  const shard = open('slab', 1, {}, 4_000_000);
  const payload = new Uint8Array(shard.slab, 1_000_003, bytes);
  for (let i = 0; i < bytes; i += 997) payload[i] = i % 251;
  await shard.send({ inSlab: { offset: 1_000_003, bytes }, key: 'k' });
  await shard.settle(1);
  const [record] = await readRecords(cluster.bootstrapServers, 'slab');
  t.ok(record?.value?.equals(Buffer.from(payload)));
});

t.test('each settlement carries the delivery id and the length of its frame', async (t) => {
  const shard = open('lengths', 1);
  const sizes = [0, 1, 7, 8, 200, 70_000];
  for (const [i, size] of sizes.entries()) {
    await shard.send({ deliveryId: 4_000_000_000 + i, payload: 'x'.repeat(size) });
  }
  await shard.settle(sizes.length);
  t.same(
    shard.settled.map(({ deliveryId, frameBytes }) => [deliveryId, frameBytes]),
    sizes.map((size, i) => [4_000_000_000 + i, (48 + size + 7) & ~7]),
  );
});

t.test('without a key records go to the partitions in turn, at most one apart', async (t) => {
  const shard = open('in-turn', 7, { rule: ROUND_ROBIN });
  const count = 7 * 30 + 3;
  for (let i = 0; i < count; i++) await shard.send({ deliveryId: i });
  await shard.settle(count);
  const counts = new Array<number>(7).fill(0);
  for (const { partition } of await readRecords(cluster.bootstrapServers, 'in-turn')) {
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  t.same([...counts].sort(), [30, 30, 30, 30, 31, 31, 31]);
});

t.test('with a key records go where Kafka’s Java client sends them', async (t) => {
  // Values of Utils.murmur2 in Kafka's own tests.
  const known: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  const shard = open('by-key', 11, { rule: KEYED });
  for (const [key] of known) await shard.send({ key });
  await shard.send({ key: '' });
  await shard.settle(known.length + 1);
  const records = await readRecords(cluster.bootstrapServers, 'by-key');
  const partitionOf = new Map(records.map(({ key, partition }) => [key?.toString(), partition]));
  for (const [key, hash] of known) t.equal(partitionOf.get(key), (hash & 0x7fffffff) % 11, key);
  t.equal(partitionOf.get(''), (murmur2(new Uint8Array(0), 0, 0) & 0x7fffffff) % 11);
});

t.test('a key that is missing where one is due takes the partitions in turn', async (t) => {
  const shard = open('missing-keys', 3, { rule: KEYED });
  for (let i = 0; i < 9; i++) await shard.send({ deliveryId: i });
  await shard.settle(9);
  const records = await readRecords(cluster.bootstrapServers, 'missing-keys');
  t.same(records.map(({ partition }) => partition).sort(), [0, 0, 0, 1, 1, 1, 2, 2, 2]);
});

t.test('a static strategy sends all records of an instance to one partition', async (t) => {
  const shard = open('static', 4, { rule: INSTANCE, instanceId: 6 });
  for (let i = 0; i < 5; i++) await shard.send({ key: `k${i}`, deliveryId: i });
  await shard.settle(5);
  const records = await readRecords(cluster.bootstrapServers, 'static');
  t.same(new Set(records.map(({ partition }) => partition)), new Set([2]));
});

t.test('records of one key arrive in the order in which they were written', async (t) => {
  const shard = open('order', 3, { rule: KEYED });
  const count = 5000;
  for (let i = 0; i < count; i++) {
    await shard.send({ deliveryId: i, key: `k${i % 5}`, payload: String(i) });
  }
  await shard.settle(count);
  const last = new Map<string, number>();
  for (const { key, value } of await readRecords(cluster.bootstrapServers, 'order')) {
    const name = String(key);
    const n = Number(value);
    if (n <= (last.get(name) ?? -1)) t.fail(`${name}: ${n} comes after ${last.get(name)}`);
    last.set(name, n);
  }
  t.equal(last.size, 5);
  t.equal(new Set(shard.settled.map(({ deliveryId }) => deliveryId)).size, count);
});

t.test('two targets of one shard go to their own topics', async (t) => {
  const shard = open('left', 1);
  cluster.createTopic('right', 1);
  shard.open(quickProducer(cluster.bootstrapServers), 'right', { targetId: 1 });
  await shard.send({ targetId: 0, payload: 'l' });
  await shard.send({ targetId: 1, payload: 'r' });
  await shard.settle(2);
  for (const [topic, payload] of [
    ['left', 'l'],
    ['right', 'r'],
  ] as const) {
    const records = await readRecords(cluster.bootstrapServers, topic);
    t.same(
      records.map(({ value }) => value?.toString()),
      [payload],
    );
  }
});

t.test('from the first record on that is to go alone, a target is diverted', async (t) => {
  const shard = open('alone', 1);
  shard.native.setAloneFrom(0, 10);
  const written = [
    { deliveryId: 0, payload: 'x'.repeat(9) },
    // Key, headers (8 bytes of lengths each) and payload count.
    { deliveryId: 1, key: 'k', payload: 'x' },
    { deliveryId: 2, key: 'k', headers: [['', '']] as const, payload: 'x' },
    { deliveryId: 3, payload: 'x' },
  ];
  for (const spec of written) await shard.send(spec);
  await shard.settle(2);
  const given = shard.failures.splice(0);
  t.same(
    given.map(({ code, targetId }) => [code, targetId]),
    [
      [0, 0],
      [0, 0],
    ],
  );
  t.same(
    given.map(({ frame }) => recordBytesOf(frame)),
    [10, 1],
  );
  shard.native.divert(0, false);
  shard.native.setAloneFrom(0, NEVER_ALONE);
  for (const spec of written) await shard.send(spec);
  await shard.settle(6);
  t.same(shard.failures, []);
});
