import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import t from 'tap';
import { PacketWriter } from '../../../../src/demo/broker/wire/packet-writer.js';

/** Takes one write at a time, and finishes it when the test says so. */
class FakeSocket extends Writable {
  readonly writes: Buffer[] = [];
  finish: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 16 * 1024 });
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    this.finish = () => callback();
  }
}

function setUp(bufferedBytesMax = 64 * 1024) {
  const socket = new FakeSocket();
  // The writer uses the stream side of a socket only.
  return { socket, writer: new PacketWriter(socket as unknown as Socket, bufferedBytesMax) };
}

t.test('packets of one turn leave together, large ones in their place', async (t) => {
  const { socket, writer } = setUp();
  const large = Buffer.alloc(20_000, 2);
  writer.write(Buffer.from([1]));
  writer.write(large);
  writer.write(Buffer.from([3]));
  t.equal(socket.writes.length, 0);
  writer.flush();
  const expected = Buffer.concat([Buffer.from([1]), large, Buffer.from([3])]);
  t.strictSame(
    socket.writes.map((bytes) => bytes.equals(expected)),
    [true],
  );
});

t.test('a flush follows by itself', async (t) => {
  const { socket, writer } = setUp();
  writer.write(Buffer.from([1]));
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(socket.writes, [Buffer.from([1])]);
});

t.test('bytes that the socket has are not touched by later packets', async (t) => {
  const { socket, writer } = setUp(10_000_000);
  const expected: Buffer[] = [];
  for (let round = 0; round < 300; round += 1) {
    const packet = Buffer.alloc(997, round);
    expected.push(packet);
    writer.write(packet);
    if (round % 7 === 0) writer.flush();
  }
  writer.flush();
  while (socket.finish !== undefined) {
    const { finish } = socket;
    socket.finish = undefined;
    finish();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.ok(Buffer.concat(socket.writes).equals(Buffer.concat(expected)));
});

t.test('a packet larger than a batch is reserved whole', async (t) => {
  const { socket, writer } = setUp();
  const { target, offset } = writer.reserve(100_000);
  target.fill(9, offset, offset + 100_000);
  writer.flush();
  t.ok(socket.writes[0]?.equals(Buffer.alloc(100_000, 9)));
});

t.test('there is no room at the bound, and drain follows when there is again', async (t) => {
  const { socket, writer } = setUp();
  writer.write(Buffer.alloc(10_000));
  writer.flush();
  for (let count = 0; count < 6; count += 1) writer.write(Buffer.alloc(10_000));
  t.equal(writer.bufferedBytes, 70_000);
  t.equal(writer.hasRoom, false);
  writer.flush();
  const drained = new Promise((resolve) => socket.once('drain', resolve));
  for (let count = 0; count < 2; count += 1) {
    socket.finish?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await drained;
  t.equal(writer.hasRoom, true);
});
