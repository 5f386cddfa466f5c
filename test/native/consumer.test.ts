import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { closeDoorbell, openDoorbell } from '../../src/channel/doorbell.js';
import { readRecord } from '../../src/channel/record-frame.js';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import {
  addon,
  CONSUMER_BLOCKED,
  EVENT_ASSIGN,
  EVENT_ERROR,
  EVENT_LOG,
  EVENT_REVOKE,
  EVENT_STATISTICS,
} from '../../src/kafka/addon.js';
import type { FrameSpec } from '../support/frames.js';
import {
  NativeConsumer,
  type NativeConsumerOptions,
  quickConsumer,
} from '../support/native-consumer.js';
import type { ConsumerWorkerData } from '../support/native-consumer-worker.js';
import { NativeShard, quickProducer } from '../support/native-shard.js';
import { until } from '../support/until.js';

const cluster = new addon.MockCluster(1);
cluster.setGroupDelayMs(10);
t.teardown(() => cluster.close());

type Tap = { teardown(callback: () => void): void };

function consume(t: Tap, options: NativeConsumerOptions): NativeConsumer {
  const consumer = new NativeConsumer(cluster.bootstrapServers, options);
  t.teardown(() => consumer.destroy());
  return consumer;
}

/** Produces these records to partition 0 of a topic of that many. */
async function produce(
  topic: string,
  records: readonly FrameSpec[],
  { partitions = 1, slab = Buffer.alloc(64) } = {},
): Promise<void> {
  cluster.createTopic(topic, partitions);
  await add(topic, records, slab);
}

async function add(
  topic: string,
  records: readonly FrameSpec[],
  slab = Buffer.alloc(64),
): Promise<void> {
  const shard = new NativeShard({ slabBytes: slab.length });
  new Uint8Array(shard.slab).set(slab);
  shard.open(
    { ...quickProducer(cluster.bootstrapServers), 'message.max.bytes': '40000000' },
    topic,
  );
  for (const [deliveryId, record] of records.entries()) await shard.send({ ...record, deliveryId });
  await shard.settle(records.length);
  shard.close();
}

function numbered(count: number, bytes = 0): FrameSpec[] {
  return Array.from({ length: count }, (_, i) => ({ payload: `${i}`.padEnd(bytes, '.') }));
}

function numberOf({ value }: { readonly value: Uint8Array | null }): number {
  return Number.parseInt(Buffer.from(value ?? '').toString(), 10);
}

function isInOrder(consumer: NativeConsumer): boolean {
  return consumer.records.every((record, i) => numberOf(record) === i && record.offset === i);
}

t.test('records arrive in order, with key, headers and time', async (t) => {
  await produce('parts', [
    {
      key: 'k',
      payload: 'first',
      headers: [
        ['a', '1'],
        ['a', '2'],
        ['', ''],
      ],
    },
    { payload: '' },
    { key: '', payload: new Uint8Array([0, 255]) },
  ]);
  const consumer = consume(t, { group: 'parts', topic: 'parts' });
  await consumer.receive(3);
  const [first, second, third] = consumer.records;
  t.match(first, { partition: 0, offset: 0, key: Buffer.from('k'), value: Buffer.from('first') });
  t.strictSame(
    first?.headers.map(([name, value]) => [name, Buffer.from(value ?? 'null').toString()]),
    [
      ['a', '1'],
      ['a', '2'],
      ['', ''],
    ],
  );
  t.ok(Math.abs((first?.timestampMs ?? 0) - Date.now()) < 600_000);
  t.match(second, { offset: 1, key: null, headers: [] });
  t.equal(second?.value?.length, 0, 'an empty value is not null');
  t.equal(third?.key?.length, 0, 'an empty key is not null');
  t.strictSame([...(third?.value ?? [])], [0, 255]);
});

t.test('a consumer of which librdkafka has much to say from the start is served too', async (t) => {
  await produce('talkative', numbered(3));
  const properties = { debug: 'consumer,cgrp,fetch' };
  const consumer = consume(t, { group: 'talkative', topic: 'talkative', properties });
  await consumer.receive(3);
  t.ok(isInOrder(consumer));
  t.ok(consumer.count(EVENT_LOG) > 0);
});

t.test('a small ring carries any number of records, wrapping and blocking', async (t) => {
  await produce('wrap', numbered(3000, 40));
  const consumer = consume(t, { group: 'wrap', topic: 'wrap', ringBytes: 512 });
  await consumer.receive(3000);
  t.equal(consumer.records.length, 3000);
  t.ok(isInOrder(consumer));
  t.ok(consumer.blockedTurns > 0);
});

