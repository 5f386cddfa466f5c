import t, { type Test } from 'tap';
import { KafkaReader, type KafkaReaderOptions } from '../../../src/bench/verify/kafka-reader.js';
import { readRecord } from '../../../src/channel/record-frame.js';
import { addon } from '../../../src/kafka/addon.js';
import type { FrameSpec } from '../../support/frames.js';
import { NativeShard, quickProducer } from '../../support/native-shard.js';
import { until } from '../../support/until.js';

const cluster = new addon.MockCluster(1);
t.teardown(() => cluster.close());

/** To partition 0, where the topic has no more. */
async function produce(topic: string, records: readonly FrameSpec[]): Promise<void> {
  const shard = new NativeShard({ slabBytes: 64 });
  shard.open(quickProducer(cluster.bootstrapServers), topic);
  for (const [deliveryId, record] of records.entries()) {
    await shard.send({ ...record, deliveryId });
    // No more than its ring holds.
    if (deliveryId % 100 === 99) await shard.settle(deliveryId + 1);
  }
  await shard.settle(records.length);
  shard.close();
}

function open(t: Test, topic: string, options: Partial<KafkaReaderOptions> = {}) {
  const values: string[] = [];
  let batches = 0;
  const reader = new KafkaReader({
    bootstrapServers: cluster.bootstrapServers,
    topic,
    partitions: 1,
    recordBytesMax: 1000,
    onRecord: ({ frame, large }) => {
      const { value, oversizeBytes } = readRecord(frame, large);
      values.push(value === null ? `${oversizeBytes} bytes` : Buffer.from(value).toString());
    },
    onBatch: () => {
      batches += 1;
    },
    onFailed: (error) => t.fail(error.message),
    ...options,
  });
  t.teardown(() => reader.close());
  return { reader, values, batches: () => batches };
}

const STALL = { stallMs: 20_000 };

t.test('a topic is read from its beginning to its end, and on as it grows', async (t) => {
  cluster.createTopic('growing', 1);
  await produce('growing', [{ payload: 'a' }, { payload: 'b' }]);
  const { reader, values, batches } = open(t, 'growing');
  t.equal(await reader.readTo([2], STALL), true);
  t.same(values, ['a', 'b']);
  await produce('growing', [{ payload: 'c' }]);
  await until('what came later', () => values.length === 3);
  t.equal(await reader.readTo([3], STALL), true);
  t.ok(batches() >= 2);
  t.equal(reader.records, 3);
});

t.test('more records than the ring holds come all, in order', async (t) => {
  cluster.createTopic('many', 1);
  const payload = 'x'.repeat(2000);
  const numbers = Array.from({ length: 2200 }, (_, n) => String(n).padStart(5, '0'));
  await produce(
    'many',
    numbers.map((n) => ({ payload: n + payload })),
  );
  const { reader, values } = open(t, 'many', { recordBytesMax: 3000 });
  t.equal(await reader.readTo([2200], STALL), true);
  t.same(
    values.map((value) => value.slice(0, 5)),
    numbers,
  );
});

t.test('an end that is never reached is told of, and so is an interruption', async (t) => {
  cluster.createTopic('short', 1);
  await produce('short', [{ payload: 'a' }]);
  const { reader, values } = open(t, 'short');
  t.equal(await reader.readTo([2], { stallMs: 300 }), false);
  t.same(values, ['a']);
  const interrupted = AbortSignal.abort();
  t.equal(await reader.readTo([2], { ...STALL, interrupted }), false);
});

t.test('a reader that was closed hands nothing over any more', async (t) => {
  cluster.createTopic('closed', 1);
  await produce('closed', [{ payload: 'a' }]);
  const { reader, values } = open(t, 'closed');
  reader.close();
  reader.close();
  t.equal(await reader.readTo([1], STALL), false);
  t.same(values, []);
});
