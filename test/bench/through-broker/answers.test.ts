import type { IConnackPacket } from 'mqtt-packet';
import t from 'tap';
import {
  lackOf,
  limitsOf,
  refusalOf,
  refusalOfSubscription,
} from '../../../src/bench/through-broker/answers.js';

function connack(packet: Partial<IConnackPacket>): IConnackPacket {
  return { cmd: 'connack', sessionPresent: false, ...packet };
}

t.test('a refusal is told with its name, its number and the words of the broker', async (t) => {
  const properties = { reasonString: 'come back "later"' };
  t.equal(
    refusalOf('refuses the connection', connack({ reasonCode: 0x87, properties })),
    'refuses the connection: not authorized (0x87), "come back \\"later\\""',
  );
  t.equal(refusalOf('ended it', { cmd: 'disconnect', reasonCode: 0xf1 }), 'ended it: 0xf1');
});

t.test('a CONNACK of an older MQTT is told as such', async (t) => {
  for (const old of [connack({ returnCode: 1 }), connack({ reasonCode: 1 })]) {
    t.match(refusalOf('refuses', old), /unacceptable protocol version.*does it speak MQTT v5\?/);
  }
});

t.test('what a CONNACK does not limit is as MQTT 5 says', async (t) => {
  t.strictSame(limitsOf(connack({ reasonCode: 0 })), {
    receiveMaximum: 65_535,
    maximumPacketSize: Number.POSITIVE_INFINITY,
    maximumQos: 2,
    wildcards: true,
    keepAliveSeconds: undefined,
  });
});

t.test('limits under which a bench cannot run are told with what to do', async (t) => {
  const needs = { qos: 1, packetBytes: 250 };
  const lack = (properties: IConnackPacket['properties']) =>
    lackOf(limitsOf(connack(properties === undefined ? {} : { properties })), needs);
  t.equal(lack(undefined), undefined);
  t.match(lack({ maximumQoS: 0 }), /Maximum QoS of 0: use --qos 0/);
  t.match(lack({ maximumPacketSize: 249 }), /Maximum Packet Size of 249, the load one of 250/);
  t.equal(lack({ maximumPacketSize: 250 }), undefined);
  t.match(lack({ wildcardSubscriptionAvailable: false }), /no wildcard subscriptions/);
});

t.test('a subscription must be granted at the QoS that was asked for', async (t) => {
  t.equal(refusalOfSubscription([1], 1), undefined);
  t.match(refusalOfSubscription([0], 1), /grants QoS 0 instead of 1/);
  t.match(refusalOfSubscription([0x87], 0), /not authorized \(0x87\)/);
});
