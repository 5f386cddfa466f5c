import t from 'tap';
import { connectPublisher } from '../../support/mqtt-publisher.js';
import { connectClient } from './raw-client.js';
import { runBroker } from './running-broker.js';

const text = (publish: { payload: string | Buffer }) => publish.payload.toString();

t.test('each Topic Filter gets its own reason code', async (t) => {
  const { port } = await runBroker(t, {
    sharedSubscriptionAvailable: false,
    wildcardSubscriptionAvailable: false,
  });
  const client = await connectClient(port, 'c');
  const granted = await client.subscribe([
    { topic: 'a', qos: 2 },
    { topic: 'b', qos: 0 },
    { topic: 'c/#' },
    { topic: '$share/g/d' },
    { topic: 'e/#/f' },
  ]);
  t.strictSame(granted, [1, 0, 0xa2, 0x9e, 0x8f]);
  await client.end();
});

t.test('without Subscription Identifiers a SUBSCRIBE with one is refused', async (t) => {
  const { port } = await runBroker(t, { subscriptionIdentifiersAvailable: false });
  const client = await connectClient(port, 'c');
  t.strictSame(await client.subscribe([{ topic: 'a' }], 3), [0xa1]);
  await client.end();
});

t.test('an overlap comes as one copy with all identifiers and the highest QoS', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a/+', qos: 0 }], 7);
  await client.subscribe([{ topic: 'a/#', qos: 1 }], 300);
  t.equal(broker.publish({ topic: 'a/b', payload: 'x', qos: 1 }), 1);
  const publishes = await client.publishesUntilPong();
  t.equal(publishes.length, 1);
  t.equal(publishes[0]?.qos, 1);
  const identifiers = [publishes[0]?.properties?.subscriptionIdentifier ?? []].flat();
  t.strictSame(new Set(identifiers), new Set([7, 300]));
  await client.end();
});

t.test('an overlap comes as a copy for each subscription where asked', async (t) => {
  const { port, broker } = await runBroker(t, { overlap: 'copy-each' });
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a/+', qos: 0 }], 7);
  await client.subscribe([{ topic: 'a/#', qos: 1 }], 300);
  t.equal(broker.publish({ topic: 'a/b', payload: 'x', qos: 1 }), 1);
  const copies = (await client.publishesUntilPong()).map(({ qos, properties }) => [
    qos,
    properties?.subscriptionIdentifier,
  ]);
  t.strictSame(
    copies.sort((one, other) => Number(one[0]) - Number(other[0])),
    [
      [0, 7],
      [1, 300],
    ],
  );
  await client.end();
});

t.test('No Local keeps a message from its own publisher only', async (t) => {
  const { port } = await runBroker(t);
  const [self, other] = [await connectClient(port, 'self'), await connectClient(port, 'other')];
  await self.subscribe([{ topic: 'a', nl: true }]);
  await other.subscribe([{ topic: 'a', nl: true }]);
  self.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 0, dup: false, retain: false });
  t.strictSame(await self.untilPong(), []);
  t.equal(text(await other.publish()), 'x');
  await Promise.all([self.end(), other.end()]);
});

t.test('No Local on a shared subscription is a Protocol Error', async (t) => {
  const { port } = await runBroker(t);
  const client = await connectClient(port, 'c');
  client.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: '$share/g/a', qos: 1, nl: true }],
  });
  t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode: 0x82 });
  await client.closed;
});

t.test(
  'a retained message has RETAIN for a new subscription, later as published if asked',
  async (t) => {
    const { port, broker } = await runBroker(t);
    broker.publish({ topic: 'a', payload: 'old', qos: 1, retain: true });
    const client = await connectClient(port, 'c');
    await client.subscribe([{ topic: 'a' }]);
    const first = await client.publish();
    t.strictSame([text(first), first.retain], ['old', true]);
    broker.publish({ topic: 'a', payload: 'new', retain: true });
    t.equal((await client.publish()).retain, false);
    await client.subscribe([{ topic: 'a', rap: true, rh: 2 }]);
    broker.publish({ topic: 'a', payload: 'newer', retain: true });
    t.equal((await client.publish()).retain, true);
    await client.end();
  },
);

