import { generate } from 'mqtt-packet';
import t from 'tap';
import { ManualClock } from '../../support/manual-clock.js';
import { connectClient, nextDisconnected, openClient } from './raw-client.js';
import { runBroker } from './running-broker.js';

t.test('CONNACK announces every capability that was asked for', async (t) => {
  const { port } = await runBroker(t, {
    receiveMaximum: 11,
    maximumQos: 0,
    retainAvailable: false,
    maximumPacketSize: 4096,
    topicAliasMaximum: 5,
    wildcardSubscriptionAvailable: false,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
    serverKeepAlive: 77,
    sessionExpiryInterval: 9,
  });
  const client = await openClient(port);
  const connack = await client.connect({ clientId: '' });
  t.match(connack, { reasonCode: 0, sessionPresent: false });
  t.strictSame(
    { ...connack.properties },
    {
      receiveMaximum: 11,
      maximumQoS: 0,
      retainAvailable: false,
      maximumPacketSize: 4096,
      topicAliasMaximum: 5,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
      serverKeepAlive: 77,
      sessionExpiryInterval: 9,
      assignedClientIdentifier: 'assigned-1',
    },
  );
  await client.end();
});

t.test('a broker without options announces Maximum QoS 1 and its packet size only', async (t) => {
  const { port } = await runBroker(t);
  const client = await openClient(port);
  const connack = await client.connect();
  t.strictSame({ ...connack.properties }, { maximumPacketSize: 67_108_864, maximumQoS: 1 });
  await client.end();
});

t.test('MQTT 3.1.1 is refused with a CONNACK that it can read', async (t) => {
  const { port } = await runBroker(t);
  const client = await openClient(port);
  const bytes: Buffer[] = [];
  client.socket.removeAllListeners('data');
  client.socket.on('data', (chunk) => bytes.push(chunk));
  client.write(generate({ cmd: 'connect', protocolVersion: 4, clientId: 'old', clean: true }));
  await client.closed;
  t.equal(Buffer.concat(bytes).toString('hex'), '20020001');
});

t.test('a later version is refused with 0x84', async (t) => {
  const { port } = await runBroker(t);
  const client = await openClient(port);
  client.write(Buffer.from('100d00044d5154540600000000000163', 'hex').subarray(0, 15));
  const { packet } = await client.next();
  t.match(packet, { cmd: 'connack', reasonCode: 0x84 });
  await client.closed;
});

t.test('what is malformed or a Protocol Error in CONNECT gets its CONNACK', async (t) => {
  const { port } = await runBroker(t);
  const cases = [
    { properties: { receiveMaximum: 0 }, reasonCode: 0x82 },
    { properties: { maximumPacketSize: 0 }, reasonCode: 0x82 },
    { properties: { authenticationMethod: 'x' }, reasonCode: 0x8c },
    { will: { topic: 'a', payload: 'b' }, reasonCode: 0x83 },
  ];
  for (const { reasonCode, ...options } of cases) {
    const client = await openClient(port);
    t.equal((await client.connect(options)).reasonCode, reasonCode);
    await client.closed;
  }
});

t.test('a packet before CONNECT closes the socket without an answer', async (t) => {
  const { port } = await runBroker(t);
  const client = await openClient(port);
  client.send({ cmd: 'pingreq' });
  await client.closed;
  t.equal(client.socket.bytesRead, 0);
});

t.test('a second CONNECT is answered with DISCONNECT 0x82', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  client.send({ cmd: 'connect', protocolVersion: 5, clientId: 'c', clean: true });
  const { packet } = await client.next();
  t.match(packet, { cmd: 'disconnect', reasonCode: 0x82 });
  await client.closed;
  t.equal(broker.counters.protocolErrors, 1);
});

t.test('a socket that says nothing is closed after the connect time-out', async (t) => {
  const clock = new ManualClock();
  const { port } = await runBroker(t, { clock, connectTimeoutMs: 5_000 });
  const client = await openClient(port);
  // The first connection is known to be accepted once a later one is answered.
  const other = await connectClient(port, 'other');
  clock.advance(5_000);
  await client.closed;
  t.strictSame(await other.untilPong(), []);
  await other.end();
});

t.test('a second connection takes the session over, and the first gets 0x8E', async (t) => {
  const { port, broker } = await runBroker(t);
  const first = await connectClient(port, 'c');
  await first.subscribe([{ topic: 'a' }]);
  const second = await openClient(port);
  const connack = await second.connect({
    clean: false,
    clientId: 'c',
    properties: { sessionExpiryInterval: 3600 },
  });
  t.equal(connack.sessionPresent, true);
  t.match((await first.next()).packet, { cmd: 'disconnect', reasonCode: 0x8e });
  await first.closed;
  broker.publish({ topic: 'a', payload: 'x', qos: 1 });
  t.equal((await second.publish()).payload.toString(), 'x');
  t.equal(broker.counters.sessionsTakenOver, 1);
  t.equal(broker.session('c')?.connected, true);
  await second.end();
});

t.test('a client that is silent for one and a half Keep Alives gets 0x8D', async (t) => {
  const clock = new ManualClock();
  const { port } = await runBroker(t, { clock });
  const client = await connectClient(port, 'c', { keepalive: 10 });
  clock.advance(14_000);
  await client.untilPong();
  clock.advance(14_999);
  t.strictSame(await client.untilPong(), [], 'a PINGREQ keeps it alive');
  clock.advance(15_000);
  t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode: 0x8d });
  await client.closed;
});

t.test('the server keep alive is the one that is enforced', async (t) => {
  const clock = new ManualClock();
  const { port } = await runBroker(t, { clock, serverKeepAlive: 2 });
  const client = await connectClient(port, 'c', { keepalive: 600 });
  clock.advance(3_000);
  t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode: 0x8d });
  await client.closed;
});

t.test('DISCONNECT may change the Session Expiry Interval, but not from 0', async (t) => {
  const { port, broker } = await runBroker(t);
  const lasting = await connectClient(port, 'lasting');
  const gone = nextDisconnected(broker);
  lasting.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
  t.equal(await gone, 0);
  t.equal(broker.session('lasting'), undefined);
  const brief = await connectClient(port, 'brief', { properties: { sessionExpiryInterval: 0 } });
  brief.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
  t.match((await brief.next()).packet, { cmd: 'disconnect', reasonCode: 0x82 });
  await Promise.all([lasting.closed, brief.closed]);
});

t.test(
  'close disconnects with 0x8B, and a broker that listens again has the sessions',
  async (t) => {
    const { port, broker } = await runBroker(t);
    const client = await connectClient(port, 'c');
    await client.subscribe([{ topic: 'a' }]);
    const closed = broker.close();
    t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode: 0x8b });
    await closed;
    t.equal(broker.publish({ topic: 'a', payload: 'kept', qos: 1 }), 1);
    await broker.listen(port);
    const again = await connectClient(port, 'c');
    t.equal((await again.publish()).payload.toString(), 'kept');
    await again.end();
  },
);