t.test('a full ring stops consuming, and goes on with what is released', async (t) => {
  await produce('full', numbered(500, 40));
  const consumer = consume(t, { group: 'full', topic: 'full', ringBytes: 1024, releases: false });
  await until('it blocks', () => (consumer.flags & CONSUMER_BLOCKED) !== 0);
  consumer.read();
  const count = consumer.records.length;
  const seen = consumer.count(EVENT_STATISTICS);
  await until('events come still', () => consumer.count(EVENT_STATISTICS) > seen);
  t.equal(consumer.records.length, count, 'and no record');
  while (consumer.records.length < 500) {
    const before = consumer.records.length;
    consumer.release();
    await consumer.receive(before + 1);
  }
  t.ok(isInOrder(consumer));
});

t.test('large bodies lie in the large ring until they are released', async (t) => {
  // The mock cluster keeps 5 MB of a partition.
  const sizes = [1_000_001, 5, 1_100_000, 1_000_200, 600_000, 1_050_000];
  const slab = Buffer.alloc(1_100_000, 'millrace');
  await produce(
    'large',
    sizes.map((bytes) => ({ key: 'key', headers: [['h', 'v']], inSlab: { offset: 0, bytes } })),
    { slab },
  );
  const consumer = consume(t, {
    group: 'large',
    topic: 'large',
    ringBytes: 4 * 1024 * 1024,
    largeBytes: 2_200_000,
    releases: false,
  });
  while (consumer.records.length < sizes.length) {
    await consumer.receive(consumer.records.length + 1);
    consumer.release();
  }
  t.strictSame(
    consumer.records.map(({ value }) => value?.length),
    sizes,
  );
  for (const { key, headers, value } of consumer.records) {
    t.equal(Buffer.from(key ?? '').toString(), 'key');
    t.equal(headers[0]?.[0], 'h');
    t.ok(slab.subarray(0, value?.length).equals(value ?? Buffer.alloc(0)));
  }
});

t.test('a consumer that is opened again spares what main holds in the large ring', async (t) => {
  // Half of the record ring is 256 bytes: what is longer lies in the large ring.
  const payloads = [
    [300, 40, 500, 180, 299, 350, 90, 410].map((bytes) => 'a'.repeat(bytes)),
    [450, 210, 20, 480, 310, 120, 500, 230].map((bytes) => 'b'.repeat(bytes)),
  ];
  for (const [topic, texts] of payloads.entries()) {
    await produce(
      `spared-${topic}`,
      texts.map((payload) => ({ payload })),
    );
  }
  const consumer = consume(t, {
    group: 'spared',
    topic: 'spared-0',
    ringBytes: 512,
    largeBytes: 1_024,
    releases: false,
  });
  const texts = new Set(payloads.flat());
  const isWhole = (position: number) => {
    consumer.ring.at(position);
    const { value } = readRecord(consumer.ring.frame, consumer.ring.large);
    return texts.has(Buffer.from(value ?? '').toString());
  };
  for (let round = 1; round <= 12; round++) {
    await until('the rings are full', () => (consumer.flags & CONSUMER_BLOCKED) !== 0);
    consumer.read();
    t.ok(consumer.held.every(isWhole), `round ${round}`);
    consumer.reopen(`spared-${round}`, `spared-${round % 2}`);
    consumer.flags = 0;
    // The oldest gives its room to the other consumer.
    for (const position of consumer.held.splice(0, 1)) consumer.ring.release(position);
    consumer.ring.wakeWriter();
  }
});

t.test('a record of 16 MiB arrives whole', async (t) => {
  const slab = Buffer.alloc(16 * 1024 * 1024, 'millrace');
  await produce('huge', [{ inSlab: { offset: 0, bytes: slab.length } }], { slab });
  const consumer = consume(t, { group: 'h', topic: 'huge', largeBytes: slab.length });
  await consumer.receive(1);
  t.ok(slab.equals(consumer.records[0]?.value ?? Buffer.alloc(0)));
});

t.test('a record that no room suffices for arrives without its body, in its place', async (t) => {
  await produce('oversize', [
    { payload: '0' },
    { key: 'k', payload: 'x'.repeat(70_000) },
    { payload: '2' },
  ]);
  const consumer = consume(t, {
    group: 'o',
    topic: 'oversize',
    ringBytes: 1024,
    largeBytes: 65_536,
  });
  await consumer.receive(3);
  t.match(consumer.records[1], { offset: 1, oversizeBytes: 70_000, key: null, value: null });
  t.equal(Buffer.from(consumer.records[2]?.value ?? '').toString(), '2');
});

