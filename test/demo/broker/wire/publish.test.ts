import { generate, type IPublishPacket, parser } from 'mqtt-packet';
import t from 'tap';
import {
  decodeProperties,
  encodeProperties,
} from '../../../../src/demo/broker/wire/publish-properties.js';
import { readPublish } from '../../../../src/demo/broker/wire/read-publish.js';
import {
  layOutPublish,
  type OutgoingPublish,
  writePublishHead,
} from '../../../../src/demo/broker/wire/write-publish.js';

const version5 = { protocolVersion: 5 };
const properties = {
  payloadFormatIndicator: 1,
  contentType: 'text/plain',
  responseTopic: 'answers/1',
  correlationData: Buffer.from([0, 255]),
  userProperties: [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
  ],
} as const;

function write(publish: Partial<OutgoingPublish>): Buffer {
  const whole: OutgoingPublish = {
    qos: 1,
    dup: false,
    retain: false,
    packetId: 5,
    topic: Buffer.from('a/b'),
    topicAlias: undefined,
    expirySeconds: undefined,
    subscriptionIdentifiers: Buffer.alloc(0),
    properties: Buffer.alloc(0),
    payload: Buffer.from('payload'),
    ...publish,
  };
  const layout = layOutPublish(whole);
  const packet = Buffer.alloc(layout.headBytes + whole.payload.length, 0xee);
  writePublishHead(whole, layout, { target: packet, offset: 0 });
  whole.payload.copy(packet, layout.headBytes);
  return packet;
}

function bodyStart(packet: Buffer): number {
  let at = 1;
  while ((packet[at] ?? 0) >= 128) at += 1;
  return at + 1;
}

function read(packet: Buffer) {
  return readPublish(packet, bodyStart(packet));
}

function parse(packet: Buffer): IPublishPacket {
  const found: IPublishPacket[] = [];
  const reader = parser(version5);
  reader.on('packet', (each) => each.cmd === 'publish' && found.push(each));
  reader.parse(packet);
  const first = found[0];
  if (first === undefined) throw new Error('mqtt-packet read no PUBLISH');
  return first;
}

t.test('mqtt-packet reads what we write, at every size of length', async (t) => {
  for (const payloadBytes of [0, 1, 100, 127, 128, 16_383, 16_384, 2_097_152]) {
    const packet = write({
      payload: Buffer.alloc(payloadBytes, 3),
      dup: true,
      retain: true,
      expirySeconds: 77,
      topicAlias: 9,
      subscriptionIdentifiers: Buffer.from([0x0b, 1, 0x0b, 0x80, 1]),
      properties: encodeProperties(properties),
    });
    const parsed = parse(packet);
    t.match(parsed, { topic: 'a/b', messageId: 5, qos: 1, dup: true, retain: true });
    t.equal(parsed.payload.length, payloadBytes);
    t.match(parsed.properties, {
      messageExpiryInterval: 77,
      topicAlias: 9,
      subscriptionIdentifier: [1, 128],
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'answers/1',
      userProperties: { a: '2', b: ['1', '3'] },
    });
  }
});

t.test('we read what mqtt-packet writes', async (t) => {
  const packet = generate(
    {
      cmd: 'publish',
      topic: 'x/y',
      qos: 1,
      dup: true,
      retain: true,
      messageId: 300,
      payload: 'hello',
      properties: {
        messageExpiryInterval: 4,
        topicAlias: 2,
        contentType: 'c',
        userProperties: { k: 'v' },
      },
    },
    version5,
  );
  const publish = read(packet);
  if (typeof publish === 'number') throw new Error(`refused with ${publish}`);
  t.match(publish, { qos: 1, dup: true, retain: true, packetId: 300 });
  t.match(publish, { topicAlias: 2, expirySeconds: 4 });
  t.equal(publish.topic.toString(), 'x/y');
  t.equal(publish.payload.toString(), 'hello');
  t.strictSame(decodeProperties(publish.properties), {
    contentType: 'c',
    userProperties: [['k', 'v']],
  });
});

t.test(
  'properties go on as they came, without Topic Alias and Message Expiry Interval',
  async (t) => {
    const before = encodeProperties({ userProperties: [['z', '1']] });
    const after = encodeProperties({
      userProperties: [
        ['a', '2'],
        ['z', '3'],
      ],
    });
    const alias = Buffer.from([0x23, 0, 7]);
    const expiry = Buffer.from([0x02, 0, 0, 1, 0]);
    const publish = read(write({ properties: Buffer.concat([before, alias, after, expiry]) }));
    if (typeof publish === 'number') throw new Error(`refused with ${publish}`);
    t.match(publish, { topicAlias: 7, expirySeconds: 256 });
    t.ok(publish.properties.equals(Buffer.concat([before, after])));
  },
);

t.test('encoded properties decode to the same, user properties in order', async (t) => {
  t.strictSame(decodeProperties(encodeProperties(properties)), properties);
});

t.test('what MQTT forbids is refused with its reason code', async (t) => {
  const withProperties = (...bytes: number[]) => write({ properties: Buffer.from(bytes) });
  const qos2 = write({});
  qos2[0] = 0x34;
  const qos3 = write({});
  qos3[0] = 0x36;
  const dup0 = write({ qos: 0 });
  dup0[0] = 0x38;
  const cases: [string, Buffer, number][] = [
    ['QoS 2', qos2, 0x9b],
    ['QoS 3', qos3, 0x81],
    ['DUP at QoS 0', dup0, 0x81],
    ['packet identifier 0', write({ packetId: 0 }), 0x82],
    ['a wildcard in the topic name', write({ topic: Buffer.from('a/+') }), 0x90],
    ['U+0000 in the topic name', write({ topic: Buffer.from('a\0') }), 0x81],
    ['a topic name that is no UTF-8', write({ topic: Buffer.from([0xc3]) }), 0x81],
    ['a Subscription Identifier', withProperties(0x0b, 1), 0x82],
    ['a repeated Content Type', withProperties(3, 0, 0, 3, 0, 0), 0x82],
    ['a repeated Topic Alias', withProperties(0x23, 0, 1, 0x23, 0, 1), 0x82],
    ['Payload Format Indicator 2', withProperties(1, 2), 0x82],
    ['a property of another packet', withProperties(0x11, 0, 0, 0, 1), 0x81],
    ['a wildcard in the Response Topic', withProperties(8, 0, 1, 0x23), 0x90],
    ['a user property that is cut off', withProperties(0x26, 0, 1, 0x61, 0, 9), 0x81],
    ['a user property that is no UTF-8', withProperties(0x26, 0, 1, 0xff, 0, 0), 0x81],
  ];
  for (const [title, packet, reasonCode] of cases) t.equal(read(packet), reasonCode, title);
});

t.test('a PUBLISH that is cut off anywhere before its payload is refused', async (t) => {
  const packet = write({ properties: encodeProperties(properties), payload: Buffer.alloc(0) });
  const start = bodyStart(packet);
  for (let end = start; end < packet.length; end += 1)
    t.equal(readPublish(packet.subarray(0, end), start), 0x81, `cut at ${end}`);
});
