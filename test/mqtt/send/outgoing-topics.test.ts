import t from 'tap';
import { TOPIC_CACHED_BYTES_MAX } from '../../../src/config/limits.js';
import { OutgoingAliases } from '../../../src/mqtt/send/outgoing-aliases.js';
import { type OutgoingTopic, OutgoingTopics } from '../../../src/mqtt/send/outgoing-topics.js';

t.test('a name is one topic for as long as it is in the cache', async (t) => {
  const topics = new OutgoingTopics(2, 1);
  const first = topics.find('plant/ü');
  t.equal(topics.find('plant/ü'), first);
  t.strictSame(Buffer.from(first?.bytes ?? []).toString(), 'plant/ü');
  topics.find('b');
  t.equal(topics.find('plant/ü'), first);
  topics.find('c');
  t.not(topics.find('plant/ü'), first, 'a full cache is emptied');
});

t.test('a topic is known by its bytes once it was found by its name', async (t) => {
  const topics = new OutgoingTopics(2, 1);
  const memory = Buffer.from('plant/ü and more');
  t.equal(topics.known(memory, 8), undefined);
  const topic = topics.find('plant/ü');
  t.equal(topics.known(memory, 8), topic);
  t.equal(topics.known(memory, 9), undefined);
});

t.test('what MQTT can have no topic of is none', async (t) => {
  const topics = new OutgoingTopics(8, 1);
  for (const name of ['', 'a/+', '#', 'a\0', 'a\ud800', 'x'.repeat(65_536), 'ü'.repeat(32_768)]) {
    t.equal(topics.find(name), undefined, name.slice(0, 10));
  }
  t.equal(topics.find('x'.repeat(65_535))?.bytes.length, 65_535);
});

t.test('a long name is not remembered, and takes no alias from those that are', async (t) => {
  const topics = new OutgoingTopics(8, 1);
  const aliases = new OutgoingAliases(10);
  const short = topics.find('x'.repeat(TOPIC_CACHED_BYTES_MAX)) as OutgoingTopic;
  t.equal(topics.find(short.name), short);
  t.equal(aliases.aliasOf(short), 1);
  const name = 'x'.repeat(TOPIC_CACHED_BYTES_MAX + 1);
  const long = topics.find(name) as OutgoingTopic;
  t.equal(long.name, name);
  t.not(topics.find(name), long);
  t.equal(aliases.aliasOf(long), 0);
  t.equal(aliases.aliasOf(topics.find('next') as OutgoingTopic), 2);
});
