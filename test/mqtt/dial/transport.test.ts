import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { systemClock } from '../../../src/base/clock.js';
import { Connection, type ConnectionHandlers } from '../../../src/mqtt/connection.js';
import { dialler } from '../../../src/mqtt/dial/dialler.js';
import { ABSENT } from '../../../src/mqtt/receive/publish.js';
import { PayloadSlab } from '../../../src/ring/payload-slab.js';
import { connectionTo, listenPeer, PEER_CREDENTIALS, PEER_KINDS } from '../../support/peer.js';
import { encodePublish, parts } from '../../support/publish-packets.js';
import { until } from '../../support/until.js';

/* Real sockets of every kind: what the scripted ones of the other tests stand for. */

const MIB = 1024 * 1024;
const SLOW_PEER_BYTES = 2 * MIB;
const SLOW_PEER_REST_MS = 100;

interface OpenOptions {
  readonly slab?: PayloadSlab;
  readonly writeTimeoutMs?: number;
  readonly onSocketClosed?: () => void;
  /** Bytes that were read so far. */
  readonly onRead?: (bytes: number) => void;
}

for (const kind of PEER_KINDS) {
  const open = (
    port: number,
    handlers: Partial<ConnectionHandlers>,
    options: OpenOptions = {},
  ): Connection => {
    const { slab = new PayloadSlab(4096), onSocketClosed, onRead } = options;
    const dial = dialler(connectionTo(kind, port), () => PEER_CREDENTIALS);
    return new Connection({
      // By name, so that there is a name to be verified.
      host: 'localhost',
      port,
      connectTimeoutMs: 10_000,
      writeTimeoutMs: options.writeTimeoutMs ?? 10_000,
      maximumPacketSize: 10_000_000,
      payloadBytesMax: 10_000_000,
      slab: slab.bytes,
      clock: systemClock,
      dial: (asked) =>
        dial({
          ...asked,
          onBytes: (bytes) => {
            onRead?.(bytes);
            asked.onBytes(bytes);
          },
          onClosed: (error) => {
            asked.onClosed(error);
            onSocketClosed?.();
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
  };

  t.test(`${kind}: payloads of any size arrive, with pauses`, async (t) => {
    const { port, accepted } = await listenPeer(t, kind);
    const slab = new PayloadSlab(8_000_000);
    const sizes = [10, 3_000_000, 0, 1_000_001, 200_000, 2_000_000, 50];
    const received: number[] = [];
    let offers = 0;
    const finished = new Promise<void>((resolve) => {
      const connection = open(
        port,
        {
          onPublish: ({ bytes, slabOffset, payloadStart, payloadBytes }) => {
            // Every other offer finds no credit.
            if (offers++ % 2 === 0) {
              setImmediate(() => connection.resume());
              return false;
            }
            const [source, start] =
              slabOffset === ABSENT ? [bytes, payloadStart] : [slab.bytes, slabOffset];
            const payload = source.subarray(start, start + payloadBytes);
            received.push(
              payload.every((byte) => byte === received.length + 1) ? payloadBytes : -1,
            );
            if (slabOffset !== ABSENT) slab.release(slabOffset);
            if (received.length === sizes.length) {
              connection.destroy('done');
              resolve();
            }
            return true;
          },
        },
        { slab },
      );
    });
    const peer = await accepted;
    for (const [i, size] of sizes.entries()) {
      peer.write(encodePublish(parts({ payload: Buffer.alloc(size, i + 1) })));
    }
    await finished;
    t.strictSame(received, sizes);
    t.equal(slab.takenBytes, 0);
  });

  t.test(`${kind}: nothing is read beyond what is under way while reading is paused`, async (t) => {
    const { port, accepted } = await listenPeer(t, kind);
    const packet = encodePublish(parts({ payload: Buffer.alloc(100_000, 1) }));
    const count = 400;
    let hasCredit = false;
    let read = 0;
    let taken = 0;
    const connection = open(
      port,
      {
        onPublish: () => {
          if (hasCredit) taken++;
          return hasCredit;
        },
      },
      {
        onRead: (bytes) => {
          read += bytes;
        },
      },
    );
    const peer = await accepted;
    for (let n = 0; n < count; n++) peer.write(packet);
    await until('reading is paused', () => connection.paused);
    let before = -1;
    await until(
      'the peer gets rid of no more',
      () => {
        const settled = peer.writableLength === before;
        before = peer.writableLength;
        return settled;
      },
      { pollMs: 100 },
    );
    t.ok(peer.writableLength > 10 * MIB, 'most of it waits there');
    // The packet that found no credit, and what a read or a message had behind it.
    t.ok(read < packet.length + 256 * 1024, `${read} bytes were read`);
    hasCredit = true;
    connection.resume();
    await until('everything has come', () => taken === count);
    t.equal(read, count * packet.length);
    connection.destroy('done');
  });

  t.test(`${kind}: nothing is written to a region that was given back`, async (t) => {
    const { port, accepted } = await listenPeer(t, kind);
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
      {
        reservePayload: (bytes) => {
          // The read into the slab begins once this one has returned.
          setImmediate(begin);
          return slab.reserve(bytes);
        },
      },
      { slab, onSocketClosed: () => closed() },
    );
    const peer = await accepted;
    const packet = encodePublish(parts({ payload: Buffer.alloc(2_000_000, 1) }));
    peer.write(packet.subarray(0, 100_000));
    await begun;
    connection.disconnect(0, 'a producer was lost');
    const mine = slab.reserve(1_500_000);
    slab.bytes.fill(7, mine, mine + 1_500_000);
    peer.end(packet.subarray(100_000));
    await socketClosed;
    t.ok(slab.bytes.subarray(mine, mine + 1_500_000).every((byte) => byte === 7));
    slab.release(mine);
    t.equal(slab.takenBytes, 0);
  });

  t.test(`${kind}: a peer that takes nothing is given up, one that is slow is not`, async (t) => {
    const { port, accepted, below } = await listenPeer(t, kind);
    let reason: string | undefined;
    let opened: () => void = () => {};
    const isOpen = new Promise<void>((resolve) => {
      opened = resolve;
    });
    const writeTimeoutMs = 1_000;
    const connection = open(
      port,
      {
        onOpen: () => opened(),
        onClosed: (closed) => {
          reason = closed.reason;
        },
      },
      { writeTimeoutMs },
    );
    await accepted;
    const peer = await below;
    await isOpen;
    const bytes = 32 * MIB;
    connection.output.write(new Uint8Array(bytes));
    let taken = 0;
    const startedMs = performance.now();
    let untilRest = SLOW_PEER_BYTES;
    let rest: NodeJS.Timeout | undefined;
    const take = (chunk: Buffer) => {
      taken += chunk.length;
      untilRest -= chunk.length;
      if (untilRest > 0) return;
      untilRest = SLOW_PEER_BYTES;
      peer.pause();
      rest = setTimeout(() => peer.resume(), SLOW_PEER_REST_MS);
    };
    peer.on('data', take);
    await until('the slow peer has taken it all', () => taken >= bytes, {
      detail: () => ({ taken, reason }),
    });
    clearTimeout(rest);
    peer.off('data', take);
    peer.pause();
    t.ok(performance.now() - startedMs > writeTimeoutMs, 'it took longer than the time-out');
    t.equal(reason, undefined);
    connection.output.write(new Uint8Array(bytes));
    await until('it is given up', () => reason !== undefined);
    t.equal(reason, `the broker took nothing for ${writeTimeoutMs} ms`);
  });

  t.test(`${kind}: what was written before DISCONNECT arrives, and then the end`, async (t) => {
    const { port, accepted } = await listenPeer(t, kind);
    const chunks: Buffer[] = [];
    const connection = open(port, {
      onOpen: () => {
        connection.output.write(Buffer.alloc(MIB, 5));
        connection.disconnect(0, 'done');
      },
    });
    const peer = await accepted;
    for await (const chunk of peer) chunks.push(chunk as Buffer);
    const all = Buffer.concat(chunks);
    t.equal(all.length, MIB + 4);
    t.strictSame([...all.subarray(MIB)], [0xe0, 2, 0, 0]);
    peer.end();
  });

  t.test(`${kind}: the peer closes: the connection is closed, and told so`, async (t) => {
    const { port, accepted } = await listenPeer(t, kind);
    const closed = new Promise<string>((resolve) => {
      open(port, { onClosed: ({ reason }) => resolve(reason) });
    });
    (await accepted).end();
    t.match(await closed, /^the broker closed the connection/);
  });
}

t.test(
  'a WebSocket message that comes slowly is waited for, whatever the Keep Alive',
  async (t) => {
    const { port, below, accepted } = await listenPeer(t, 'ws');
    const slab = new PayloadSlab(4096);
    let topic = '';
    let reason: string | undefined;
    const connection = new Connection({
      host: '127.0.0.1',
      port,
      connectTimeoutMs: 10_000,
      writeTimeoutMs: 10_000,
      maximumPacketSize: 10_000,
      payloadBytesMax: 10_000,
      slab: slab.bytes,
      clock: systemClock,
      dial: dialler(connectionTo('ws', port), () => PEER_CREDENTIALS),
      handlers: {
        onOpen: () => connection.keepAlive(1),
        onBatchStart: () => {},
        onBatchEnd: () => {},
        onPuback: () => {},
        onPacket: () => {},
        onDrained: () => {},
        onPublish: ({ bytes, topicStart, topicEnd }) => {
          topic = Buffer.from(bytes.slice(topicStart, topicEnd)).toString();
          return true;
        },
        onOversize: () => undefined,
        onLeft: () => {},
        onClosed: (closed) => {
          reason = closed.reason;
        },
        reservePayload: (bytes) => slab.reserve(bytes),
        releasePayload: (offset) => slab.release(offset),
      },
    });
    const socket = await below;
    (await accepted).resume();
    const packet = encodePublish(
      parts({ topic: Buffer.from('slow'), payload: Buffer.alloc(95, 1) }),
    );
    const frame = Buffer.concat([Buffer.from([0x82, packet.length]), packet]);
    let sent = 0;
    const timer = setInterval(() => {
      socket.write(frame.subarray(sent, sent + 5));
      sent += 5;
      if (sent >= frame.length) clearInterval(timer);
    }, 100);
    t.teardown(() => clearInterval(timer));
    await until('it has come', () => topic !== '' || reason !== undefined);
    t.equal(reason, undefined);
    t.equal(topic, 'slow');
    connection.destroy('done');
  },
);

t.test('nobody listens: the connection is closed with the reason', async (t: Test) => {
  const { server, port } = await listenPeer(t, 'tcp');
  server.close();
  for (const kind of PEER_KINDS) {
    const error = await new Promise<Error | undefined>((resolve) => {
      const connection = connectionTo(kind, port);
      dialler(
        connection,
        () => PEER_CREDENTIALS,
      )({
        host: connection.host,
        port,
        timeoutMs: 10_000,
        packetBytesMax: 1_000,
        nextBuffer: () => new Uint8Array(1_000),
        onBytes: () => {},
        onHeard: () => {},
        onConnected: () => t.fail('nobody is there'),
        onDrained: () => {},
        onClosed: resolve,
      });
    });
    t.match(error, {
      lossReason: 'refused',
      message: `nobody listens at 127.0.0.1:${port} (ECONNREFUSED)`,
    });
  }
});

t.test('the kernel watches a connection that neither side uses', async (t) => {
  for (const kind of PEER_KINDS) {
    const { port, below } = await listenPeer(t, kind);
    let isOpen = false;
    const transport = dialler(
      connectionTo(kind, port),
      () => PEER_CREDENTIALS,
    )({
      host: '127.0.0.1',
      port,
      timeoutMs: 10_000,
      packetBytesMax: 1000,
      nextBuffer: () => new Uint8Array(1000),
      onBytes: () => {},
      onHeard: () => {},
      onConnected: () => {
        isOpen = true;
      },
      onDrained: () => {},
      onClosed: () => {},
    });
    const { remotePort = 0 } = (await below) as Socket;
    await until('it is open', () => isOpen);
    await until('its keepalive timer runs', () => timerOf(remotePort) === KEEPALIVE_TIMER, {
      detail: () => timerOf(remotePort),
    });
    transport.destroy();
    t.pass(kind);
  }
});

/** In /proc/net/tcp: 2 is keepalive. */
const KEEPALIVE_TIMER = '02';

/** Which timer the kernel has for the connection from a local port; undefined where there is none such. */
function timerOf(localPort: number): string | undefined {
  const port = localPort.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.find(([, local]) => local?.endsWith(`:${port}`))?.[5]?.slice(0, 2);
}
