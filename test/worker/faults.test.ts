import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import type { FromWorker } from '../../src/channel/protocol.js';
import {
  ABANDONED,
  DELIVERED,
  EXPIRED,
  type Settlement,
} from '../../src/channel/settlement-ring.js';
import { addon, type MockCluster } from '../../src/kafka/addon.js';
import { readRecords } from '../support/kafka-records.js';
import { MockWorker } from '../support/mock-worker.js';
import { forSeeds, type Random } from '../support/random.js';
import { until } from '../support/until.js';

/* The loop and the real addon against librdkafka's mock cluster, which fails on demand. It checks no
 * sequence numbers: what idempotence gives is proved on a real Kafka. */

const PRODUCE = 0;
const UNKNOWN_TOPIC = 3;
const TOO_LARGE = 10;
const NOT_AUTHORISED = 29;

interface Parts {
  readonly cluster: MockCluster;
  readonly worker: MockWorker;
}

function start(
  t: Tap,
  topic: string,
  more: { messageBytesMax?: number; partitions?: number } = {},
) {
  const cluster = new addon.MockCluster(1);
  if (more.partitions !== 0) cluster.createTopic(topic, more.partitions ?? 1);
  const worker = new MockWorker(cluster.bootstrapServers, more);
  t.teardown(() => {
    worker.close();
    cluster.close();
  });
  return { cluster, worker } satisfies Parts;
}
type Tap = { teardown(callback: () => void): void };

function numbered(count: number, from = 0) {
  return Array.from({ length: count }, (_, i) => ({
    deliveryId: from + i,
    payload: String(from + i),
  }));
}

/** The payloads of a topic, each as its number. */
async function payloads({ cluster }: Parts, topic: string): Promise<number[]> {
  const records = await readRecords(cluster.bootstrapServers, topic);
  return records.map(({ value }) => Number(value));
}

function are(how: Settlement, { worker }: Parts): boolean {
  return [...worker.settled.values()].every((settlement) => settlement === how);
}

const is = (code: string | undefined) => (message: FromWorker) =>
  message.kind === 'held' && message.code === code;

