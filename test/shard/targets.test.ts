import t from 'tap';
import { ROUND_ROBIN } from '../../src/channel/protocol.js';
import { type Target, Targets } from '../../src/shard/targets.js';
import { idleShard } from '../support/idle-shard.js';

const producer = {
  lingerMs: 0,
  batchMessagesMax: 1_000,
  batchBytesMax: 1_000_000,
  idempotent: true,
  requestsInFlightMax: 5,
};
const topic = {
  topic: 'a',
  acks: 'all',
  compression: 'none',
  rule: ROUND_ROBIN,
  instanceId: 0,
} as const;

t.test('equal settings are one target', async (t) => {
  const targets = new Targets(2);
  const target = targets.get(producer, topic);
  t.equal(targets.get({ ...producer }, { ...topic }), target);
  t.equal(targets.byId(target.id), target);
  t.equal(targets.byId(target.id + 1), undefined);
  t.strictSame([...target.knownTo], [-1, -1]);
});

t.test('other topics share the producer; other client settings do not', async (t) => {
  const targets = new Targets(1);
  const a = targets.get(producer, topic);
  const b = targets.get(producer, { ...topic, topic: 'b' });
  t.not(a.id, b.id);
  t.strictSame(a.open.producer, b.open.producer);
  const other = targets.get({ ...producer, lingerMs: 5 }, topic);
  t.not(other.id, a.id);
  t.equal(other.open.producer.variant, 0);
});

t.test('one topic with other settings takes a producer of its own', async (t) => {
  const targets = new Targets(1);
  const variants = [
    targets.get(producer, topic),
    targets.get(producer, { ...topic, compression: 'lz4' }),
    targets.get(producer, { ...topic, acks: 'one' }),
    targets.get(producer, { ...topic, instanceId: 1 }),
  ];
  t.strictSame(
    variants.map(({ open }) => open.producer.variant),
    [0, 1, 2, 3],
  );
  t.equal(targets.get(producer, { ...topic, acks: 'one' }), variants[2]);
  t.equal(new Set(variants.map(({ id }) => id)).size, 4);
});

t.test('a worker is told once of each target, and its successor again', async (t) => {
  const targets = new Targets(1);
  const target: Target = targets.get(producer, topic);
  const shard = idleShard();
  shard.ready = true;
  const before = shard.frames.reserve(8);
  t.ok(targets.tell(target, shard));
  const told = shard.frames.reserve(8);
  t.not(told, before, 'a control frame was written');
  t.ok(targets.tell(target, shard));
  t.equal(shard.frames.reserve(8), told, 'and no second one');
  shard.reset();
  t.notOk(targets.tell(target, shard), 'nobody reads yet');
  shard.ready = true;
  t.ok(targets.tell(target, shard));
  t.not(shard.frames.reserve(8), 0);
});
