import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { generate } from 'mqtt-packet';
import t from 'tap';
import { Connection } from '../../../src/demo/broker/connection.js';
import { applyDefaults } from '../../../src/demo/broker/options.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A peer that sends, and takes what it is sent only when the test says so. */
class FakeSocket extends Duplex {
  readonly written: Buffer[] = [];
  accept: (() => void) | undefined;

  override _read(): void {
    // `push` brings what is read.
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.written.push(chunk);
    this.accept = callback;
  }

  setNoDelay(): this {
    return this;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function setUp(onPacket: (connection: Connection, packet: Buffer) => void) {
  const socket = new FakeSocket({ highWaterMark: 16 * 1024 });
  const settings = applyDefaults({ clock: new ManualClock(), bufferedBytesMax: 64 * 1024 });
  let closed = 0;
  // The connection uses the stream side of a socket, and `setNoDelay`.
  const connection = new Connection(socket as unknown as Socket, {
    settings,
    onPacket,
    onClosed: () => {
      closed += 1;
    },
  });
  return { socket, connection, closed: () => closed };
}

const pingreq = generate({ cmd: 'pingreq' });

t.test('a peer that reads no answers is not read either, until it does', async (t) => {
  const { socket } = setUp((connection) => connection.sendBytes(Buffer.alloc(1_000)));
  for (let chunk = 0; chunk < 100; chunk += 1) socket.push(pingreq);
  await turn();
  await turn();
  t.equal(socket.isPaused(), true);
  t.equal(socket.writableLength, 66_000, 'the first packet over the bound was the last one read');
  const received = () => socket.written.reduce((bytes, chunk) => bytes + chunk.length, 0);
  while (received() < 100_000) {
    const { accept } = socket;
    socket.accept = undefined;
    accept?.();
    await turn();
  }
  t.equal(socket.isPaused(), false);
});

t.test('a fault keeps the peer unread when the output has drained', async (t) => {
  const { socket, connection } = setUp(() => undefined);
  connection.pause('output');
  connection.pause('fault');
  connection.resume('output');
  t.equal(socket.isPaused(), true);
  connection.resume('fault');
  t.equal(socket.isPaused(), false);
});

t.test('an end is told once, and nothing is read after it', async (t) => {
  let packets = 0;
  const { socket, connection, closed } = setUp((each) => {
    packets += 1;
    each.drop();
  });
  socket.push(Buffer.concat([pingreq, pingreq, pingreq]));
  await turn();
  await turn();
  connection.drop();
  connection.fail(0x81);
  t.equal(packets, 1);
  t.equal(closed(), 1);
});