t.test('a group goes on from what was committed', async (t) => {
  await produce('committed', numbered(10));
  const first = new NativeConsumer(cluster.bootstrapServers, { group: 'c', topic: 'committed' });
  await first.receive(10);
  const commit = await first.commit(0, 6);
  t.match(commit, { code: 0, text: '', partitions: [{ partition: 0, offset: 6 }] });
  await first.close();
  const second = consume(t, { group: 'c', topic: 'committed' });
  await second.receive(4);
  t.equal(second.records[0]?.offset, 6);
});

t.test('a commit that the group refuses says so', async (t) => {
  await produce('refused', numbered(1));
  const consumer = consume(t, { group: 'r', topic: 'refused' });
  await consumer.receive(1);
  const OFFSET_COMMIT = 8;
  const GROUP_AUTHORIZATION_FAILED = 30;
  cluster.failRequests(OFFSET_COMMIT, [GROUP_AUTHORIZATION_FAILED]);
  t.match(await consumer.commit(0, 1), { code: GROUP_AUTHORIZATION_FAILED });
});

t.test('partitions move to another member, also while the ring is full', async (t) => {
  await produce('moves', [], { partitions: 2 });
  await add('moves', numbered(400, 40));
  const first = consume(t, { group: 'm', topic: 'moves', ringBytes: 1024, releases: false });
  await until('both partitions', () => first.assigned.size === 2);
  await until('it blocks', () => (first.flags & CONSUMER_BLOCKED) !== 0);
  first.read();
  const held = first.records.length;
  const second = consume(t, { group: 'm', topic: 'moves' });
  await until('each has one', () => first.assigned.size === 1 && second.assigned.size === 1);
  t.notSame([...first.assigned], [...second.assigned]);
  await second.receive(200);
  const moved = [...second.assigned][0] as number;
  while (first.held.length > 0) {
    first.release();
    first.turn();
    first.read();
  }
  await until('the rest', () => first.records.length >= 200, {
    detail: () => first.records.length,
  });
  t.strictSame(
    first.records.slice(held).filter(({ partition }) => partition === moved),
    [],
    'nothing of a revoked partition is written',
  );
  await second.close();
  await until('it has both again', () => first.assigned.size === 2);
  t.ok(first.count(EVENT_ASSIGN) >= 2);
});

t.test('what is dropped is written no more until it is assigned again', async (t) => {
  await produce('dropped', numbered(100, 40));
  const consumer = consume(t, { group: 'd', topic: 'dropped', ringBytes: 512, releases: false });
  await until('it blocks', () => (consumer.flags & CONSUMER_BLOCKED) !== 0);
  consumer.read();
  const before = consumer.records.length;
  consumer.native.drop([0]);
  consumer.release();
  consumer.turn();
  consumer.read();
  t.equal(consumer.records.length, before);
  consumer.native.unassign([0]);
  consumer.native.assign([{ partition: 0, offset: 90 }]);
  while (consumer.records.length < before + 10) {
    await consumer.receive(consumer.records.length + 1);
    consumer.release();
  }
  t.strictSame(
    consumer.records.slice(before).map(({ offset }) => offset),
    Array.from({ length: 10 }, (_, i) => 90 + i),
  );
});

t.test('a pause lasts until it is resumed, and loses nothing', async (t) => {
  await produce('paused', numbered(100));
  const consumer = consume(t, { group: 'p', topic: 'paused' });
  await consumer.receive(100);
  consumer.native.pause();
  await add('paused', numbered(200).slice(100));
  const seen = consumer.count(EVENT_STATISTICS);
  await until('two statistics', () => consumer.count(EVENT_STATISTICS) > seen + 1);
  t.equal(consumer.records.length, 100);
  consumer.native.resume();
  await consumer.receive(200);
  t.ok(isInOrder(consumer));
});

t.test('close gives the partitions back first, and writes no record any more', async (t) => {
  await produce('closes', numbered(100, 40));
  const consumer = new NativeConsumer(cluster.bootstrapServers, {
    group: 'x',
    topic: 'closes',
    ringBytes: 512,
    releases: false,
  });
  await until('it blocks', () => (consumer.flags & CONSUMER_BLOCKED) !== 0);
  consumer.read();
  const count = consumer.records.length;
  consumer.native.close();
  consumer.release();
  await consumer.close();
  consumer.read();
  t.equal(consumer.count(EVENT_REVOKE), 1);
  t.equal(consumer.records.length, count);
  t.throws(() => consumer.native.turn(), /destroyed/);
});

