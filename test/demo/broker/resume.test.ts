import t from 'tap';
import { connectClient, openClient } from './raw-client.js';
import { runBroker } from './running-broker.js';

const summary = (publishes: { messageId?: number; dup: boolean; payload: unknown }[]) =>
  publishes.map(({ messageId, dup, payload }) => [messageId, dup, String(payload)]);

t.test(
  'a resumed session gets what was in flight with DUP, then what waited, in order',
  async (t) => {
    const { port, broker } = await runBroker(t);
    const client = await connectClient(port, 'c');
    await client.subscribe([{ topic: 'a' }]);
    for (const payload of ['1', '2', '3']) broker.publish({ topic: 'a', payload, qos: 1 });
    await client.untilPong();
    client.puback(2);
    await client.untilPong();
    await client.end();
    broker.dropConnections('c');
    broker.publish({ topic: 'a', payload: '4', qos: 1 });
    const again = await openClient(port);
    const properties = { sessionExpiryInterval: 3600 };
    const connack = await again.connect({ clientId: 'c', clean: false, properties });
    t.equal(connack.sessionPresent, true);
    t.strictSame(summary(await again.publishesUntilPong()), [
      [1, true, '1'],
      [3, true, '3'],
      [4, false, '4'],
    ]);
    await again.end();
  },
);

t.test('Clean Start discards the session', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c');
  await client.subscribe([{ topic: 'a' }]);
  await client.end();
  const again = await openClient(port);
  t.equal((await again.connect({ clientId: 'c', clean: true })).sessionPresent, false);
  t.equal(broker.publish({ topic: 'a', qos: 1 }), 0);
  await again.end();
});

t.test('the Receive Maximum of the client bounds what is unacknowledged', async (t) => {
  const { port, broker } = await runBroker(t);
  const client = await connectClient(port, 'c', { properties: { receiveMaximum: 2 } });
  await client.subscribe([{ topic: 'a' }]);
  for (const payload of ['1', '2', '3', '4']) broker.publish({ topic: 'a', payload, qos: 1 });
  t.strictSame(summary(await client.publishesUntilPong()), [
    [1, false, '1'],
    [2, false, '2'],
  ]);
  client.puback(1);
  t.strictSame(summary(await client.publishesUntilPong()), [[3, false, '3']]);
  await client.end();
});

t.test('fifty reconnects without a PUBACK leave the session as it was', async (t) => {
  const { port, broker } = await runBroker(t);
  let client = await connectClient(port, 'c', { properties: { receiveMaximum: 3 } });
  await client.subscribe([{ topic: 'a' }]);
  for (const payload of ['1', '2', '3', '4']) broker.publish({ topic: 'a', payload, qos: 1 });
  const before = broker.session('c');
  for (let round = 0; round < 50; round += 1) {
    await client.end();
    client = await connectClient(port, 'c', { properties: { receiveMaximum: 3 } });
    t.equal((await client.publishesUntilPong()).length, 3);
  }
  t.strictSame(broker.session('c'), before);
  await client.end();
});
