import type { IPublishPacket, Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';
import t from 'tap';
import type { SlabOptions } from '../../../src/bench/load/publish-slab.js';
import { PublishSlab } from '../../../src/bench/load/publish-slab.js';

const OPTIONS: SlabOptions = {
  topicNames: ['bench/0', 'bench/1', 'bench/10'],
  subscriptionIds: [268_435_455],
  payloadBytes: 200,
  userProperties: 2,
  qos: 1,
};

function parse(bytes: Buffer): IPublishPacket[] {
  const packets: Packet[] = [];
  const parser = mqttPacket.parser({ protocolVersion: 5 });
  parser.on('packet', (packet) => packets.push(packet));
  parser.on('error', (error) => {
    throw error;
  });
  parser.parse(bytes);
  return packets as IPublishPacket[];
}

t.test('a stretch holds whole PUBLISH packets with the packet identifiers given', async (t) => {
  const slab = new PublishSlab(OPTIONS);
  const ids = Uint16Array.of(1, 256, 65_535, 77);
  const packets = parse(Buffer.concat(slab.stretch(ids, 4)));
  t.same(
    packets.map(({ topic, messageId, qos }) => ({ topic, messageId, qos })),
    [
      { topic: 'bench/0', messageId: 1, qos: 1 },
      { topic: 'bench/1', messageId: 256, qos: 1 },
      { topic: 'bench/10', messageId: 65_535, qos: 1 },
      { topic: 'bench/0', messageId: 77, qos: 1 },
    ],
  );
  for (const { payload, properties } of packets) {
    t.equal(payload.length, 200);
    t.equal(properties?.subscriptionIdentifier, 268_435_455);
    t.strictSame(Object.keys(properties?.userProperties ?? {}), ['property-0', 'property-1']);
  }
});

t.test('stretches go through the slab and start again at its first packet', async (t) => {
  const slab = new PublishSlab({ ...OPTIONS, topicNames: ['a', 'b'], payloadBytes: 8 });
  const ids = new Uint16Array(slab.count).map((_, n) => n + 1);
  const whole = parse(Buffer.concat(slab.stretch(ids, slab.untilWrap)));
  t.equal(whole.length, slab.count);
  t.equal(slab.untilWrap, slab.count);
  const [again] = parse(Buffer.concat(slab.stretch(Uint16Array.of(9), 1)));
  t.match(again, { topic: 'a', messageId: 9 });
});

t.test('a stretch past the end of the slab is refused', async (t) => {
  const slab = new PublishSlab(OPTIONS);
  t.throws(() => slab.stretch(new Uint16Array(slab.count + 1), slab.count + 1), {
    name: 'AssertionError',
  });
});

t.test('large payloads share one buffer, and their packets are whole', async (t) => {
  const slab = new PublishSlab({ ...OPTIONS, payloadBytes: 2 * 1024 * 1024 });
  const pieces = slab.stretch(Uint16Array.of(5, 6), 2);
  t.equal(pieces[1], pieces[3], 'the payload is the same object');
  const packets = parse(Buffer.concat(pieces));
  t.same(
    packets.map(({ messageId, payload }) => [messageId, payload.length]),
    [
      [5, 2 * 1024 * 1024],
      [6, 2 * 1024 * 1024],
    ],
  );
  t.equal(slab.packetBytesMax, Buffer.concat(pieces.slice(0, 2)).length + 1, 'bench/10 is longer');
});

t.test('QoS 0 packets carry no packet identifier', async (t) => {
  const slab = new PublishSlab({ ...OPTIONS, qos: 0, subscriptionIds: [] });
  const [packet] = parse(Buffer.concat(slab.stretch(Uint16Array.of(7), 1)));
  t.match(packet, { qos: 0, topic: 'bench/0' });
  t.equal(packet?.messageId, undefined);
});
