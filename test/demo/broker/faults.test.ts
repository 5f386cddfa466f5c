import t from 'tap';
import { connectPublisher } from '../../support/mqtt-publisher.js';
import { connectClient, openClient } from './raw-client.js';
import { runBroker } from './running-broker.js';

t.test('dropConnections cuts the sockets and keeps the sessions', async (t) => {
  const { port, broker } = await runBroker(t);
  const [one, two] = [await connectClient(port, 'one'), await connectClient(port, 'two')];
  t.equal(broker.dropConnections('one'), 1);
  await one.closed;
  t.strictSame(await two.untilPong(), []);
  t.equal(broker.dropConnections(), 1);
  await two.closed;
  t.equal(broker.sessions().length, 2);
});

t.test('held PUBLISHes wait, also over a reconnect, until they are released', async (t) => {
  const { port, broker } = await runBroker(t);
  const first = await connectClient(port, 'c');
  await first.subscribe([{ topic: 'a' }]);
  const release = broker.holdPublishes('c');
  broker.publish({ topic: 'a', payload: 'x', qos: 1 });
  t.strictSame(await first.untilPong(), []);
  await first.end();
  const client = await connectClient(port, 'c');
  t.strictSame(await client.untilPong(), []);
  release();
  t.equal((await client.publish()).payload.toString(), 'x');
  await client.end();
});

t.test('held PUBACKs go out when released, and more than Receive Maximum is 0x93', async (t) => {
  const { port, broker } = await runBroker(t, { receiveMaximum: 2 });
  const client = await connectClient(port, 'c');
  const release = broker.holdPubacks('c');
  const publish = { cmd: 'publish', topic: 'a', payload: '', qos: 1, dup: false } as const;
  client.send({ ...publish, retain: false, messageId: 1 });
  client.send({ ...publish, retain: false, messageId: 2 });
  t.strictSame(await client.untilPong(), []);
  release();
  t.match((await client.next()).packet, { cmd: 'puback', messageId: 1 });
  t.match((await client.next()).packet, { cmd: 'puback', messageId: 2 });
  broker.holdPubacks('c');
  for (const messageId of [3, 4, 5]) client.send({ ...publish, retain: false, messageId });
  t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode: 0x93 });
  await client.closed;
});

t.test('a paused client is not read until it is resumed', async (t) => {
  const { port, broker } = await runBroker(t, { recordedPacketsMax: 10 });
  const client = await connectClient(port, 'c');
  const resume = broker.pauseReading('c');
  client.send({ cmd: 'pingreq' });
  // Another client's round trip is as good a proof as there is that the broker had its chance.
  const other = await connectClient(port, 'other');
  await other.untilPong();
  t.strictSame(
    broker.recorded('c').map(({ cmd }) => cmd),
    ['connect'],
  );
  resume();
  t.match((await client.next()).packet, { cmd: 'pingresp' });
  await Promise.all([client.end(), other.end()]);
});

t.test('a discarded session is gone at the next connect', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  t.equal(broker.discardSession('c'), true);
  await client.closed;
  const again = await openClient(port);
  t.equal((await again.connect({ clientId: 'c', clean: false })).sessionPresent, false);
  t.equal(broker.publish({ topic: 'a', qos: 1 }), 0);
  t.equal(broker.discardSession('nobody'), false);
  await again.end();
});

t.test('connections are refused with the reason code asked for, until allowed again', async (t) => {
  const { port, broker } = await runBroker(t);
  const allow = broker.refuseConnections(0x88);
  const client = await openClient(port);
  t.equal((await client.connect()).reasonCode, 0x88);
  await client.closed;
  allow();
  const again = await connectClient(port, 'c');
  t.equal(broker.counters.connectionsRefused, 1);
  await again.end();
});

t.test('onConnect may refuse a client, and onConnected tells of the others', async (t) => {
  const connected: unknown[] = [];
  const { port } = await runBroker(t, {
    hooks: {
      onConnect: (clientId) => (clientId === 'bad' ? 0x87 : undefined),
      onConnected: (clientId, sessionPresent) => connected.push([clientId, sessionPresent]),
    },
  });
  const bad = await openClient(port);
  t.equal((await bad.connect({ clientId: 'bad' })).reasonCode, 0x87);
  const good = await connectClient(port, 'good');
  t.strictSame(connected, [['good', false]]);
  await Promise.all([bad.closed, good.end()]);
});

t.test('raw bytes reach the client as they are', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  t.equal(broker.sendRaw('c', Buffer.from('3004000161ff', 'hex').subarray(0, 2)), true);
  t.equal(broker.sendRaw('c', Buffer.from('00016100', 'hex')), true);
  t.match((await client.next()).packet, { cmd: 'publish', topic: 'a', qos: 0 });
  t.equal(broker.sendRaw('nobody', Buffer.alloc(1)), false);
  await client.end();
});

t.test('the packets of a client are recorded in order, the newest of them', async (t) => {
  const { port, broker } = await runBroker(t, { recordedPacketsMax: 3 });
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  const commands = () => broker.recorded('c').map(({ cmd }) => cmd);
  t.strictSame(commands(), ['connect', 'subscribe']);
  client.send({
    cmd: 'publish',
    topic: 'a',
    payload: 'x',
    qos: 1,
    dup: false,
    retain: false,
    messageId: 1,
  });
  client.puback(1);
  await client.untilPong();
  t.strictSame(commands(), ['publish', 'puback', 'pingreq']);
  await client.end();
});

t.test('onPublish may refuse a message, which then goes nowhere', async (t) => {
  const { port } = await runBroker(t, { hooks: { onPublish: () => 0x87 } });
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  const publisher = await connectPublisher({ port });
  t.equal(await publisher.publish({ topic: 'a' }), 0x87);
  t.strictSame(await client.untilPong(), []);
  await Promise.all([client.end(), publisher.disconnect()]);
});

t.test('disconnect sends the reason code asked for', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  t.equal(broker.disconnect('c', 0x97), true);
  t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode: 0x97 });
  await client.closed;
});
