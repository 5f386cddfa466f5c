import t from 'tap';
import { createCounters } from '../../../../src/demo/broker/counters.js';
import { createMessage } from '../../../../src/demo/broker/message.js';
import { applyDefaults, type BrokerOptions } from '../../../../src/demo/broker/options.js';
import type { Delivery } from '../../../../src/demo/broker/session/delivery-queue.js';
import { type Link, Session } from '../../../../src/demo/broker/session/session.js';
import { ManualClock } from '../../../support/manual-clock.js';

class FakeLink implements Link {
  receiveMaximum = 3;
  hasRoom = true;
  readonly sent: string[] = [];

  sendPublish(delivery: Delivery, packetId: number, dup: boolean): boolean {
    if (delivery.message.payload.length > 100) return false;
    this.sent.push(`${delivery.message.payload} ${packetId}${dup ? ' dup' : ''}`);
    return true;
  }
}

function setUp(options: BrokerOptions = {}) {
  const clock = new ManualClock();
  const counters = createCounters();
  const held = new Set<string>();
  const session = new Session('c', {
    settings: applyDefaults({ ...options, clock }),
    counters,
    held,
  });
  const offer = (payload: string, qos: 0 | 1 = 1, expirySeconds?: number) => {
    const expiry = expirySeconds === undefined ? {} : { expirySeconds };
    const message = createMessage({ topic: 'a', payload, qos, ...expiry }, clock);
    return session.offer({ message, qos, retain: false, subscriptionIdentifiers: Buffer.alloc(0) });
  };
  return { clock, counters, held, session, offer };
}

t.test('QoS 1 waits at the Receive Maximum of the client, and nothing overtakes it', async (t) => {
  const { session, offer } = setUp();
  const link = new FakeLink();
  session.attach(link);
  for (const payload of ['a', 'b', 'c', 'd']) offer(payload);
  offer('zero', 0);
  t.strictSame(link.sent, ['a 1', 'b 2', 'c 3']);
  session.acknowledge(2);
  t.strictSame(link.sent.slice(3), ['d 4', 'zero 0']);
  t.equal(session.inFlight, 3);
});

t.test('a new connection gets what is in flight first, with DUP and in order', async (t) => {
  const { session, offer, counters } = setUp();
  const first = new FakeLink();
  session.attach(first);
  for (const payload of ['a', 'b', 'c', 'd']) offer(payload);
  session.acknowledge(2);
  session.detach(first);
  offer('e');
  const second = new FakeLink();
  session.attach(second);
  t.strictSame(second.sent, ['a 1 dup', 'c 3 dup', 'd 4 dup']);
  t.equal(counters.redelivered, 3);
  session.acknowledge(1);
  t.strictSame(second.sent.slice(3), ['e 5']);
});

t.test('a smaller Receive Maximum on the new connection bounds redelivery too', async (t) => {
  const { session, offer } = setUp();
  const first = new FakeLink();
  session.attach(first);
  for (const payload of ['a', 'b', 'c']) offer(payload);
  const second = new FakeLink();
  second.receiveMaximum = 1;
  session.attach(second);
  t.strictSame(second.sent, ['a 1 dup']);
  session.acknowledge(3);
  t.strictSame(second.sent, ['a 1 dup'], 'what was not sent here gives no credit');
  session.acknowledge(1);
  t.strictSame(second.sent, ['a 1 dup', 'b 2 dup']);
});

t.test('a packet identifier in flight is not used again when they wrap', async (t) => {
  const { session, offer } = setUp();
  const link = new FakeLink();
  session.attach(link);
  offer('old');
  for (let sent = 2; sent <= 65_536; sent += 1) {
    offer('new', 1);
    session.acknowledge(Number(link.sent.at(-1)?.split(' ')[1]));
  }
  t.strictSame(link.sent.slice(-2), ['new 65535', 'new 2']);
});

t.test('beyond its limit of messages the queue drops the newest and counts it', async (t) => {
  const { session, offer, counters } = setUp({ queueMessagesMax: 2 });
  t.strictSame([offer('a'), offer('b'), offer('c')], [true, true, false]);
  t.equal(counters.dropped.queueFull, 1);
  const link = new FakeLink();
  session.attach(link);
  t.strictSame(link.sent, ['a 1', 'b 2']);
});

t.test('bytes in flight count against the limit of bytes until the PUBACK', async (t) => {
  const { session, offer } = setUp({ queueBytesMax: 30 });
  session.attach(new FakeLink());
  const payload = 'x'.repeat(20);
  t.strictSame([offer(payload), offer(payload)], [true, false]);
  session.acknowledge(1);
  t.equal(session.heldBytes, 0);
  t.equal(offer(payload), true);
});

t.test('QoS 0 for a client that is away is dropped, or waits where asked', async (t) => {
  const dropping = setUp();
  t.equal(dropping.offer('a', 0), false);
  t.equal(dropping.counters.dropped.offline, 1);
  t.equal(setUp({ queueQos0: true }).offer('a', 0), true);
});

t.test('a message that expires in the queue is not sent', async (t) => {
  const { clock, session, offer, counters } = setUp();
  offer('short', 1, 5);
  offer('long', 1, 60);
  clock.advance(5_001);
  const link = new FakeLink();
  session.attach(link);
  t.strictSame(link.sent, ['long 1']);
  t.equal(counters.dropped.expired, 1);
});

t.test('what the client cannot take is dropped without a packet identifier', async (t) => {
  const { session, offer, counters } = setUp();
  const link = new FakeLink();
  session.attach(link);
  offer('x'.repeat(101));
  offer('b');
  t.strictSame(link.sent, ['b 1']);
  t.equal(counters.dropped.tooLarge, 1);
  t.equal(session.inFlight, 1);
});

t.test('a link without room is left alone until the session is pumped', async (t) => {
  const { session, offer } = setUp();
  const link = new FakeLink();
  link.hasRoom = false;
  session.attach(link);
  offer('a');
  t.strictSame(link.sent, []);
  link.hasRoom = true;
  session.pump();
  t.strictSame(link.sent, ['a 1']);
});

t.test('a session that ends counts all that it held as dropped', async (t) => {
  const { session, offer, counters } = setUp();
  session.attach(new FakeLink());
  for (const payload of ['a', 'b', 'c', 'd', 'e']) offer(payload);
  session.end();
  t.equal(counters.dropped.sessionEnded, 5);
  t.equal(session.heldBytes, 0);
});
