import t from 'tap';
import { createMessage, type PublishInput } from '../../../../src/demo/broker/message.js';
import { RetainedMessages } from '../../../../src/demo/broker/topic/retained.js';
import { parseTopicFilter } from '../../../../src/demo/broker/topic/topic-filter.js';
import { ManualClock } from '../../../support/manual-clock.js';

function setUp(messagesMax: number) {
  const clock = new ManualClock();
  const retained = new RetainedMessages(messagesMax);
  const put = (input: PublishInput) => retained.put(createMessage(input, clock));
  const found = (text: string) => {
    const filter = parseTopicFilter(text);
    if (filter === undefined) throw new Error(`${text} is not a topic filter`);
    return retained.matching(filter, clock).map(({ topic, payload }) => `${topic} ${payload}`);
  };
  return { clock, retained, put, found };
}

t.test('a new topic name beyond the limit is not retained, an old one is replaced', async (t) => {
  const { put, found } = setUp(2);
  t.equal(put({ topic: 'a', payload: '1' }), true);
  t.equal(put({ topic: 'b', payload: '2' }), true);
  t.equal(put({ topic: 'c', payload: '3' }), false);
  t.equal(put({ topic: 'a', payload: '4' }), true);
  t.strictSame(found('#'), ['a 4', 'b 2']);
  put({ topic: 'b' });
  t.equal(put({ topic: 'c', payload: '3' }), true);
  t.strictSame(found('+'), ['a 4', 'c 3']);
});

t.test('an expired message is gone', async (t) => {
  const { clock, put, found, retained } = setUp(2);
  put({ topic: 'a', payload: 'short', expirySeconds: 1 });
  put({ topic: 'b', payload: 'long', expirySeconds: 9 });
  clock.advance(1_001);
  t.strictSame(found('#'), ['b long']);
  t.equal(retained.size, 1);
});
