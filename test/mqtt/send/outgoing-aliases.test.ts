import t from 'tap';
import { ALIAS_KNOWN, OutgoingAliases } from '../../../src/mqtt/send/outgoing-aliases.js';
import { OutgoingTopic } from '../../../src/mqtt/send/outgoing-topics.js';

const topic = (name: string) => new OutgoingTopic(name, Buffer.from(name));

t.test('an alias is introduced once and holds until it is given to another topic', async (t) => {
  const aliases = new OutgoingAliases(2);
  const [a, b, c] = ['topic/a', 'topic/b', 'topic/c'].map(topic) as [
    OutgoingTopic,
    OutgoingTopic,
    OutgoingTopic,
  ];
  t.equal(aliases.aliasOf(a), 1);
  t.equal(aliases.aliasOf(a), 1 | ALIAS_KNOWN);
  t.equal(aliases.aliasOf(b), 2);
  t.equal(aliases.aliasOf(c), 1, 'the one introduced longest ago is taken');
  t.equal(aliases.aliasOf(b), 2 | ALIAS_KNOWN);
  t.equal(aliases.aliasOf(a), 2);
  t.equal(aliases.aliasOf(c), 1 | ALIAS_KNOWN);
});

t.test('an alias means nothing on another connection, nor after its own', async (t) => {
  const a = topic('topic/a');
  const one = new OutgoingAliases(5);
  t.equal(one.aliasOf(topic('topic/b')), 1);
  t.equal(one.aliasOf(a), 2);
  const other = new OutgoingAliases(5);
  t.equal(other.aliasOf(a), 1);
  t.equal(one.aliasOf(a), 3, 'another one here, since it had lost its own');
  other.close();
  t.equal(one.aliasOf(a), 3 | ALIAS_KNOWN);
  one.close();
  t.equal(a.aliases, undefined);
});

t.test('without a Topic Alias Maximum, or for a short name, there is none', async (t) => {
  t.equal(new OutgoingAliases(0).aliasOf(topic('topic/a')), 0);
  t.equal(new OutgoingAliases(9).aliasOf(topic('a/b')), 0);
});
