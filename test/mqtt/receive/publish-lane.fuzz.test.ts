import assert from 'node:assert/strict';
import { type IPublishPacket, parser, type UserProperties } from 'mqtt-packet';
import t from 'tap';
import { publishFault } from '../../../src/mqtt/receive/publish-check.js';
import { LANE_INCOMPLETE, LANE_LEFT, LANE_READ } from '../../../src/mqtt/receive/publish-lane.js';
import { FORBIDDEN } from '../../support/forbidden-publish.js';
import { publishOf, readByLane, valuesOf } from '../../support/lane.js';
import { encodePublish, randomPublish, spoil } from '../../support/publish-packets.js';
import { forSeeds } from '../../support/random.js';
import { type PublishValues, type Rule, readStrictly } from '../../support/strict-publish.js';

/* The fast lane against mqtt-packet and against a strict reader of our own: the strict one says what
 * MQTT 5 allows, mqtt-packet what the values are. */

/** Where mqtt-packet takes for sound what MQTT 5 forbids, so that only the lane refuses. */
const MQTT_PACKET_READS: ReadonlySet<Rule> = new Set(
  FORBIDDEN.filter(({ mqttPacket }) => mqttPacket === 'reads').map(({ rule }) => rule),
);

/**
 * The one case in which both read a packet and mqtt-packet gives other values: its _parseProperties
 * forgets a user property with an empty value when the name comes again (`if (result[name][...])`).
 * All of them count [MQTT-3.3.2-17].
 */
function asMqttPacketHasThem(values: readonly string[]): readonly string[] {
  const first = values.findIndex((value) => value !== '');
  return first < 0 ? values.slice(-1) : values.slice(first);
}

const REASON_CODES = new Set([0x81, 0x82, 0x90, 0x94, 0x95, 0x9b]);

function readByMqttPacket(packet: Buffer): IPublishPacket | undefined {
  let found: IPublishPacket | undefined;
  let failed = false;
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (each) => {
    if (each.cmd === 'publish') found = each;
  });
  reader.on('error', () => {
    failed = true;
  });
  reader.parse(packet);
  return failed ? undefined : found;
}

/** By name, as mqtt-packet gives them. */
function byName(properties: PublishValues['userProperties']): Map<string, string[]> {
  const grouped = new Map<string, string[]>();
  for (const [name, value] of properties) grouped.set(name, [...(grouped.get(name) ?? []), value]);
  return grouped;
}

function sameUserProperties(theirs: UserProperties | undefined, ours: Map<string, string[]>): void {
  assert.deepEqual(Object.keys(theirs ?? {}).sort(), [...ours.keys()].sort());
  for (const [name, values] of ours) {
    const found = [theirs?.[name] ?? []].flat();
    assert.deepEqual(found, asMqttPacketHasThem(values), `user property ${name}`);
  }
}

function sameValues(theirs: IPublishPacket, ours: PublishValues): void {
  const properties = theirs.properties ?? {};
  const ids = properties.subscriptionIdentifier;
  const hex = (data: Buffer | undefined) => data?.toString('hex');
  const format = properties.payloadFormatIndicator;
  assert.deepEqual(
    {
      qos: theirs.qos,
      dup: theirs.dup,
      retain: theirs.retain,
      packetId: theirs.messageId ?? 0,
      topic: theirs.topic,
      payload: hex(theirs.payload as Buffer),
      payloadFormat: format === undefined ? undefined : Number(format),
      expirySeconds: properties.messageExpiryInterval,
      contentType: properties.contentType,
      responseTopic: properties.responseTopic,
      correlationData: hex(properties.correlationData),
      topicAlias: properties.topicAlias,
      subscriptionIds: ids === undefined ? [] : [ids].flat(),
    },
    omitUserProperties(ours),
  );
  sameUserProperties(properties.userProperties, byName(ours.userProperties));
}

function omitUserProperties({ userProperties: _, ...rest }: PublishValues) {
  return rest;
}

/** The three readers agree about a packet. Returns the rule that it breaks, if it breaks one. */
function compare(packet: Buffer): Rule | undefined {
  const strict = readStrictly(packet);
  const publish = publishOf(packet);
  const theirs = readByMqttPacket(packet);
  if (typeof strict === 'string') {
    assert.equal(publish, undefined, `the lane read what breaks: ${strict}`);
    if (theirs !== undefined) assert.ok(MQTT_PACKET_READS.has(strict), `mqtt-packet: ${strict}`);
    const fault = publishFault(packet);
    assert.ok(REASON_CODES.has(fault.reasonCode), `reason code ${fault.reasonCode}`);
    assert.notEqual(fault.text, '');
    return strict;
  }
  assert.ok(publish !== undefined, 'the lane left what MQTT 5 allows');
  assert.ok(theirs !== undefined, 'mqtt-packet refuses what MQTT 5 allows');
  assert.deepEqual(valuesOf(publish), strict);
  sameValues(theirs, strict);
  return undefined;
}

t.test('sound packets are read, with the values that mqtt-packet reads', (t) =>
  forSeeds(t, 4_000, (random) => {
    assert.equal(compare(encodePublish(randomPublish(random))), undefined);
  }),
);

t.test('of spoiled packets exactly those are read that MQTT 5 still allows', async (t) => {
  const broken = new Set<Rule | undefined>();
  await forSeeds(t, 30_000, (random) => {
    broken.add(compare(spoil(random, randomPublish(random))));
  });
  t.ok(broken.has(undefined), 'some are still sound');
  t.ok(broken.size > 12, `${broken.size} different rules are broken`);
});

t.test('what a part of a packet says, the whole packet says too', (t) =>
  forSeeds(t, 1_500, (random) => {
    const whole = randomPublish(random);
    const packet = random.chance(0.5) ? encodePublish(whole) : spoil(random, whole);
    const shift = random.below(8);
    const all = readByLane(packet, packet.length, shift);
    assert.notEqual(all.said, LANE_INCOMPLETE);
    for (let available = packet.length - 1; available >= 2; available--) {
      const some = readByLane(packet, available, shift);
      if (some.said === LANE_LEFT) assert.equal(all.said, LANE_LEFT, `${available} bytes`);
      if (some.said !== LANE_READ) continue;
      assert.equal(all.said, LANE_READ, `${available} bytes`);
      const { payload: _, ...values } = valuesOf(some.publish);
      const { payload: __, ...expected } = valuesOf(all.publish);
      assert.deepEqual(values, expected);
      assert.equal(some.publish.payloadBytes, all.publish.payloadBytes);
    }
  }),
);