t.test('Retain Handling 1 sends for a new subscription only, 2 never, 0 always', async (t) => {
  const { port, broker } = await runBroker(t);
  broker.publish({ topic: 'a', payload: 'kept', retain: true });
  const client = await connectClient(port, 'c');
  const counts: number[] = [];
  for (const rh of [2, 1, 0]) {
    await client.subscribe([{ topic: 'a', rh }]);
    counts.push((await client.publishesUntilPong()).length);
  }
  await client.subscribe([{ topic: '+', rh: 1 }]);
  counts.push((await client.publishesUntilPong()).length);
  t.strictSame(counts, [0, 0, 1, 1]);
  await client.end();
});

t.test('an empty retained message removes what is retained', async (t) => {
  const { port, broker } = await runBroker(t);
  broker.publish({ topic: 'a', payload: 'kept', retain: true });
  broker.publish({ topic: 'a', payload: '', retain: true });
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  t.strictSame(await client.untilPong(), []);
  await client.end();
});

t.test('UNSUBSCRIBE ends delivery and says what it found', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a', 'b', 'a/#/b'] });
  t.match((await client.next()).packet, { cmd: 'unsuback', granted: [0, 0x11, 0x8f] });
  t.equal(broker.publish({ topic: 'a', qos: 1 }), 0);
  await client.end();
});

t.test('a share deals in turn to the members that are connected', async (t) => {
  const { port, broker } = await runBroker(t);
  const clients = [];
  for (const clientId of ['one', 'two', 'away']) {
    const client = await connectClient(port, clientId);
    await client.subscribe([{ topic: '$share/g/a' }], 4);
    clients.push(client);
  }
  const [one, two, away] = clients;
  if (one === undefined || two === undefined || away === undefined) throw new Error('no clients');
  broker.dropConnections('away');
  for (const payload of ['1', '2', '3', '4']) broker.publish({ topic: 'a', payload, qos: 1 });
  t.strictSame((await one.publishesUntilPong()).map(text), ['1', '3']);
  const dealt = await two.publishesUntilPong();
  t.strictSame(dealt.map(text), ['2', '4']);
  t.equal(dealt[0]?.properties?.subscriptionIdentifier, 4);
  t.equal(broker.session('away')?.queued, 0);
  await Promise.all([one.end(), two.end(), away.closed]);
});

t.test('a member that is away keeps its share where asked', async (t) => {
  const { port, broker } = await runBroker(t, { offlineShare: 'keep' });
  const here = await connectClient(port, 'here');
  await here.subscribe([{ topic: '$share/g/a' }]);
  const away = await connectClient(port, 'away');
  await away.subscribe([{ topic: '$share/g/a' }]);
  broker.dropConnections('away');
  for (const payload of ['1', '2', '3', '4']) broker.publish({ topic: 'a', payload, qos: 1 });
  t.equal(broker.session('away')?.queued, 2);
  const back = await connectClient(port, 'away');
  t.strictSame((await back.publishesUntilPong()).map(text), ['2', '4']);
  await Promise.all([here.end(), back.end(), away.closed]);
});

t.test('a share of which nobody is connected waits for its members', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: '$share/g/a' }]);
  broker.dropConnections('c');
  t.equal(broker.publish({ topic: 'a', payload: 'x', qos: 1 }), 1);
  t.equal(broker.session('c')?.queued, 1);
  await client.closed;
});

t.test('onSubscribe may refuse a Topic Filter', async (t) => {
  const { port, broker } = await runBroker(t, {
    hooks: { onSubscribe: (_clientId, filter) => (filter === 'b' ? 0x87 : undefined) },
  });
  const client = await connectClient(port, 'c');
  t.strictSame(await client.subscribe([{ topic: 'a' }, { topic: 'b' }]), [1, 0x87]);
  t.strictSame(broker.session('c')?.topicFilters, ['a']);
  await client.end();
});

t.test('a publisher hears 0x10 where nobody subscribed', async (t) => {
  const { port } = await runBroker(t);
  const publisher = await connectPublisher({ port });
  t.equal(await publisher.publish({ topic: 'nobody' }), 0x10);
  await publisher.disconnect();
});
