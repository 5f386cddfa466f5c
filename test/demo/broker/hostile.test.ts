import { generate, type Packet } from 'mqtt-packet';
import t from 'tap';
import { encodeProperties } from '../../../src/demo/broker/wire/publish-properties.js';
import { connectClient, openClient } from './raw-client.js';
import { runBroker } from './running-broker.js';

/** Deterministic: a failure shows the same bytes again. */
function createRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % bound;
  };
}

const version5 = { protocolVersion: 5 };
const userProperties = encodeProperties({ userProperties: [['k', 'v']] });

const connect: Packet = {
  cmd: 'connect',
  protocolVersion: 5,
  clientId: 'hostile',
  clean: true,
  properties: { sessionExpiryInterval: 1, receiveMaximum: 2, userProperties: { a: 'b' } },
};
const publish = { cmd: 'publish', topic: 'a/b', payload: 'x', dup: false } as const;
const packets: Packet[] = [
  {
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: '$share/g/a/+', qos: 1 }],
    properties: { subscriptionIdentifier: 1 },
  },
  { ...publish, qos: 1, messageId: 2, retain: true, properties: { contentType: 'c' } },
  { ...publish, qos: 0, retain: false, properties: { topicAlias: 1, messageExpiryInterval: 3 } },
  { cmd: 'puback', messageId: 1, reasonCode: 0x80, properties: { reasonString: 'no' } },
  { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['$share/g/a/+'] },
  { cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 9 } },
];

t.test('strings that are no UTF-8 are malformed, though mqtt-packet mends them', async (t) => {
  const { port } = await runBroker(t);
  const spoil = (packet: Packet) => {
    const bytes = generate(packet, version5);
    bytes[bytes.indexOf('spoiled')] = 0xff;
    return bytes;
  };
  const spoiled: Packet[] = [
    { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'spoiled', qos: 1 }] },
    { cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['spoiled'] },
  ];
  for (const packet of spoiled) {
    const client = await connectClient(port, 'c');
    client.write(spoil(packet));
    t.match((await client.next()).packet, { cmd: 'disconnect', reasonCode: 0x81 });
    await client.closed;
  }
  const client = await openClient(port);
  client.write(spoil({ cmd: 'connect', protocolVersion: 5, clientId: 'spoiled', clean: true }));
  t.match((await client.next()).packet, { cmd: 'connack', reasonCode: 0x81 });
  await client.closed;
});

t.test('mutated packets end their own connection at most', async (t) => {
  const { port, broker } = await runBroker(t, { topicAliasMaximum: 1, maximumPacketSize: 1_000 });
  const random = createRandom(3);
  const mutate = (bytes: Buffer) => {
    const mutated = Buffer.from(bytes);
    const flips = 1 + random(3);
    for (let flip = 0; flip < flips; flip += 1) mutated[random(mutated.length)] = random(256);
    return random(8) === 0 ? mutated.subarray(0, random(mutated.length)) : mutated;
  };
  const bystander = await connectClient(port, 'bystander');
  await bystander.subscribe([{ topic: '$quiet' }]);
  for (let round = 0; round < 300; round += 1) {
    const client = await openClient(port);
    client.socket.removeAllListeners('data');
    client.socket.resume();
    const first = generate(connect, version5);
    client.write(round % 3 === 0 ? mutate(first) : first);
    for (const packet of packets)
      for (let repeat = 0; repeat < 3; repeat += 1)
        client.write(
          random(2) === 0 ? mutate(generate(packet, version5)) : generate(packet, version5),
        );
    client.write(userProperties);
    client.socket.end();
    await client.closed;
  }
  t.equal(broker.publish({ topic: '$quiet', payload: 'still here', qos: 1 }), 1);
  t.equal((await bystander.publish()).payload.toString(), 'still here');
  t.ok(broker.counters.protocolErrors > 0, 'the mutations were noticed');
  await bystander.end();
});
