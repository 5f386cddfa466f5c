import { readSync } from 'node:fs';
import t from 'tap';
import { closeDoorbell, openDoorbell } from '../../src/channel/doorbell.js';
import { DELIVERED } from '../../src/channel/settlement-ring.js';
import { addon } from '../../src/kafka/addon.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import type { SourceSettings } from '../../src/shard/record-source.js';
import { WATCH_LIMITS } from '../../src/shard/worker-watch.js';
import { frameOf } from '../support/frames.js';
import { readRecords } from '../support/kafka-records.js';
import { ManualClock } from '../support/manual-clock.js';
import { librdkafkaThreads, PoolUnderTest } from '../support/pool-under-test.js';
import { RecordRingWriter, recordFrameOf } from '../support/record-frames.js';
import { until } from '../support/until.js';

const cluster = new addon.MockCluster(1);
const { bootstrapServers } = cluster;
t.teardown(() => cluster.close());

t.test('each shard has a worker of its own, which settles what it is given', async (t) => {
  cluster.createTopic('each', 1);
  const under = new PoolUnderTest(t, bootstrapServers, { shards: 3 });
  t.notOk(under.send(0, 1), 'nothing is taken before a worker is ready');
  await under.start();
  const ids = under.messages.flatMap(({ message }) =>
    message.kind === 'ready' ? [message.threadId] : [],
  );
  t.equal(new Set(ids).size, 3);
  for (let index = 0; index < 3; index++) {
    under.open(index, 'each');
    t.ok(under.send(index, 10 + index));
  }
  await under.ends(3);
  t.same(
    under.settled.map(({ shard, deliveryId }) => [shard, deliveryId]).sort(),
    [0, 1, 2].map((index) => [index, 10 + index]),
  );
  t.ok(under.settled.every(({ settlement }) => settlement === DELIVERED));
  t.ok(under.bursts > 0);
  t.ok(under.pool.shards.every(({ outstandingRecords }) => outstandingRecords === 0));
  const records = await readRecords(cluster.bootstrapServers, 'each');
  t.same(records.map(({ value }) => String(value)).sort(), ['0:10', '1:11', '2:12']);
});

t.test(
  'a worker’s loss is told when its librdkafka is gone, and another takes its place',
  async (t) => {
    cluster.createTopic('crash', 1);
    const before = librdkafkaThreads();
    const under = new PoolUnderTest(t, bootstrapServers);
    await under.start();
    under.open(0, 'crash');
    under.send(0, 1);
    await under.ends(1);
    t.ok(librdkafkaThreads() > before);
    const { generation, framesMemory } = under.shard();
    await under.pool.crash(0);
    await under.losses(1);
    t.equal(under.lost[0]?.threads, before, 'no thread of its librdkafka is left');
    t.equal(under.lost[0]?.generation, generation, 'its rings are its own until then');
    await under.ready();
    t.equal(under.shard().generation, generation + 1);
    t.not(under.shard().framesMemory, framesMemory);
    under.open(0, 'crash');
    t.ok(under.send(0, 2));
    await under.ends(2);
    t.equal(under.lost.length, 1);
  },
);

t.test('a worker’s own error ends it, and is told once its thread is gone', async (t) => {
  const before = librdkafkaThreads();
  const under = new PoolUnderTest(t, bootstrapServers);
  await under.start();
  // Several producers take a while to end.
  for (let variant = 0; variant < 8; variant++) under.open(0, 'error', variant);
  await until('librdkafka runs', () => librdkafkaThreads() >= before + 8);
  // A target that nobody has opened: the ring is corrupt.
  const shard = under.shard();
  const frame = frameOf({ targetId: 99 });
  const offset = shard.reserve(0, frame.byteLength);
  shard.frames.bytes.set(frame, offset);
  shard.commit(0, frame.byteLength);
  shard.publish();
  await under.losses(1);
  t.match(under.lost[0]?.error, { message: /corrupt/ });
  t.equal(under.lost[0]?.threads, before);
  await under.ready();
  t.equal(under.shard().outstandingRecords, 0, 'it has all of its credit back');
});

t.test('a shard whose worker dies leaves the others alone', async (t) => {
  cluster.createTopic('others', 1);
  const under = new PoolUnderTest(t, bootstrapServers, { shards: 2 });
  await under.start();
  under.open(1, 'others');
  await under.pool.crash(0);
  await under.losses(1);
  t.equal(under.lost[0]?.shard.index, 0);
  t.equal(under.shard(1).generation, 0);
  t.ok(under.send(1, 5));
  await under.ends(1);
  await under.ready();
  await under.pool.crash(1);
  await under.losses(2);
  t.equal(under.lost[1]?.shard.index, 1, 'each shard knows its own worker');
  await under.ready();
});

t.test('what a worker settled before it died is settled', async (t) => {
  cluster.createTopic('before', 1);
  const under = new PoolUnderTest(t, bootstrapServers);
  await under.start();
  under.open(0, 'before');
  for (let id = 0; id < 500; id++) under.send(0, id);
  await under.ends(1);
  await under.pool.crash(0);
  await under.losses(1);
  const records = await readRecords(cluster.bootstrapServers, 'before');
  const there = new Set(records.map(({ value }) => String(value)));
  for (const { deliveryId } of under.settled) {
    if (!there.has(`0:${deliveryId}`)) t.fail(`${deliveryId} is settled and not there`);
  }
  t.equal(new Set(under.settled.map(({ deliveryId }) => deliveryId)).size, under.settled.length);
  t.equal(under.shard().outstandingRecords, 0);
});

