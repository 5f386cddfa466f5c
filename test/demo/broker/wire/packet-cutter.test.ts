import t from 'tap';
import { PacketCutter } from '../../../../src/demo/broker/wire/packet-cutter.js';

const pingreq = Buffer.from([0xc0, 0]);
const long = Buffer.concat([Buffer.from([0x30, 0xc8, 0x01]), Buffer.alloc(200, 7)]);
const stream = Buffer.concat([pingreq, long, pingreq, long]);

function cut(chunks: readonly Buffer[], bytesMax = 1000) {
  const packets: { bytes: Buffer; bodyStart: number; owned: boolean }[] = [];
  const cutter = new PacketCutter(bytesMax, (packet, bodyStart, owned) =>
    packets.push({ bytes: Buffer.from(packet), bodyStart, owned }),
  );
  const reasonCodes = chunks.map((chunk) => cutter.push(chunk));
  return { packets, reasonCodes, cutter };
}

t.test('a stream gives the same packets wherever it is split', async (t) => {
  for (let first = 0; first <= stream.length; first += 1) {
    for (const second of [first, first + 1, first + 2, first + 150]) {
      const at = Math.min(second, stream.length);
      const parts = [stream.subarray(0, first), stream.subarray(first, at), stream.subarray(at)];
      const { packets } = cut(parts.filter((part) => part.length > 0));
      t.strictSame(
        packets.map(({ bytes, bodyStart }) => [bytes.length, bodyStart]),
        [
          [2, 2],
          [203, 3],
          [2, 2],
          [203, 3],
        ],
      );
      t.ok(packets[3]?.bytes.equals(long));
    }
  }
});

t.test('a packet that comes byte by byte is joined, and owned by who gets it', async (t) => {
  const { packets } = cut([...long].map((byte) => Buffer.from([byte])));
  t.strictSame(
    packets.map(({ bytes, owned }) => [bytes.equals(long), owned]),
    [[true, true]],
  );
});

t.test('a packet within one chunk is a view of it, and says so', async (t) => {
  t.strictSame(
    cut([stream]).packets.map(({ owned }) => owned),
    [false, false, false, false],
  );
});

t.test('a packet over the limit is refused by its length, before its bytes come', async (t) => {
  const { packets, reasonCodes } = cut([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])]);
  t.strictSame(reasonCodes, [0x95]);
  t.equal(packets.length, 0);
});

t.test('a length that does not end within four bytes is malformed', async (t) => {
  t.strictSame(cut([Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80])]).reasonCodes, [0x81]);
});

t.test('a length with more bytes than necessary is malformed', async (t) => {
  t.strictSame(cut([Buffer.from([0x30, 0x80, 0x00])]).reasonCodes, [0x81]);
});

t.test('nothing is cut after stop, even from the chunk in hand', async (t) => {
  let packets = 0;
  const cutter = new PacketCutter(1000, () => {
    packets += 1;
    cutter.stop();
  });
  cutter.push(stream);
  t.equal(packets, 1);
});
