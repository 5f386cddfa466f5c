import mqttPacket from 'mqtt-packet';
import t from 'tap';
import { ClientStream } from '../../../src/bench/load/client-stream.js';

const STREAM = Buffer.concat([
  mqttPacket.generate({ cmd: 'pingreq' }, { protocolVersion: 5 }),
  Buffer.from([0x40, 2, 0x01, 0x02]),
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
]);
const SEEN = ['pingreq', 'puback 258 0', 'puback 3 151', 'puback 65535 16', 'subscribe'];

function recorder() {
  const seen: string[] = [];
  const stream = new ClientStream({
    onPuback: (packetId, reasonCode) => seen.push(`puback ${packetId} ${reasonCode}`),
    onPacket: ({ cmd }) => seen.push(cmd),
    onError: () => seen.push('error'),
  });
  return { stream, seen };
}

t.test('packets are cut in order, wherever the stream is split', async (t) => {
  for (let at = 0; at <= STREAM.length; at += 1) {
    const { stream, seen } = recorder();
    stream.push(STREAM.subarray(0, at));
    stream.push(STREAM.subarray(at));
    t.strictSame(seen, SEEN, `split at ${at}`);
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
