import t from 'tap';
import {
  PROTOCOL_ERROR,
  TOPIC_ALIAS_INVALID,
  TOPIC_NAME_INVALID,
} from '../../../src/mqtt/reason-code.js';
import { TopicAliases } from '../../../src/mqtt/receive/topic-alias.js';
import { TopicCache } from '../../../src/mqtt/receive/topic-cache.js';
import { readByLane } from '../../support/lane.js';
import { encodePublish, parts, TOPIC_ALIAS, u16 } from '../../support/publish-packets.js';

function publishTo(topic: string, alias?: number) {
  const properties = alias === undefined ? [] : [[TOPIC_ALIAS, u16(alias)] as const];
  return readByLane(encodePublish(parts({ topic: Buffer.from(topic), properties }))).publish;
}

function createAliases(maximum = 10) {
  return new TopicAliases(maximum, new TopicCache(16, 1e6, 1));
}

t.test('an alias stands for the last topic name that came with it', async (t) => {
  const aliases = createAliases();
  const resolve = (topic: string, alias?: number) => {
    const publish = publishTo(topic, alias);
    t.equal(aliases.resolve(publish), undefined);
    return publish.topic?.name;
  };
  t.equal(resolve('a', 1), 'a');
  t.equal(resolve('b', 10), 'b');
  t.equal(resolve('', 1), 'a');
  t.equal(resolve('c', 1), 'c');
  t.equal(resolve('', 1), 'c');
  t.equal(resolve('', 10), 'b');
  t.equal(resolve('a'), 'a');
});

t.test('an alias over the maximum is refused, with a topic name too', async (t) => {
  const aliases = createAliases();
  t.match(aliases.resolve(publishTo('a', 11)), { reasonCode: TOPIC_ALIAS_INVALID });
  t.match(createAliases(0).resolve(publishTo('a', 1)), { reasonCode: TOPIC_ALIAS_INVALID });
});

t.test('an alias that stands for nothing yet is refused', async (t) => {
  const aliases = createAliases();
  aliases.resolve(publishTo('a', 1));
  t.match(aliases.resolve(publishTo('', 2)), { reasonCode: PROTOCOL_ERROR });
  t.match(createAliases().resolve(publishTo('', 1)), { reasonCode: PROTOCOL_ERROR });
});

t.test('a bad topic name sets no alias', async (t) => {
  const aliases = createAliases();
  t.match(aliases.resolve(publishTo('a/#', 1)), { reasonCode: TOPIC_NAME_INVALID });
  t.match(aliases.resolve(publishTo('', 1)), { reasonCode: PROTOCOL_ERROR });
});
