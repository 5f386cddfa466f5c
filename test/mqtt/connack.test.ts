import { generate, type IConnackPacket, parser } from 'mqtt-packet';
import t from 'tap';
import { missingFeature, serverLimits } from '../../src/mqtt/connack.js';

/** A CONNACK as it is read from the wire. */
function connack(properties: NonNullable<IConnackPacket['properties']> = {}): IConnackPacket {
  const sent = { cmd: 'connack', reasonCode: 0, sessionPresent: true, properties } as const;
  let found: IConnackPacket | undefined;
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (packet) => {
    if (packet.cmd === 'connack') found = packet;
  });
  reader.parse(generate(sent, { protocolVersion: 5 }));
  return found as IConnackPacket;
}

const filters = (...names: string[]) =>
  names.map((filter, id) => ({ filter, qos: 1 as const, id: id + 1 }));

t.test("a server that says nothing has MQTT 5's defaults", async (t) => {
  t.strictSame(serverLimits(connack()), {
    sessionPresent: true,
    sessionExpirySeconds: undefined,
    receiveMaximum: 65_535,
    maximumQos: 2,
    retainAvailable: true,
    maximumPacketSize: undefined,
    topicAliasMaximum: 0,
    assignedClientId: undefined,
    keepAliveSeconds: undefined,
    wildcards: true,
    subscriptionIdentifiers: true,
    sharedSubscriptions: true,
  });
});

t.test('every limit that a server may set is read', async (t) => {
  const limits = serverLimits(
    connack({
      sessionExpiryInterval: 0,
      receiveMaximum: 3,
      maximumQoS: 0,
      retainAvailable: false,
      maximumPacketSize: 1_000,
      topicAliasMaximum: 9,
      assignedClientIdentifier: 'yours',
      serverKeepAlive: 0,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
    }),
  );
  t.strictSame(limits, {
    sessionPresent: true,
    sessionExpirySeconds: 0,
    receiveMaximum: 3,
    maximumQos: 0,
    retainAvailable: false,
    maximumPacketSize: 1_000,
    topicAliasMaximum: 9,
    assignedClientId: 'yours',
    keepAliveSeconds: 0,
    wildcards: false,
    subscriptionIdentifiers: false,
    sharedSubscriptions: false,
  });
});

t.test('what the subscriptions need and the server lacks is named', async (t) => {
  const missing = (properties: NonNullable<IConnackPacket['properties']>, ...names: string[]) =>
    missingFeature(serverLimits(connack(properties)), filters(...names));
  t.equal(missing({}, 'a/#', '$share/g/a'), undefined);
  const noShares = { sharedSubscriptionAvailable: false };
  t.match(missing(noShares, 'a', '$share/g/a'), /no shared subscriptions.*\$share\/g\/a/);
  t.equal(missing(noShares, 'a/+'), undefined);
  const noWildcards = { wildcardSubscriptionAvailable: false };
  t.match(missing(noWildcards, 'a', 'a/+'), /no wildcard subscriptions.*a\/\+/);
  t.match(missing(noWildcards, '#'), /no wildcard subscriptions/);
  t.equal(missing(noWildcards, 'a', '$share/g/a'), undefined);
  t.match(missing({ maximumQoS: 0 }, 'a'), /Maximum QoS is 0.*"a" needs 1: set qos: 0/);
});
