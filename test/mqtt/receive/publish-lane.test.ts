import { type IPublishPacket, parser } from 'mqtt-packet';
import t from 'tap';
import { MALFORMED_PACKET } from '../../../src/mqtt/reason-code.js';
import { SUBSCRIPTION_IDS_MAX } from '../../../src/mqtt/receive/publish.js';
import { publishFault } from '../../../src/mqtt/receive/publish-check.js';
import {
  LANE_INCOMPLETE,
  LANE_LEFT,
  LANE_READ,
  readPublish,
} from '../../../src/mqtt/receive/publish-lane.js';
import { FORBIDDEN } from '../../support/forbidden-publish.js';
import { publishOf, readByLane, valuesOf } from '../../support/lane.js';
import {
  CONTENT_TYPE,
  CORRELATION_DATA,
  counted,
  EXPIRY,
  encodePublish,
  PAYLOAD_FORMAT,
  pair,
  parts,
  RESPONSE_TOPIC,
  subscriptionId,
  TOPIC_ALIAS,
  u16,
  u32,
  withFixedHeader,
} from '../../support/publish-packets.js';
import { readStrictly } from '../../support/strict-publish.js';

const qos1 = { qos: 1, dup: false, retain: false };

function readsIt(packet: Buffer): boolean {
  const found: IPublishPacket[] = [];
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (each) => each.cmd === 'publish' && found.push(each));
  reader.on('error', () => found.splice(0));
  reader.parse(packet);
  return found.length === 1;
}

t.test('what MQTT 5 forbids is left, and the broker is told why', async (t) => {
  for (const { rule, packet, mqttPacket, reasonCode } of FORBIDDEN) {
    t.equal(readStrictly(packet), rule, `the example breaks the rule: ${rule}`);
    t.equal(publishOf(packet), undefined, `${rule}: not for the lane`);
    t.equal(readsIt(packet), mqttPacket === 'reads', `${rule}: mqtt-packet ${mqttPacket} it`);
    const fault = publishFault(packet);
    t.equal(fault.reasonCode, reasonCode, `${rule}: ${fault.text}`);
  }
});

t.test('a fault names the packet identifier wherever it can be told', async (t) => {
  t.equal(publishFault(encodePublish(parts({ qos: 2, packetId: 258 }))).packetId, 258);
  t.equal(publishFault(encodePublish(parts({ properties: [[0x7f, u32(1)]] }))).packetId, 5);
  t.equal(publishFault(encodePublish(parts({ qos: 0, dup: true }))).packetId, 0);
  t.equal(publishFault(withFixedHeader(qos1, u16(9))).packetId, 0);
  const cut = encodePublish(parts({ payload: Buffer.alloc(300) })).subarray(0, 100);
  t.match(publishFault(cut), { packetId: 5, reasonCode: MALFORMED_PACKET });
});

t.test('every field of a PUBLISH is read', async (t) => {
  const packet = encodePublish(
    parts({
      dup: true,
      retain: true,
      packetId: 65_535,
      properties: [
        pair('b', '1'),
        [PAYLOAD_FORMAT, Buffer.from([1])],
        [EXPIRY, u32(2 ** 32 - 1)],
        subscriptionId(268_435_455),
        [CONTENT_TYPE, counted('text/plain')],
        pair('a', ''),
        [RESPONSE_TOPIC, counted('answers/é')],
        [CORRELATION_DATA, counted(Buffer.from([0, 255, 0xc3]))],
        [TOPIC_ALIAS, u16(65_535)],
        subscriptionId(1),
        pair('b', '2'),
      ],
      payload: Buffer.from([0, 255]),
    }),
  );
  const publish = publishOf(packet, 3);
  if (publish === undefined) throw new Error('the lane left a sound packet');
  t.strictSame(valuesOf(publish), {
    qos: 1,
    dup: true,
    retain: true,
    packetId: 65_535,
    topic: 'plant/1/temperature',
    payload: '00ff',
    payloadFormat: 1,
    expirySeconds: 2 ** 32 - 1,
    contentType: 'text/plain',
    responseTopic: 'answers/é',
    correlationData: '00ffc3',
    topicAlias: 65_535,
    subscriptionIds: [268_435_455, 1],
    userProperties: [
      ['b', '1'],
      ['a', ''],
      ['b', '2'],
    ],
  });
});

t.test('nothing of one packet is left over in the next', async (t) => {
  const full = encodePublish(
    parts({
      retain: true,
      properties: [
        [PAYLOAD_FORMAT, Buffer.from([1])],
        [EXPIRY, u32(9)],
        [CONTENT_TYPE, counted('c')],
        [RESPONSE_TOPIC, counted('r')],
        [CORRELATION_DATA, counted('d')],
        [TOPIC_ALIAS, u16(3)],
        subscriptionId(4),
        pair('k', 'v'),
      ],
    }),
  );
  const { publish } = readByLane(full);
  const bare = encodePublish(parts({ qos: 0 }));
  publish.bytes.set(bare);
  const { said, publish: fresh } = readByLane(bare);
  t.equal(said, LANE_READ);
  t.equal(readPublish(bare[0] as number, 2, bare.length, bare.length, publish), LANE_READ);
  t.strictSame(valuesOf(publish), valuesOf(fresh));
});

t.test('a packet that is there in part is awaited, and read once its payload begins', async (t) => {
  const publish = parts({ properties: [pair('k', 'v')], payload: Buffer.from('payload') });
  const packet = encodePublish(publish);
  const headBytes = packet.length - publish.payload.length;
  for (let available = 2; available <= packet.length; available++) {
    const { said } = readByLane(packet, available);
    t.equal(said, available < headBytes ? LANE_INCOMPLETE : LANE_READ, `${available} bytes`);
  }
});

t.test('more Subscription Identifiers than a session can have are left', async (t) => {
  const ids = (count: number) =>
    encodePublish(parts({ properties: Array.from({ length: count }, () => subscriptionId(1)) }));
  t.equal(readByLane(ids(SUBSCRIPTION_IDS_MAX)).said, LANE_READ);
  t.equal(readByLane(ids(SUBSCRIPTION_IDS_MAX + 1)).said, LANE_LEFT);
  t.match(publishFault(ids(SUBSCRIPTION_IDS_MAX + 1)), {
    reasonCode: 0x83,
    text: 'more than 4096 Subscription Identifiers',
  });
});

t.test('an empty body is left', async (t) => {
  t.equal(readByLane(withFixedHeader(qos1, Buffer.alloc(0))).said, LANE_LEFT);
  t.equal(publishFault(withFixedHeader(qos1, Buffer.alloc(0))).reasonCode, MALFORMED_PACKET);
});