t.test('close ends, however soon librdkafka has done with the group', async (t) => {
  await produce('soon', numbered(1), { partitions: 4 });
  // A static member says no word to the group when it ends, so nothing delays it.
  const properties = { 'group.instance.id': 'soon' };
  for (let i = 0; i < 20; i++) {
    const consumer = consume(t, { group: `soon-${i}`, topic: 'soon', properties });
    await until('it is assigned', () => consumer.assigned.size === 4);
    await consumer.close();
    t.equal(consumer.count(EVENT_REVOKE), 1);
  }
});

t.test('a topic that does not exist is an error, and is not created', async (t) => {
  const UNKNOWN_TOPIC_OR_PART = 3;
  const consumer = consume(t, {
    group: 'n',
    topic: 'nowhere',
    properties: { 'allow.auto.create.topics': 'false' },
  });
  const found = () =>
    consumer.events.some(
      ({ kind, code }) => kind === EVENT_ERROR && code === UNKNOWN_TOPIC_OR_PART,
    );
  await until('the error', found);
  t.ok(found());
});

t.test('Consumer refuses wrong arguments with an error', async (t) => {
  const ring = () => new Uint8Array(createRingMemory(1024));
  const large = new Uint8Array(new SharedArrayBuffer(0));
  const Any = addon.Consumer as unknown as new (...args: readonly unknown[]) => object;
  const properties = { 'group.id': 'g' };
  const wrong: readonly (readonly unknown[])[] = [
    [],
    [properties, 't', ring(), large, 0],
    [properties, '', ring(), large, -1, -1],
    [properties, '^pattern', ring(), large, -1, -1],
    [{}, 't', ring(), large, -1, -1],
    [properties, 't', new Uint8Array(createRingMemory(64)), large, -1, -1],
    [properties, 't', new Uint8Array(192 + 1024), large, -1, -1],
    [properties, 't', ring(), new Uint8Array(64), -1, -1],
    [properties, 1, ring(), large, -1, -1],
  ];
  for (const args of wrong) t.throws(() => new Any(...args), TypeError);
  t.throws(() => new Any({ 'group.id': 1 }, 't', ring(), large, -1, -1), TypeError);
  const consumer = new addon.Consumer(properties, 't', ring(), large, -1, -1);
  const methods = consumer as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const odd = [undefined, null, 1, 'x', {}, [1.5], [-1], [2 ** 30], [{}], [null], [Symbol('s')]];
  for (const name of ['assign', 'unassign', 'drop', 'commit']) {
    for (const value of odd) t.throws(() => methods[name]?.(value), TypeError);
  }
  t.throws(() => methods.assign?.([{ partition: 0, offset: -7 }]), TypeError);
  t.throws(() => methods.commit?.([{ partition: 0, offset: 1 }], 2 ** 32), TypeError);
  const destroying = {
    partition: 0,
    get offset() {
      consumer.destroy();
      return 0;
    },
  };
  t.throws(() => consumer.assign([destroying]), /destroyed/);
  consumer.destroy();
  for (const name of ['turn', 'takeEvents', 'pause', 'resume', 'close']) {
    t.throws(() => methods[name]?.(), /destroyed/, name);
  }
});

t.test('workers that are terminated while they consume leave the process whole', async (t) => {
  await produce('terminated', numbered(2000, 40));
  for (let round = 0; round < 3; round++) {
    const members = await Promise.all([0, 1].map((member) => startWorker(`w${round}-${member}`)));
    await Promise.all(members.map(({ worker }) => worker.terminate()));
    for (const { data } of members) {
      closeDoorbell(data.wakeFd);
      closeDoorbell(data.mainFd);
    }
  }
  const consumer = consume(t, { group: 'after', topic: 'terminated' });
  await consumer.receive(2000);
  t.ok(isInOrder(consumer));
});

async function startWorker(
  group: string,
): Promise<{ readonly worker: Worker; readonly data: ConsumerWorkerData }> {
  const data: ConsumerWorkerData = {
    ring: createRingMemory(1024),
    wakeFd: openDoorbell(),
    mainFd: openDoorbell(),
    topic: 'terminated',
    properties: { ...quickConsumer(cluster.bootstrapServers), 'group.id': group },
  };
  const worker = new Worker(new URL('../support/native-consumer-worker.js', import.meta.url), {
    workerData: data,
  });
  await once(worker, 'message');
  return { worker, data };
}