for (const idempotent of [true, false]) {
  const acks = idempotent ? 'acks all' : 'acks one';
  const settings = idempotent ? {} : { idempotent, requestsInFlightMax: 1 };

  t.test(`a Kafka that comes late is waited for, ${acks}`, async (t) => {
    const parts = start(t, 'late');
    const { cluster, worker } = parts;
    cluster.setBrokerUp(1, false);
    worker.open('late', settings);
    await worker.write(numbered(3000));
    await worker.posts('kafka', (m) => m.kind === 'kafka' && !m.up);
    t.equal(worker.settled.size, 0);
    cluster.setBrokerUp(1, true);
    await worker.ended(3000);
    t.ok(are(DELIVERED, parts));
    t.same(await payloads(parts, 'late'), [...Array(3000).keys()], 'each once, in order');
    await worker.posts('kafka', (m) => m.kind === 'kafka' && m.up);
  });

  t.test(`a Kafka that goes and comes back loses nothing, ${acks}`, async (t) => {
    const parts = start(t, 'gone');
    const { cluster, worker } = parts;
    worker.open('gone', settings);
    for (let round = 0; round < 3; round++) {
      await worker.write(numbered(1000, round * 2000));
      cluster.setBrokerUp(1, false);
      await worker.write(numbered(1000, round * 2000 + 1000));
      cluster.setBrokerUp(1, true);
      await worker.ended((round + 1) * 2000);
    }
    t.ok(are(DELIVERED, parts));
    // Without sequence numbers in the mock, a request that was answered to nobody is there twice.
    const first = [...new Set(await payloads(parts, 'gone'))];
    t.same(first, [...Array(6000).keys()]);
  });

  t.test(`topics whose batches are refused again and again lose nothing, ${acks}`, async (t) => {
    const parts = start(t, 'first');
    const { cluster, worker } = parts;
    const topics = ['first', 'second', 'third'];
    for (const [targetId, topic] of topics.entries()) {
      if (targetId > 0) cluster.createTopic(topic, 1);
      worker.open(topic, settings, targetId);
    }
    for (let round = 0; round < 5; round++) {
      cluster.failRequests(PRODUCE, [TOO_LARGE, 0, TOO_LARGE, TOO_LARGE]);
      const batch = numbered(300, round * 300);
      await worker.write(batch.map((record) => ({ ...record, targetId: record.deliveryId % 3 })));
      await worker.ended((round + 1) * 300);
    }
    for (const [targetId, topic] of topics.entries()) {
      const ids = [...Array(1500).keys()].filter((id) => id % 3 === targetId);
      // The mock takes a request behind a refused one, which a real Kafka would not of an idempotent
      // producer: so no word on the order.
      const there = (await payloads(parts, topic)).sort((a, b) => a - b);
      t.same(
        there,
        ids.filter((id) => !worker.refused.has(id)),
        'each once',
      );
    }
  });

  t.test(`every member of a refused batch is sent again alone, ${acks}`, async (t) => {
    const parts = start(t, 'refused');
    const { cluster, worker } = parts;
    worker.open('refused', settings);
    await worker.write(numbered(1));
    await worker.ended(1);
    cluster.failRequests(PRODUCE, [TOO_LARGE]);
    await worker.write(numbered(500, 1));
    await worker.ended(501);
    t.equal(worker.refused.size, 0, 'none was at fault by itself');
    const found = await payloads(parts, 'refused');
    t.same(
      [...found].sort((a, b) => a - b),
      [...Array(501).keys()],
    );
    await worker.write(numbered(10, 501));
    await worker.ended(511);
    t.ok(are(DELIVERED, parts));
  });

  t.test(`what is not authorised is held, and flows when it is, ${acks}`, async (t) => {
    const parts = start(t, 'denied');
    const { cluster, worker } = parts;
    worker.open('denied', settings);
    await worker.write(numbered(1));
    await worker.ended(1);
    cluster.failRequests(PRODUCE, [NOT_AUTHORISED, NOT_AUTHORISED]);
    await worker.write(numbered(200, 1));
    await worker.posts('held', is('TOPIC_AUTHORIZATION_FAILED'));
    await worker.posts('held', is(undefined));
    await worker.ended(201);
    t.ok(are(DELIVERED, parts));
    t.equal(new Set(await payloads(parts, 'denied')).size, 201);
  });
}

t.test('a topic whose metadata is denied is held, and flows when it is not', async (t) => {
  const parts = start(t, 'hidden');
  const { cluster, worker } = parts;
  cluster.failTopic('hidden', NOT_AUTHORISED);
  worker.open('hidden');
  await worker.write(numbered(50));
  await worker.posts('held', is('TOPIC_AUTHORIZATION_FAILED'));
  t.equal(worker.settled.size, 0);
  cluster.failTopic('hidden', 0);
  await worker.ended(50);
  t.ok(are(DELIVERED, parts));
  t.same(await payloads(parts, 'hidden'), [...Array(50).keys()]);
});

t.test('a topic that is not there yet is waited for', async (t) => {
  const parts = start(t, 'unborn');
  const { cluster, worker } = parts;
  cluster.failTopic('unborn', UNKNOWN_TOPIC);
  worker.open('unborn');
  await worker.write(numbered(50));
  await worker.posts('kafka', (m) => m.kind === 'kafka' && m.up);
  t.equal(worker.settled.size, 0);
  t.equal(worker.refused.size, 0);
  cluster.failTopic('unborn', 0);
  await worker.ended(50);
  t.same(await payloads(parts, 'unborn'), [...Array(50).keys()]);
});

t.test('a record too large for librdkafka is refused, and no other', async (t) => {
  const parts = start(t, 'large', { messageBytesMax: 2000 });
  const { worker } = parts;
  worker.open('large');
  const large = { deliveryId: 20, payload: 'x'.repeat(3000) };
  await worker.write([...numbered(20), large, ...numbered(20, 21)]);
  await worker.ended(41);
  t.same([...worker.refused], [20]);
  t.ok(are(DELIVERED, parts));
  const said = worker.posted.filter(({ kind }) => kind === 'refused');
  t.match(said, [{ code: 'MSG_SIZE_TOO_LARGE' }]);
});