t.test('a worker that dies again and again is replaced ever later', async (t) => {
  const clock = new ManualClock();
  // By this clock a minute passes at once, in which no worker beats.
  const watchLimits = { ...WATCH_LIMITS, stuckLooks: Number.POSITIVE_INFINITY };
  const under = new PoolUnderTest(t, bootstrapServers, { clock, watchLimits });
  await under.start();
  for (const [round, waitMs] of [200, 400, 800, 1600].entries()) {
    await under.pool.crash(0);
    await under.losses(round + 1);
    clock.advance(waitMs - 1);
    await new Promise((resolve) => setImmediate(resolve));
    t.notOk(under.shard().ready);
    const started = under.messages.length;
    clock.advance(1);
    await under.ready();
    t.ok(under.messages.length > started);
  }
  clock.advance(60_001);
  await under.pool.crash(0);
  await under.losses(5);
  clock.advance(100);
  await under.ready();
  t.pass('one that lived long is replaced soon');
});

t.test('a pool that is closed while a worker waits to be replaced starts none', async (t) => {
  const clock = new ManualClock();
  const under = new PoolUnderTest({ teardown: () => {} }, bootstrapServers, { clock });
  await under.start();
  await under.pool.crash(0);
  await under.losses(1);
  await under.pool.close();
  const { length } = under.messages;
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(under.messages.length, length);
  t.notOk(under.send(0, 1));
});

t.test('new credentials reach every worker, and those that start later', async (t) => {
  const credentials = (username: string) =>
    seal<KafkaCredentials>({ login: { username, password: 'p' } });
  const under = new PoolUnderTest(t, bootstrapServers, { shards: 2 });
  const inUse = () =>
    under.messages.flatMap(({ shard, message }) =>
      message.kind === 'credentialsInUse' ? [`${shard}:${message.generation}`] : [],
    );
  under.pool.start();
  t.equal(under.pool.setCredentials(credentials('before it is ready')), 1);
  await until('both have them', () => inUse().length === 2);
  t.same(inUse().sort(), ['0:1', '1:1']);
  t.equal(under.pool.setCredentials(credentials('after')), 2);
  await until('both have the next', () => inUse().length === 4);
  await under.pool.crash(0);
  await under.losses(1);
  await under.ready();
  await until(
    'the next worker says so of what it began with',
    () => inUse().filter((each) => each === '0:2').length === 2,
  );
  t.equal(under.pool.setCredentials(credentials('after')), 3);
  await until('both have what is no other', () => inUse().length === 7);
  t.notOk(under.messages.some(({ message }) => message.kind === 'credentialsRefused'));
});

t.test('a worker starts with what was in use, and tries what never worked', async (t) => {
  const token = { value: 'v', expiresAtMs: 1, principal: 'p' };
  const under = new PoolUnderTest(t, bootstrapServers);
  const refused = () =>
    under.messages.filter(({ message }) => message.kind === 'credentialsRefused').length;
  await under.start();
  under.pool.setCredentials(seal<KafkaCredentials>({ token }));
  await until('they are refused', () => refused() === 1);
  await under.pool.crash(0);
  await until('the next worker tries them too', () => refused() === 2);
  cluster.createTopic('goes-on', 1);
  await under.ready();
  under.open(0, 'goes-on');
  under.send(0, 1);
  await under.ends(1);
});

t.test('a closed pool leaves no thread of librdkafka behind', async (t) => {
  const before = librdkafkaThreads();
  const under = new PoolUnderTest({ teardown: () => {} }, bootstrapServers, { shards: 2 });
  await under.start();
  under.open(0, 'closed');
  under.open(1, 'closed');
  await until('both have opened', () => librdkafkaThreads() > before + 2);
  await under.pool.close();
  t.equal(librdkafkaThreads(), before);
  t.equal(under.lost.length, 0, 'that is no loss');
});

t.test(
  'what settles after a pool was closed rings no descriptor that is another’s by now',
  async (t) => {
    const consumer: SourceSettings = {
      routeIndex: 0,
      topic: 'late',
      groupId: 'late',
      groupInstanceId: 'late',
      offsetReset: 'earliest',
      payloadBytesMax: 1_000,
    };
    const { pool } = new PoolUnderTest({ teardown: () => {} }, bootstrapServers, {
      consumers: [consumer],
    });
    const source = pool.sources[0] as (typeof pool.sources)[0];
    const { ring } = source;
    const writer = new RecordRingWriter(source.task.records);
    writer.write(recordFrameOf({}));
    writer.publish();
    ring.next();
    writer.block();
    await pool.close();
    const others = Array.from({ length: 8 }, () => openDoorbell());
    ring.release(ring.position);
    ring.wakeWriter();
    const count = new Uint8Array(8);
    for (const fd of others) {
      t.throws(() => readSync(fd, count), { code: 'EAGAIN' });
      closeDoorbell(fd);
    }
  },
);
