import { generate, type ISubscribePacket, parser } from 'mqtt-packet';
import t from 'tap';
import {
  subscribePacket,
  subscriptionIds,
  unsubscribePacket,
} from '../../src/mqtt/subscriptions.js';
import { VARINT_MAX } from '../../src/mqtt/wire.js';

t.test('identifiers depend on the filters alone, not on their order', async (t) => {
  const filters = ['a/#', '$share/g/b/+', 'c'];
  const ids = subscriptionIds(filters);
  t.strictSame([...subscriptionIds([...filters].reverse())].sort(), [...ids].sort());
  t.equal(subscriptionIds(['c', 'd']).get('c'), ids.get('c'), 'nor on the other filters');
});

t.test('identifiers are distinct and in range, for any number of filters', async (t) => {
  const filters = Array.from({ length: 50_000 }, (_, i) => `plant/${i}/+`);
  const ids = [...subscriptionIds(filters).values()];
  t.equal(new Set(ids).size, filters.length);
  t.ok(ids.every((id) => Number.isInteger(id) && id >= 1 && id <= VARINT_MAX));
});

t.test('one filter twice is a mistake of the caller', async (t) => {
  t.throws(() => subscriptionIds(['a', 'a']), /twice/);
});

t.test('SUBSCRIBE asks for RETAIN as published, and for retained messages once', async (t) => {
  const read = (withIdentifier: boolean): ISubscribePacket => {
    const bytes = generate(subscribePacket({ filter: 'a/+', qos: 1, id: 77 }, 5, withIdentifier), {
      protocolVersion: 5,
    });
    let found: ISubscribePacket | undefined;
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => {
      if (packet.cmd === 'subscribe') found = packet;
    });
    reader.parse(bytes);
    return found as ISubscribePacket;
  };
  const subscription = { topic: 'a/+', qos: 1, nl: false, rap: true, rh: 1 };
  t.strictSame(read(true).subscriptions, [subscription]);
  t.equal(read(true).messageId, 5);
  t.equal(read(true).properties?.subscriptionIdentifier, 77);
  t.equal(read(false).properties, undefined, 'a broker without identifiers gets none');
});

t.test('UNSUBSCRIBE names every filter in one packet', async (t) => {
  t.match(unsubscribePacket(['a', '$share/g/b'], 3), {
    cmd: 'unsubscribe',
    messageId: 3,
    unsubscriptions: ['a', '$share/g/b'],
  });
});