t.test('without Kafka a record that can expire does, and the others arrive', async (t) => {
  const parts = start(t, 'expiring');
  const { cluster, worker } = parts;
  cluster.setBrokerUp(1, false);
  worker.open('expiring');
  const soon = systemClock.monotonicMs() + 1500;
  const later = systemClock.monotonicMs() + 3_600_000;
  await worker.write([
    { deliveryId: 0, payload: '0', deadlineMs: soon },
    { deliveryId: 1, payload: '1' },
    { deliveryId: 2, payload: '2', deadlineMs: later, headers: [['expiry', null]] },
  ]);
  await worker.posts('kafka', (m) => m.kind === 'kafka' && !m.up);
  await until('its time is over', () => systemClock.monotonicMs() > soon);
  cluster.setBrokerUp(1, true);
  await worker.ended(3);
  t.same(
    [0, 1, 2].map((id) => worker.settled.get(id)),
    [EXPIRED, DELIVERED, DELIVERED],
  );
  const records = await readRecords(cluster.bootstrapServers, 'expiring');
  t.same(
    records.map(({ value }) => String(value)),
    ['1', '2'],
  );
  const [[name, seconds] = []] = records[1]?.headers ?? [];
  t.equal(name, 'expiry');
  t.ok(Number(seconds) < 3600, 'the header says what remains now');
});

t.test('an answer that nobody understands abandons what may be there', async (t) => {
  const parts = start(t, 'sequence');
  const { cluster, worker } = parts;
  worker.answersLosses = false;
  worker.open('sequence');
  await worker.write(numbered(1));
  await worker.ended(1);
  cluster.failRequests(PRODUCE, [45]);
  await worker.write(numbered(20, 1));
  await worker.posts('producerLost');
  await worker.ended(21);
  const abandoned = [...worker.settled].filter(([, how]) => how === ABANDONED);
  t.ok(abandoned.length > 0);
  await worker.write(numbered(5, 21));
  await worker.ended(26);
  t.same(
    [...Array(5).keys()].map((i) => worker.settled.get(21 + i)),
    Array(5).fill(ABANDONED),
    'until main has closed the connections',
  );
  worker.control({ kind: 'barrier', loss: 1 });
  await worker.write(numbered(5, 26));
  await worker.ended(31);
  for (let id = 26; id < 31; id++) t.equal(worker.settled.get(id), DELIVERED);
});

const CODES = [TOO_LARGE, NOT_AUTHORISED, UNKNOWN_TOPIC, 6, 7, 19, 45, 87, 0];

async function storm(random: Random): Promise<void> {
  const cluster = new addon.MockCluster(1);
  cluster.createTopic('storm', 3);
  const worker = new MockWorker(cluster.bootstrapServers);
  const settings = random.chance(0.5) ? {} : { idempotent: false, requestsInFlightMax: 1 };
  worker.open('storm', settings);
  worker.open('other', settings, 1);
  try {
    let written = 0;
    for (let step = 0; step < 12; step++) {
      const codes = Array.from({ length: random.below(4) }, () => random.pick(CODES));
      if (codes.length > 0) cluster.failRequests(PRODUCE, codes);
      const up = random.chance(0.85);
      if (!up) cluster.setBrokerUp(1, false);
      const batch = numbered(random.between(1, 300), written);
      written += batch.length;
      await worker.write(batch.map((spec) => ({ ...spec, targetId: random.below(2) })));
      if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
      if (!up) cluster.setBrokerUp(1, true);
    }
    await worker.ended(written);
    const found = new Set<number>();
    for (const topic of ['storm', 'other']) {
      for (const n of await payloads({ cluster, worker }, topic)) found.add(n);
    }
    for (const [id, how] of worker.settled) {
      if (how === DELIVERED && !found.has(id)) throw new Error(`${id} is delivered and not there`);
    }
    for (const id of worker.refused) {
      if (found.has(id)) throw new Error(`${id} is refused and there`);
    }
  } finally {
    worker.close();
    cluster.close();
  }
}

t.test(
  'in a storm of failures every record comes to one end, and what is delivered is there',
  async (t) => {
    await forSeeds(t, 4, storm);
  },
);
