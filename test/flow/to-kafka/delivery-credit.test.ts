import t from 'tap';
import { LONG_TOPICS_HELD_BYTES_MAX, QOS0_DELIVERIES_MAX } from '../../../src/config/limits.js';
import { DeliveryCredit } from '../../../src/flow/to-kafka/delivery-credit.js';
import { type Topic, TopicCache } from '../../../src/mqtt/receive/topic-cache.js';

const cache = new TopicCache(8, 1e6, 1);

function topicOf(bytes: number): Topic {
  return cache.find(Buffer.alloc(bytes, 'x'), 0, bytes) as Topic;
}

/** How many more a session may open, to a bound; they stay open. */
function openAll(credit: DeliveryCredit, session: number, isQos0: boolean, topic: Topic) {
  let count = 0;
  for (; count < 20_000 && credit.mayOpen(session, isQos0, topic); count++) {
    credit.open(session, isQos0, topic);
  }
  return count;
}

t.test('long topic names of open deliveries are bounded, at QoS 1 as at QoS 0', async (t) => {
  const long = topicOf(60_000);
  for (const isQos0 of [false, true]) {
    const credit = new DeliveryCredit(1);
    t.equal(openAll(credit, 0, isQos0, long), Math.floor(LONG_TOPICS_HELD_BYTES_MAX / 60_000));
    t.ok(credit.mayOpen(0, isQos0, topicOf(20)), 'an ordinary name needs none of it');
    credit.close(0, isQos0, long);
    t.equal(openAll(credit, 0, isQos0, long), 1);
  }
});

t.test('one session leaves another its part of them', async (t) => {
  const credit = new DeliveryCredit(2);
  const long = topicOf(60_000);
  const first = openAll(credit, 0, false, long);
  const second = openAll(credit, 1, false, long);
  t.ok(second >= Math.floor(LONG_TOPICS_HELD_BYTES_MAX / 4 / 60_000), `${first} and ${second}`);
  t.ok((first + second) * 60_000 <= LONG_TOPICS_HELD_BYTES_MAX);
});

t.test('only QoS 0 takes its places', async (t) => {
  const credit = new DeliveryCredit(1);
  const topic = topicOf(10);
  t.equal(openAll(credit, 0, true, topic), QOS0_DELIVERIES_MAX);
  t.equal(credit.qos0Open, QOS0_DELIVERIES_MAX);
  t.equal(credit.mayOpen(0, true, topic), false);
  t.equal(openAll(credit, 0, false, topic), 20_000);
  credit.close(0, true, topic);
  t.equal(credit.mayOpen(0, true, topic), true);
});
