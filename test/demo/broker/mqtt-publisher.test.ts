import t from 'tap';
import { decodeProperties } from '../../../src/demo/broker/wire/publish-properties.js';
import { connectPublisher } from '../../support/mqtt-publisher.js';
import { runBroker } from './running-broker.js';

t.test('the publisher sends what it is told, in order, and waits for the PUBACKs', async (t) => {
  const { port, broker } = await runBroker(t);
  const seen: unknown[] = [];
  broker.hooks.onPublish = (clientId, message) => {
    const { userProperties } = decodeProperties(message.properties);
    seen.push([clientId, message.payload.toString(), message.qos, userProperties]);
    return message.payload.toString() === '2' ? 0x83 : undefined;
  };
  const publisher = await connectPublisher({ port, clientId: 'p' });
  const userProperties = [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
  ] as const;
  const reasonCodes = await Promise.all([
    publisher.publish({ topic: 'a', payload: '1', qos: 0 }),
    publisher.publish({ topic: 'a', payload: '2', qos: 1 }),
    publisher.publish({ topic: 'a', payload: '3', qos: 1, userProperties }),
  ]);
  t.strictSame(reasonCodes, [0, 0x83, 0x10]);
  t.strictSame(seen, [
    ['p', '1', 0, undefined],
    ['p', '2', 1, undefined],
    ['p', '3', 1, userProperties],
  ]);
  await publisher.disconnect();
});

t.test('the publisher keeps to the Receive Maximum of the broker', async (t) => {
  const { port, broker } = await runBroker(t, { receiveMaximum: 2 });
  const publisher = await connectPublisher({ port, clientId: 'p' });
  const release = broker.holdPubacks('p');
  const two = new Promise<void>((resolve) => {
    let count = 0;
    broker.hooks.onPublish = () => {
      count += 1;
      if (count === 2) resolve();
      return undefined;
    };
  });
  const all = Array.from({ length: 10 }, () => publisher.publish({ topic: 'a' }));
  await two;
  t.equal(broker.counters.received, 2);
  release();
  t.equal((await Promise.all(all)).length, 10);
  t.equal(broker.counters.received, 10);
  await publisher.disconnect();
});

t.test('a publish whose connection is cut rejects', async (t) => {
  const { port, broker } = await runBroker(t);
  const publisher = await connectPublisher({ port, clientId: 'p' });
  broker.hooks.onPublish = () => {
    broker.dropConnections('p');
    return undefined;
  };
  await t.rejects(publisher.publish({ topic: 'a' }), /closed before the PUBACK/);
});

t.test('a refused connection rejects with the reason code', async (t) => {
  const { port, broker } = await runBroker(t);
  broker.refuseConnections(0x87);
  await t.rejects(connectPublisher({ port }), /0x87/);
});
