import assert from 'node:assert/strict';
import t from 'tap';
import { murmur2, shardOf } from '../../src/shard/shard-of.js';
import { forSeeds } from '../support/random.js';

const utf8 = new TextEncoder();
const hash = (text: string) => murmur2(utf8.encode(text), 0, utf8.encode(text).length);

t.test("the hash is that of Kafka's Java client", async (t) => {
  // From its UtilsTest.testMurmur2.
  for (const [text, expected] of [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ] as const) {
    t.equal(hash(text), expected, text);
  }
});

t.test('only the bytes between start and end are hashed, wherever they lie', (t) =>
  forSeeds(t, 1_000, (random) => {
    const key = random.bytes(random.below(30));
    const before = random.below(9);
    const bytes = Buffer.concat([random.bytes(before), key, random.bytes(random.below(9))]);
    const end = before + key.length;
    assert.equal(murmur2(bytes, before, end), murmur2(key, 0, key.length));
    for (const shards of [1, 2, 3, 7]) {
      const shard = shardOf(bytes, before, end, shards);
      assert.ok(Number.isInteger(shard) && shard >= 0 && shard < shards);
    }
  }),
);

t.test('keys of one partition are spread over the shards', async (t) => {
  // Both are remainders of one hash: were they of the same bits, a partition would have one shard.
  const partitions = 4;
  for (const shards of [2, 4]) {
    const pairs = new Set<string>();
    for (let i = 0; i < 1_000; i++) {
      const key = utf8.encode(`device-${i}`);
      const partition = (murmur2(key, 0, key.length) & 0x7fffffff) % partitions;
      pairs.add(`${partition} ${shardOf(key, 0, key.length, shards)}`);
    }
    t.equal(pairs.size, partitions * shards);
  }
});
