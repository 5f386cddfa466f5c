import type { IPublishPacket, Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';
import t from 'tap';
import { WHOLE } from '../../../src/bench/load/load-part.js';
import type { RoundOptions } from '../../../src/bench/load/packet-round.js';
import { payloadOf } from '../../../src/bench/load/payload.js';
import { PublishSlab } from '../../../src/bench/load/publish-slab.js';
import {
  checkAt,
  contentChecksum,
  keyChecksum,
  keyChecksumAt,
  payloadChecksum,
  STAMP_BYTES,
  stampedCheck,
  stampedDueAtMs,
  stampedSequence,
  viewOf,
} from '../../../src/bench/load/stamp.js';

const OPTIONS: RoundOptions = {
  topicRoot: 'bench',
  routes: 1,
  topics: [0, 1, 10],
  keys: [0, 1, 10],
  keyProperty: undefined,
  skew: 0,
  subscriptionIds: [[268_435_455], [268_435_455], [268_435_455]],
  payload: [{ bytes: 200, percent: 100 }],
  userProperties: 2,
  systemProperties: false,
  qos: 1,
  ...WHOLE,
};

function slabOf(options: Partial<RoundOptions>) {
  const stamps = { sequence: 0, checkSum: 0 };
  return { slab: new PublishSlab({ ...OPTIONS, ...options }, stamps), stamps };
}

function fields(length: number, packetIds = Uint16Array.from({ length }, (_, n) => n + 1)) {
  return { packetIds, dueAtMs: Float64Array.from({ length }, (_, n) => 1000 + n) };
}

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

/** All packets of one round. */
function wholeRound(slab: PublishSlab): IPublishPacket[] {
  const length = Math.min(slab.untilWrap, 65_535);
  return parse(Buffer.concat(slab.stretch(fields(length), length)));
}

function payloadOfPacket({ payload }: IPublishPacket): Buffer {
  return payload as Buffer;
}

t.test('a stretch holds whole PUBLISH packets with the packet identifiers given', async (t) => {
  const { slab } = slabOf({});
  const ids = Uint16Array.of(1, 256, 65_535, 77);
  const packets = parse(Buffer.concat(slab.stretch(fields(4, ids), 4)));
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

t.test('messages carry the properties of MQTT v5 where that is asked for', async (t) => {
  const [packet] = wholeRound(slabOf({ systemProperties: true }).slab);
  t.match(packet?.properties, {
    payloadFormatIndicator: false,
    messageExpiryInterval: 3600,
    contentType: 'application/json',
    responseTopic: 'bench/answers',
    correlationData: Buffer.from([0xff, 0, 0x0d, 0x80]),
    userProperties: { 'property-0': 'value-0-of-the-bench' },
  });
  t.notHas(wholeRound(slabOf({}).slab)[0]?.properties, { contentType: String });
});

t.test('stretches go through the slab and start again at its first packet', async (t) => {
  const { slab } = slabOf({ topicRoot: 'a', topics: [3, 4], keys: [3, 4] });
  t.equal(wholeRound(slab).length, slab.count);
  t.equal(slab.untilWrap, slab.count);
  const [again] = parse(Buffer.concat(slab.stretch(fields(1, Uint16Array.of(9)), 1)));
  t.match(again, { topic: 'a/3', messageId: 9 });
});

t.test('a stretch past the end of the slab is refused', async (t) => {
  const { slab } = slabOf({});
  t.throws(() => slab.stretch(fields(slab.count + 1), slab.count + 1), {
    name: 'AssertionError',
  });
});

t.test('each message says which one it is, and what its topic and payload are', async (t) => {
  const { slab, stamps } = slabOf({});
  wholeRound(slab);
  const before = { ...stamps };
  t.equal(before.sequence, slab.count);
  const packets = parse(Buffer.concat(slab.stretch(fields(3), 3)));
  let checkSum = before.checkSum;
  for (const [n, packet] of packets.entries()) {
    const payload = payloadOfPacket(packet);
    const view = viewOf(payload);
    t.equal(stampedSequence(view, 0), before.sequence + n);
    t.equal(stampedDueAtMs(view, 0), 1000 + n);
    const key = keyChecksum(Buffer.from(packet.topic));
    const check = checkAt(view, 0, contentChecksum(key, payloadChecksum(payload)));
    t.equal(stampedCheck(view, 0), check);
    t.same(payload.subarray(16), payloadOf(200).subarray(16));
    checkSum = (checkSum + check) % 2 ** 32;
  }
  t.equal(stamps.checkSum, checkSum);
});

t.test('a checksum of a key is the same wherever the key lies', async (t) => {
  for (const key of ['', 'bench/0', 'key/99999', 'Grüße']) {
    const bytes = Buffer.from(`xx${key}yy`);
    t.equal(keyChecksumAt(bytes, 2, bytes.length - 2), keyChecksum(Buffer.from(key)), key);
  }
});

t.test('large payloads share one buffer but for their stamps, and are whole', async (t) => {
  const payload = [{ bytes: 2 * 1024 * 1024, percent: 100 }];
  const { slab } = slabOf({ payload });
  const pieces = slab.stretch(fields(2, Uint16Array.of(5, 6)), 2);
  t.equal(pieces[1], pieces[3], 'the payload is the same object');
  const packets = parse(Buffer.concat(pieces));
  t.same(
    packets.map(({ messageId, payload }) => [messageId, payload.length]),
    [
      [5, 2 * 1024 * 1024],
      [6, 2 * 1024 * 1024],
    ],
  );
  t.same(
    packets.map((packet) => stampedSequence(viewOf(payloadOfPacket(packet)), 0)),
    [0, 1],
  );
  t.ok(slab.packetBytesMax >= Buffer.concat(pieces.slice(0, 2)).length + 1, 'bench/10 is longer');
});

t.test('payloads of a mix come in their shares, each as long as it should be', async (t) => {
  const payload = [
    { bytes: 10, percent: 30 },
    { bytes: 200, percent: 69.5 },
    { bytes: 50_000, percent: 0.5 },
  ];
  const { slab } = slabOf({ payload });
  const expected = Array.from({ length: slab.count }, (_, n) => slab.payloadBytes(n));
  const packets = wholeRound(slab);
  t.same(
    packets.map((packet) => packet.payload.length),
    expected,
  );
  for (const { bytes, percent } of payload) {
    const found = expected.filter((length) => length === bytes).length / expected.length;
    t.ok(Math.abs(found - percent / 100) < 0.0002, `${bytes}: ${found}`);
  }
  const ofFirst = packets.filter(({ topic }) => topic === 'bench/0');
  t.equal(new Set(ofFirst.map((packet) => packet.payload.length)).size, 3, 'also of one topic');
  const stamped = packets.filter((packet) => packet.payload.length >= 16);
  t.same(
    stamped.map((packet) => stampedSequence(viewOf(payloadOfPacket(packet)), 0)),
    stamped.map((_, n) => n),
    'numbers are of those that have room for one',
  );
  const unstamped = slab.unstampedByKey(11) ?? [];
  t.equal(
    unstamped.reduce((sum, count) => sum + count, 0),
    packets.length - stamped.length,
  );
});

t.test('keys that are not the topics are a user property', async (t) => {
  const { slab } = slabOf({ keys: [0, 1, 2, 3, 4, 5, 6], keyProperty: 'key' });
  const packets = wholeRound(slab);
  const pairs = new Map<string, string>();
  for (const { topic, properties } of packets) {
    pairs.set(String(properties?.userProperties?.key), topic);
  }
  t.strictSame(
    [...pairs.keys()].sort(),
    [0, 1, 2, 3, 4, 5, 6].map((n) => `key/${n}`),
  );
  t.equal(new Set(pairs.values()).size, 3);
});

t.test('100,000 topics take a bounded slab, whatever the payloads are', async (t) => {
  const topics = Array.from({ length: 100_000 }, (_, n) => n);
  const { slab } = slabOf({
    topics,
    keys: topics,
    userProperties: 0,
    payload: [{ bytes: 4096, percent: 100 }],
  });
  const [first, shared] = slab.stretch(fields(1), 1);
  t.ok(slab.count * (first?.length ?? 0) < 10_000_000, 'headers and stamps');
  t.equal(shared?.length, 4080);
  t.throws(() => slabOf({ topics, keys: topics, userProperties: 100 }), {
    code: 'ERR_BENCH_GENERATOR',
    message: /more than 128 MiB/,
  });
});

t.test('each topic has its own Subscription Identifiers', async (t) => {
  const { slab } = slabOf({ routes: 2, subscriptionIds: [[11], [12, 13], []] });
  const packets = parse(Buffer.concat(slab.stretch(fields(3), 3)));
  t.same(
    packets.map(({ topic, properties }) => [topic, properties?.subscriptionIdentifier]),
    [
      ['bench/0/0', 11],
      ['bench/1/1', [12, 13]],
      ['bench/0/10', undefined],
    ],
  );
});

t.test('QoS 0 packets carry no packet identifier', async (t) => {
  const { slab } = slabOf({ qos: 0, subscriptionIds: [] });
  const [packet] = parse(Buffer.concat(slab.stretch(fields(1), 1)));
  t.match(packet, { qos: 0, topic: 'bench/0' });
  t.equal(packet?.messageId, undefined);
});

t.test('one of many slabs is small', async (t) => {
  t.ok(slabOf({ parts: 1000 }).slab.count * 200 < 20_000);
  t.ok(slabOf({}).slab.count * 200 > 200_000);
});

t.test('a PUBLISH of MQTT 3.1.1 has its payload right after the packet identifier', async (t) => {
  const options = { protocolVersion: 4, userProperties: 0, subscriptionIds: [] } as const;
  const { slab } = slabOf(options);
  const [bytes] = slab.stretch(fields(1, Uint16Array.of(513)), 1) as [Buffer];
  const head = '\x32\xd3\x01\x00\x07bench/0\x02\x01';
  t.strictSame(bytes.subarray(0, 14), Buffer.from(head, 'latin1'));
  t.strictSame(bytes.subarray(14 + STAMP_BYTES), payloadOf(200).subarray(STAMP_BYTES));
  t.throws(() => slabOf({ ...options, userProperties: 1 }), /no properties/);
  t.throws(() => slabOf({ ...options, keyProperty: 'key' }), /no properties/);
});
