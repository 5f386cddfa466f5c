import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import t from 'tap';
import { systemClock } from '../../../src/base/clock.js';
import { Connection, type ConnectionHandlers } from '../../../src/mqtt/connection.js';
import { dialTcp } from '../../../src/mqtt/dial/tcp.js';
import { ABSENT } from '../../../src/mqtt/receive/publish.js';
import { PayloadSlab } from '../../../src/ring/payload-slab.js';
import { encodePublish, parts } from '../../support/publish-packets.js';

/* Real sockets: what the scripted ones of the other tests stand for. */

interface Peer {
  readonly server: Server;
  readonly port: number;
  readonly accepted: Promise<Socket>;
}

async function listen(test: { teardown(callback: () => void): void }): Promise<Peer> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => server.close());
  return { server, port: (server.address() as AddressInfo).port, accepted };
}

function open(
  port: number,
  slab: PayloadSlab,
  handlers: Partial<ConnectionHandlers>,
  onSocketClosed: () => void = () => {},
): Connection {
  return new Connection({
    host: '127.0.0.1',
    port,
    connectTimeoutMs: 10_000,
    writeTimeoutMs: 10_000,
    maximumPacketSize: 10_000_000,
    payloadBytesMax: 10_000_000,
    slab: slab.bytes,
    clock: systemClock,
    dial: (options) =>
      dialTcp({
        ...options,
        onClosed: (error) => {
          options.onClosed(error);
          onSocketClosed();
        },
      }),
    handlers: {
      onOpen: () => {},
      onBatchStart: () => {},
      onBatchEnd: () => {},
      onPuback: () => {},
      onPacket: () => {},
      onDrained: () => {},
      onPublish: () => true,
      onOversize: () => undefined,
      onLeft: () => {},
      onClosed: () => {},
      reservePayload: (bytes) => slab.reserve(bytes),
      releasePayload: (offset) => slab.release(offset),
      ...handlers,
    },
  });
}

t.test('payloads of any size arrive over a real socket, with pauses', async (t) => {
  const { port, accepted } = await listen(t);
  const slab = new PayloadSlab(8_000_000);
  const sizes = [10, 3_000_000, 0, 1_000_001, 200_000, 2_000_000, 50];
  const received: number[] = [];
  let offers = 0;
  const finished = new Promise<void>((resolve) => {
    const connection = open(port, slab, {
      onPublish: ({ bytes, slabOffset, payloadStart, payloadBytes }) => {
        // Every other offer finds no credit.
        if (offers++ % 2 === 0) {
          setImmediate(() => connection.resume());
          return false;
        }
        const [source, start] =
          slabOffset === ABSENT ? [bytes, payloadStart] : [slab.bytes, slabOffset];
        const payload = source.subarray(start, start + payloadBytes);
        received.push(payload.every((byte) => byte === received.length + 1) ? payloadBytes : -1);
        if (slabOffset !== ABSENT) slab.release(slabOffset);
        if (received.length === sizes.length) {
          connection.destroy('done');
          resolve();
        }
        return true;
      },
    });
  });
  const socket = await accepted;
  socket.on('error', () => {});
  for (const [i, size] of sizes.entries()) {
    socket.write(encodePublish(parts({ payload: Buffer.alloc(size, i + 1) })));
  }
  await finished;
  t.strictSame(received, sizes);
  t.equal(slab.takenBytes, 0);
});

t.test('the kernel writes to no region that was given back', async (t) => {
  const { port, accepted } = await listen(t);
  const slab = new PayloadSlab(4_000_000);
  let begin: () => void = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let closed: () => void = () => {};
  const socketClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const connection = open(
    port,
    slab,
    {
      reservePayload: (bytes) => {
        // The read into the slab begins once this one has returned.
        setImmediate(begin);
        return slab.reserve(bytes);
      },
    },
    () => closed(),
  );
  const socket = await accepted;
  socket.on('error', () => {});
  const packet = encodePublish(parts({ payload: Buffer.alloc(2_000_000, 1) }));
  socket.write(packet.subarray(0, 100_000));
  await begun;
  connection.disconnect(0, 'a producer was lost');
  const mine = slab.reserve(1_500_000);
  slab.bytes.fill(7, mine, mine + 1_500_000);
  socket.end(packet.subarray(100_000));
  await socketClosed;
  t.ok(slab.bytes.subarray(mine, mine + 1_500_000).every((byte) => byte === 7));
  slab.release(mine);
  t.equal(slab.takenBytes, 0);
});

t.test('nobody listens: the connection is closed with the reason', async (t) => {
  const { server, port } = await listen(t);
  server.close();
  await once(server, 'close');
  const reason = await new Promise<string>((resolve) => {
    open(port, new PayloadSlab(4096), { onClosed: (closed) => resolve(closed.reason) });
  });
  t.match(reason, /ECONNREFUSED/);
});

t.test('the peer closes: the connection is closed, and told so', async (t) => {
  const { port, accepted } = await listen(t);
  const closed = new Promise<string>((resolve) => {
    open(port, new PayloadSlab(4096), { onClosed: ({ reason }) => resolve(reason) });
  });
  (await accepted).end();
  t.equal(await closed, 'the broker closed the connection');
});
