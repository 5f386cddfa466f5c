import t from 'tap';
import { encodeProperties } from '../../../src/demo/broker/wire/publish-properties.js';
import { ManualClock } from '../../support/manual-clock.js';
import { connectPublisher } from '../../support/mqtt-publisher.js';
import { connectClient } from './raw-client.js';
import { runBroker } from './running-broker.js';

const userProperties = [
  ['b', '1'],
  ['a', '2'],
  ['b', '3'],
  ['', ''],
] as const;

t.test('all properties arrive as they were sent, user properties in order', async (t) => {
  const { port } = await runBroker(t);
  const subscriber = await connectClient(port, 'c');
  await subscriber.subscribe([{ topic: '#' }], 200);
  const publisher = await connectPublisher({ port, clientId: 'p' });
  const properties = {
    payloadFormatIndicator: 1,
    contentType: 'text/plain',
    responseTopic: 'r',
    correlationData: Buffer.from([1, 0, 255]),
    userProperties,
  } as const;
  t.equal(await publisher.publish({ topic: 'a/b', payload: 'x', ...properties }), 0);
  const { bytes, packet } = await subscriber.next();
  t.match(packet, { topic: 'a/b', qos: 1, properties: { subscriptionIdentifier: 200 } });
  t.ok(bytes.includes(encodeProperties(properties)), 'byte for byte');
  await Promise.all([subscriber.end(), publisher.disconnect()]);
});

t.test('QoS is the lower of what was published and what was granted', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  await client.subscribe([
    { topic: 'zero', qos: 0 },
    { topic: 'one', qos: 1 },
  ]);
  broker.publish({ topic: 'zero', qos: 1 });
  broker.publish({ topic: 'one', qos: 0 });
  broker.publish({ topic: 'one', qos: 1 });
  t.strictSame(
    (await client.publishesUntilPong()).map(({ qos }) => qos),
    [0, 0, 1],
  );
  await client.end();
});

t.test('the PUBACKs of a client are counted by their reason code and told', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  const told: unknown[] = [];
  broker.hooks.onPuback = (clientId, packetId, reasonCode, message) =>
    told.push([clientId, packetId, reasonCode, message?.payload.toString()]);
  broker.publish({ topic: 'a', payload: 'taken', qos: 1 });
  broker.publish({ topic: 'a', payload: 'refused', qos: 1 });
  client.puback((await client.publish()).messageId);
  client.puback((await client.publish()).messageId, 0x99);
  client.puback(77);
  await client.untilPong();
  t.strictSame(told, [
    ['c', 1, 0, 'taken'],
    ['c', 2, 0x99, 'refused'],
    ['c', 77, 0, undefined],
  ]);
  t.match(broker.counters, { delivered: 2, acknowledged: 1, refused: 1, unknownPubacks: 1 });
  t.equal(broker.session('c')?.inFlight, 0);
  await client.end();
});

t.test('Message Expiry Interval is counted down, and ends what waits', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await runBroker(t, { clock });
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  broker.dropConnections('c');
  const publisher = await connectPublisher({ port });
  await publisher.publish({ topic: 'a', payload: 'long', expirySeconds: 60 });
  await publisher.publish({ topic: 'a', payload: 'short', expirySeconds: 10 });
  clock.advance(20_900);
  const again = await connectClient(port, 'c');
  const publishes = await again.publishesUntilPong();
  t.strictSame(
    publishes.map(({ payload, properties }) => [
      payload.toString(),
      properties?.messageExpiryInterval,
    ]),
    [['long', 40]],
  );
  t.equal(broker.counters.dropped.expired, 1);
  await Promise.all([again.end(), client.closed, publisher.disconnect()]);
});

t.test('inbound Topic Aliases stand for names on their connection only', async (t) => {
  const { port, broker } = await runBroker(t, { topicAliasMaximum: 2 });
  const names: string[] = [];
  broker.hooks.onPublish = (_clientId, { topic }) => {
    names.push(topic);
    return undefined;
  };
  const publish = { cmd: 'publish', payload: '', qos: 0, dup: false, retain: false } as const;
  const client = await connectClient(port, 'c');
  client.send({ ...publish, topic: 'a', properties: { topicAlias: 1 } });
  client.send({ ...publish, topic: '', properties: { topicAlias: 1 } });
  client.send({ ...publish, topic: 'b', properties: { topicAlias: 1 } });
  client.send({ ...publish, topic: '', properties: { topicAlias: 1 } });
  await client.untilPong();
  t.strictSame(names, ['a', 'a', 'b', 'b']);
  await client.end();
  const again = await connectClient(port, 'c');
  again.send({ ...publish, topic: '', properties: { topicAlias: 1 } });
  t.match((await again.next()).packet, { cmd: 'disconnect', reasonCode: 0x82 });
  const greedy = await connectClient(port, 'greedy');
  greedy.send({ ...publish, topic: 'a', properties: { topicAlias: 3 } });
  t.match((await greedy.next()).packet, { cmd: 'disconnect', reasonCode: 0x94 });
  await Promise.all([again.closed, greedy.closed]);
});

