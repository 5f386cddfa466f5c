import assert from 'node:assert/strict';
import t from 'tap';
import { TOPIC_CACHED_BYTES_MAX } from '../../../src/config/limits.js';
import { TopicCache } from '../../../src/mqtt/receive/topic-cache.js';
import { forSeeds } from '../../support/random.js';

const utf8 = new TextEncoder();

function find(cache: TopicCache, name: string) {
  const bytes = utf8.encode(`<${name}>`);
  return cache.find(bytes, 1, bytes.length - 1);
}

t.test('the same bytes give the same topic, and what was derived stays with it', async (t) => {
  const cache = new TopicCache(8, 1e6, 1);
  const topic = find(cache, 'plant/é');
  t.match(topic, { name: 'plant/é' });
  t.strictSame(topic?.bytes, utf8.encode('plant/é'));
  topic?.keep(2, 'something', 10);
  t.equal(find(cache, 'plant/é'), topic);
  t.equal(topic?.derivedOf(2), 'something');
  t.not(find(cache, 'plant/e'), topic);
});

t.test('what is no topic name is not kept', async (t) => {
  const cache = new TopicCache(8, 1e6, 1);
  for (const name of ['', 'a/#', 'a/+', 'a\0']) {
    t.equal(find(cache, name), undefined);
    t.equal(find(cache, name), undefined, 'not the second time either');
  }
  t.equal(cache.find(Uint8Array.of(0xff), 0, 1), undefined);
});

t.test('a topic outlives the buffer that it came in', async (t) => {
  const cache = new TopicCache(8, 1e6, 1);
  const bytes = utf8.encode('a/b');
  const topic = cache.find(bytes, 0, 3);
  bytes.fill(0x7a);
  t.equal(topic?.name, 'a/b');
  t.equal(find(cache, 'a/b'), topic);
});

t.test('a full cache forgets, and goes on', async (t) => {
  const cache = new TopicCache(4, 1e6, 1);
  const first = find(cache, 'a');
  for (const name of ['b', 'c', 'd']) find(cache, name);
  t.equal(find(cache, 'a'), first, 'exactly as many as it holds');
  find(cache, 'e');
  t.not(find(cache, 'a'), first, 'forgotten with one more');
  t.equal(find(cache, 'a')?.name, 'a');
});

t.test('what is derived counts: the cache forgets when its bytes are full', async (t) => {
  const cache = new TopicCache(64, 10_000, 1);
  const first = find(cache, 'a');
  t.ok(cache.bytes > 0, 'a topic alone takes something');
  first?.keep(0, 'little', 100);
  find(cache, 'b');
  t.equal(find(cache, 'a'), first);
  first?.keep(1, 'much', 10_000);
  t.equal(find(cache, 'a'), first, 'one in use is not forgotten by being used');
  find(cache, 'c');
  t.not(find(cache, 'a'), first);
  t.equal(first?.derivedOf(0), undefined, 'who still has it does not have what was derived');
  t.equal(first?.derivedOf(1), undefined);
  t.equal(first?.name, 'a');
  const { bytes } = cache;
  first?.keep(0, 'derived anew, for an alias', 10_000);
  t.equal(cache.bytes, bytes, 'the new filling is not charged for it');
});

t.test('any number of names takes no more bytes than are allowed, and one topic', async (t) => {
  const bytesMax = 100_000;
  const cache = new TopicCache(1024, bytesMax, 1);
  for (let i = 0; i < 3_000; i++) {
    const topic = find(cache, `${i}/${'x'.repeat(i % 500)}`);
    t.ok(topic?.name.startsWith(`${i}/`) && cache.bytes < bytesMax + 2_000);
    topic?.keep(0, i, 300);
  }
});

t.test('a long name is no lasting topic, and nothing is kept with it', async (t) => {
  const cache = new TopicCache(8, 1e6, 1);
  const short = find(cache, 'é'.repeat(TOPIC_CACHED_BYTES_MAX / 2));
  t.equal(short?.isLong, false);
  t.equal(find(cache, short?.name ?? ''), short, 'as long as may be');
  const before = cache.bytes;
  const name = 'x'.repeat(TOPIC_CACHED_BYTES_MAX + 1);
  const long = find(cache, name);
  t.equal(long?.name, name);
  t.equal(long?.isLong, true);
  long?.keep(0, 'derived', 10);
  t.equal(long?.derivedOf(0), undefined);
  t.not(find(cache, name), long);
  t.equal(cache.bytes, before);
  t.equal(find(cache, `${name}#`), undefined, 'and is checked like any other');
});

t.test('what several routes derive is kept for each, whichever came first', async (t) => {
  const topic = find(new TopicCache(8, 1e6, 1), 'a');
  for (const index of [700, 3, 0, 3]) topic?.keep(index, `of ${index}`, 10);
  for (const index of [700, 3, 0]) t.equal(topic?.derivedOf(index), `of ${index}`);
  t.equal(topic?.derivedOf(1), undefined);
});

t.test(
  'what the only route of a subscription derived is found by both, and forgotten',
  async (t) => {
    const cache = new TopicCache(1, 1e6, 1);
    const topic = find(cache, 'a');
    t.equal(topic?.soleOf(0, 7), undefined);
    topic?.keepSole(0, 7, 'planned');
    t.equal(topic?.soleOf(0, 7), 'planned');
    t.equal(topic?.soleOf(0, 8), undefined, 'another subscription');
    t.equal(topic?.soleOf(1, 7), undefined, 'the same identifier in another session');
    find(cache, 'b');
    t.equal(topic?.soleOf(0, 7), undefined, 'forgotten with its topic');
  },
);

t.test('a cache that grows finds all that it had', async (t) => {
  const cache = new TopicCache(2 ** 14, 1e9, 5);
  const topics = Array.from({ length: 2 ** 14 }, (_, n) => find(cache, `t/${n}`));
  t.ok(topics.every((topic, n) => topic !== undefined && find(cache, `t/${n}`) === topic));
});

t.test('tiny caches with any seed give the right topic for any name', (t) =>
  forSeeds(t, 300, (random) => {
    const cache = new TopicCache(2 ** random.between(0, 4), 1e6, random.below(2 ** 32));
    for (let i = 0; i < 200; i++) {
      const name = random.pick([
        'a',
        'b',
        'aa',
        'ab',
        'ba',
        'é',
        'a/b',
        'b/a',
        `x${random.below(30)}`,
      ]);
      assert.equal(find(cache, name)?.name, name);
    }
  }),
);
