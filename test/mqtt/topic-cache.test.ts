import assert from 'node:assert/strict';
import t from 'tap';
import { TopicCache } from '../../src/mqtt/topic-cache.js';
import { forSeeds } from '../support/random.js';

const utf8 = new TextEncoder();

function find(cache: TopicCache, name: string) {
  const bytes = utf8.encode(`<${name}>`);
  return cache.find(bytes, 1, bytes.length - 1);
}

t.test('the same bytes give the same topic, and what was derived stays with it', async (t) => {
  const cache = new TopicCache(8, 1);
  const topic = find(cache, 'plant/é');
  t.match(topic, { name: 'plant/é' });
  t.strictSame(topic?.bytes, utf8.encode('plant/é'));
  topic?.derived.push('something');
  t.equal(find(cache, 'plant/é'), topic);
  t.not(find(cache, 'plant/e'), topic);
});

t.test('what is no topic name is not kept', async (t) => {
  const cache = new TopicCache(8, 1);
  for (const name of ['', 'a/#', 'a/+', 'a\0']) {
    t.equal(find(cache, name), undefined);
    t.equal(find(cache, name), undefined, 'not the second time either');
  }
  t.equal(cache.find(Uint8Array.of(0xff), 0, 1), undefined);
});

t.test('a topic outlives the buffer that it came in', async (t) => {
  const cache = new TopicCache(8, 1);
  const bytes = utf8.encode('a/b');
  const topic = cache.find(bytes, 0, 3);
  bytes.fill(0x7a);
  t.equal(topic?.name, 'a/b');
  t.equal(find(cache, 'a/b'), topic);
});

t.test('a full cache forgets, and goes on', async (t) => {
  const cache = new TopicCache(4, 1);
  const first = find(cache, 'a');
  for (const name of ['b', 'c', 'd']) find(cache, name);
  t.equal(find(cache, 'a'), first, 'exactly as many as it holds');
  find(cache, 'e');
  t.not(find(cache, 'a'), first, 'forgotten with one more');
  t.equal(find(cache, 'a')?.name, 'a');
});

t.test('tiny caches with any seed give the right topic for any name', (t) =>
  forSeeds(t, 300, (random) => {
    const cache = new TopicCache(2 ** random.between(0, 4), random.below(2 ** 32));
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
