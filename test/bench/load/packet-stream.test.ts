import mqttPacket from 'mqtt-packet';
import t from 'tap';
import {
  LARGE_HEAD_BYTES,
  PacketStream,
  type PacketStreamHandlers,
} from '../../../src/bench/load/packet-stream.js';

const PAYLOAD_BYTES = 20;

function publish(qos: 0 | 1, messageId: number, payloadBytes = PAYLOAD_BYTES): Buffer {
  const payload = Buffer.alloc(payloadBytes, messageId);
  return mqttPacket.generate(
    { cmd: 'publish', topic: 'feed/1', messageId, qos, dup: false, retain: false, payload },
    { protocolVersion: 5 },
  );
}

const STREAM = Buffer.concat([
  mqttPacket.generate({ cmd: 'pingreq' }, { protocolVersion: 5 }),
  Buffer.from([0x40, 2, 0x01, 0x02]),
  publish(1, 7),
  publish(1, 8),
  publish(0, 9),
  Buffer.from([0x40, 3, 0x00, 0x03, 0x97]),
  Buffer.from([0x40, 4, 0xff, 0xff, 0x10, 0]),
  mqttPacket.generate(
    {
      cmd: 'subscribe',
      messageId: 9,
      subscriptions: [{ topic: 'bench/#', qos: 1 }],
      properties: { subscriptionIdentifier: 1 },
    },
    { protocolVersion: 5 },
  ),
  publish(1, 10),
]);
const SEEN = [
  'pingreq',
  'puback 258 0',
  'publish 7',
  'publish 8',
  'publish 9',
  'puback 3 151',
  'puback 65535 16',
  'subscribe',
  'publish 10',
];

function recorder() {
  const seen: string[] = [];
  const parts: Buffer[] = [];
  const handlers: PacketStreamHandlers = {
    onPuback: (packetId, reasonCode) => seen.push(`puback ${packetId} ${reasonCode}`),
    onPublish: (bytes, at, bodyAt, end) => {
      const topicIsThere = bytes.toString('utf8', bodyAt + 2, bodyAt + 8) === 'feed/1';
      const isPublish = (bytes[at] as number) >> 4 === 3;
      const isWhole = end <= bytes.length;
      const read = isWhole ? bytes[end - 1] : `large ${end}`;
      seen.push(topicIsThere && isPublish ? `publish ${read}` : 'another publish');
    },
    onLargeBegun: (bytes) => parts.push(bytes),
    onLargePart: (bytes, at, end) => parts.push(Buffer.from(bytes.subarray(at, end))),
    onPacket: ({ cmd }) => seen.push(cmd),
    onError: () => seen.push('error'),
  };
  return { stream: new PacketStream(handlers), seen, parts };
}

t.test('packets are cut in order, wherever the stream is split', async (t) => {
  for (let at = 0; at <= STREAM.length; at += 1) {
    const { stream, seen } = recorder();
    stream.push(STREAM.subarray(0, at));
    stream.push(STREAM.subarray(at));
    t.strictSame(seen, SEEN, `split at ${at}`);
  }
});

t.test('packets are cut in order, byte by byte', async (t) => {
  const { stream, seen } = recorder();
  for (let at = 0; at < STREAM.length; at += 1) stream.push(STREAM.subarray(at, at + 1));
  t.strictSame(seen, SEEN);
});

t.test('a PUBLISH of many chunks is told of by its parts, and when it is whole', async (t) => {
  const large = publish(1, 11, 300_000);
  const stream = Buffer.concat([publish(1, 10), large, publish(1, 12), large, publish(0, 13)]);
  const seenThen = ['publish 10', `publish large ${large.length}`, 'publish 12'];
  for (const chunk of [65_536, LARGE_HEAD_BYTES, LARGE_HEAD_BYTES - 1, 40_000, 777]) {
    const { stream: cutter, seen, parts } = recorder();
    for (let at = 0; at < stream.length; at += chunk) {
      cutter.push(stream.subarray(at, at + chunk));
      if (at + chunk < large.length) t.notOk(seen.includes(seenThen[1] as string), 'not yet');
    }
    t.strictSame(seen, [...seenThen, seenThen[1], 'publish 13'], `chunks of ${chunk}`);
    t.ok(Buffer.concat(parts).equals(Buffer.concat([large, large])));
  }
});

t.test('a PUBACK without a packet identifier is an error, not a settled message', async (t) => {
  const { stream, seen } = recorder();
  stream.push(Buffer.from([0x40, 1, 0x01, 0x40]));
  t.strictSame(seen, ['error']);
});

t.test('a packet that announces more than a client has to say is refused', async (t) => {
  const { stream, seen } = recorder();
  stream.push(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
  t.strictSame(seen, ['error']);
});