t.test('outbound Topic Aliases replace a name after its first PUBLISH', async (t) => {
  const { port, broker } = await runBroker(t, { outboundTopicAliasMaximum: 10 });
  const client = await connectClient(port, 'c', { properties: { topicAliasMaximum: 1 } });
  await client.subscribe([{ topic: '#' }]);
  for (const topic of ['a', 'a', 'b', 'a']) broker.publish({ topic });
  t.strictSame(
    (await client.publishesUntilPong()).map(({ topic, properties }) => [
      topic,
      properties?.topicAlias,
    ]),
    [
      ['a', 1],
      ['', 1],
      ['b', undefined],
      ['', 1],
    ],
  );
  await client.end();
});

t.test('a PUBLISH over the Maximum Packet Size of the client is not sent', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c', { properties: { maximumPacketSize: 50 } });
  await client.subscribe([{ topic: 'a' }]);
  // 1 + 1 fixed header, 2 + 1 topic name, 2 packet identifier, 1 properties: 42 bytes are left.
  t.equal(broker.publish({ topic: 'a', payload: 'x'.repeat(43), qos: 1 }), 1);
  broker.publish({ topic: 'a', payload: 'y'.repeat(42), qos: 1 });
  const publishes = await client.publishesUntilPong();
  t.strictSame(
    publishes.map(({ payload, messageId }) => [payload.length, messageId]),
    [[42, 1]],
  );
  t.equal(broker.counters.dropped.tooLarge, 1);
  await client.end();
});

t.test('what the broker does not take ends the connection with its reason code', async (t) => {
  const { port } = await runBroker(t, {
    maximumQos: 0,
    retainAvailable: false,
    maximumPacketSize: 100,
  });
  const publish = { cmd: 'publish', topic: 'a', dup: false, retain: false } as const;
  const cases = [
    { ...publish, qos: 2, messageId: 1, payload: '', reasonCode: 0x9b },
    { ...publish, qos: 1, messageId: 1, payload: '', reasonCode: 0x9b },
    { ...publish, qos: 0, retain: true, payload: 'x', reasonCode: 0x9a },
    { ...publish, qos: 0, payload: 'x'.repeat(100), reasonCode: 0x95 },
    { ...publish, qos: 0, topic: '', payload: '', reasonCode: 0x82 },
  ] as const;
  for (const { reasonCode, ...packet } of cases) {
    const client = await connectClient(port, 'c');
    client.send(packet);
    t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode });
    await client.closed;
  }
});

t.test('a publisher hears 0x97 where every queue was full', async (t) => {
  const { port, broker } = await runBroker(t, { queueMessagesMax: 1 });
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  broker.dropConnections('c');
  const publisher = await connectPublisher({ port });
  t.equal(await publisher.publish({ topic: 'a' }), 0);
  t.equal(await publisher.publish({ topic: 'a' }), 0x97);
  await Promise.all([publisher.disconnect(), client.closed]);
});

t.test('a topic name that MQTT forbids cannot be published from inside', async (t) => {
  const { broker } = await runBroker(t);
  for (const topic of ['', 'a/+', 'a\0']) t.throws(() => broker.publish({ topic }), RangeError);
});

t.test('a client that stops reading bounds what waits for its socket', async (t) => {
  const bufferedBytesMax = 256 * 1024;
  const { port, broker } = await runBroker(t, { bufferedBytesMax });
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  client.socket.pause();
  const payload = Buffer.alloc(1024 * 1024, 5);
  const count = 30;
  for (let sent = 0; sent < count; sent += 1) broker.publish({ topic: 'a', payload, qos: 1 });
  t.ok((broker.session('c')?.queued ?? 0) >= count - 2, 'one payload fills the bound');
  client.socket.resume();
  for (let got = 0; got < count; got += 1) {
    const publish = await client.publish();
    if (!Buffer.from(publish.payload).equals(payload)) t.fail('payload differs');
  }
  t.equal(broker.session('c')?.inFlight, count);
  await client.end();
});
