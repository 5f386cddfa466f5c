import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import mqttPacket from 'mqtt-packet';
import t from 'tap';
import { LoadConnection } from '../../../src/bench/load/connection.js';
import type { FeedRun } from '../../../src/bench/load/feed-run.js';
import { loadPartOf, WHOLE } from '../../../src/bench/load/load-part.js';
import { LoadRun } from '../../../src/bench/load/load-run.js';
import { payloadOf } from '../../../src/bench/load/payload.js';
import { PublishSlab } from '../../../src/bench/load/publish-slab.js';
import type { Load } from '../../../src/bench/protocol.js';

const MOST = Number.POSITIVE_INFINITY;
const LOAD: Load = {
  topicRoot: 'bench',
  routes: 1,
  throughBroker: undefined,
  topics: 3,
  keys: 3,
  keyProperty: undefined,
  skew: 0,
  payload: [{ bytes: 4000, percent: 100 }],
  userProperties: 0,
  systemProperties: false,
  qos: 1,
  ratePerSecond: undefined,
  warmup: { kind: 'messages', count: 0 },
  measured: { kind: 'messages', count: 100_000 },
  atOnce: false,
  stallSeconds: 1,
};

/** A socket that takes bytes at once, or holds them until it is told to go on. */
class HeldSocket extends Duplex {
  holding = false;
  readonly taken: Buffer[] = [];
  readonly #held: (() => void)[] = [];

  setNoDelay(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = () => {
      // As the kernel does: what it takes is a copy, made when it takes it.
      this.taken.push(Buffer.from(chunk));
      done();
    };
    if (this.holding) this.#held.push(take);
    else take();
  }

  goOn(): void {
    this.holding = false;
    for (const take of this.#held.splice(0)) take();
  }

  /** Packet identifiers of all PUBLISHes taken so far. */
  packetIds(): number[] {
    const ids: number[] = [];
    const parser = mqttPacket.parser({ protocolVersion: 5 });
    parser.on('packet', (packet) => {
      if (packet.cmd === 'publish') ids.push(packet.messageId as number);
    });
    parser.parse(Buffer.concat(this.taken));
    return ids;
  }
}

function loaded() {
  const loadRun = new LoadRun(LOAD, () => undefined);
  const socket = new HeldSocket();
  const settled: number[] = [];
  const connection = new LoadConnection(socket as unknown as Socket, {
    loadRun,
    feedRun: undefined,
    feedTopics: '',
    peer: 'the connector',
    onPacket: () => undefined,
    onSettled: (nowMs) => settled.push(nowMs),
    onFailed: (message) => {
      throw new Error(message);
    },
  });
  const options = { ...LOAD, ...loadPartOf(LOAD, WHOLE), subscriptionIds: [] };
  connection.load(new PublishSlab(options, loadRun.stamps), 65_535);
  loadRun.measurement.start(1000);
  return { connection, socket, settled };
}

t.test('nothing is sent, or changed, while the socket holds packets', async (t) => {
  const { connection, socket, settled } = loaded();
  socket.holding = true;
  t.equal(connection.pump(1000, MOST), false);
  const sent = connection.inFlight.size;
  t.ok(sent > 1);
  t.equal(connection.flushing, sent);
  t.equal(connection.pump(1001, MOST), false);
  t.equal(connection.inFlight.size, sent, 'the second call sent nothing');
  const flushed = new Promise((resolve) => socket.once('drain', resolve));
  socket.goOn();
  await flushed;
  t.equal(connection.flushing, 0);
  t.equal(settled.length, 1, 'the generator hears that the socket has room');
  t.strictSame(
    socket.packetIds(),
    Array.from({ length: sent }, (_, n) => n + 1),
  );
});

t.test('a socket that takes everything can be given the next slab at once', async (t) => {
  const { connection, socket } = loaded();
  t.equal(connection.pump(1000, MOST), true);
  const sent = connection.inFlight.size;
  t.equal(connection.pump(1001, MOST), true);
  t.strictSame(
    socket.packetIds(),
    Array.from({ length: 2 * sent }, (_, n) => n + 1),
  );
});

t.test('no more is sent at once than is asked for', async (t) => {
  const { connection, socket } = loaded();
  t.equal(connection.pump(1000, 3), true, 'and there may be more');
  t.strictSame(socket.packetIds(), [1, 2, 3]);
});

t.test('the payload of a PUBLISH begins where the version of the client has it', async (t) => {
  for (const protocolVersion of [4, 5] as const) {
    const published: Parameters<FeedRun['onPublish']>[0][] = [];
    const feedRun = {
      payload: payloadOf(200),
      beginBurst: () => undefined,
      endBurst: () => undefined,
      onPublish: (given: Parameters<FeedRun['onPublish']>[0]) => published.push(given),
    };
    const socket = new HeldSocket();
    const settled = new Promise((resolve) => {
      const connection = new LoadConnection(socket as unknown as Socket, {
        loadRun: undefined,
        feedRun: feedRun as unknown as FeedRun,
        feedTopics: 'feed/',
        peer: 'the connector',
        onPacket: () => undefined,
        onSettled: resolve,
        onFailed: (message) => t.fail(message),
      });
      connection.speak(protocolVersion);
    });
    const packet = { cmd: 'publish', topic: 'feed/7', qos: 1, messageId: 1 } as const;
    const rest = { payload: payloadOf(200), dup: false, retain: false };
    socket.push(mqttPacket.generate({ ...packet, ...rest }, { protocolVersion }));
    await settled;
    t.match(published, [{ payloadBytes: 200, keyNumber: 7 }], `version ${protocolVersion}`);
  }
});
