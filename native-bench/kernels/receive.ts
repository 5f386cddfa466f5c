/* From the socket's bytes to a PUBLISH whose topic is known, and back to the PUBACK. */
import { TOPICS_CACHED_BYTES_MAX } from '../../src/config/limits.js';
import { Connection, type ConnectionHandlers } from '../../src/mqtt/connection.js';
import { FRESH, Inflight } from '../../src/mqtt/receive/inflight.js';
import { TopicCache } from '../../src/mqtt/receive/topic-cache.js';
import { publishChunk } from '../publish-chunk.js';
import { BURST, type Kernel } from './kernel.js';
import { SinkSocket } from './sink-socket.js';
import { stillClock } from './still-clock.js';

const TOPICS = 100;
const RECEIVE_MAXIMUM = 1_000;

/** Takes every packet and does nothing with it. */
const INDIFFERENT: ConnectionHandlers = {
  onOpen: () => {},
  onBatchStart: () => {},
  onBatchEnd: () => {},
  onPuback: () => {},
  onPacket: () => {},
  onPublish: () => true,
  onOversize: () => undefined,
  reservePayload: () => -1,
  releasePayload: () => {},
  onLeft: () => {
    throw new Error('a packet that the fast lane leaves');
  },
  onDrained: () => {},
  onClosed: ({ reason }) => {
    throw new Error(reason);
  },
};

/** A connection that is open, over a socket that takes everything. */
function openConnection(handlers: Partial<ConnectionHandlers> = {}): {
  readonly connection: Connection;
  readonly socket: SinkSocket;
} {
  const { dial, socket } = SinkSocket.dial();
  const connection = new Connection({
    host: 'broker',
    port: 1883,
    connectTimeoutMs: 1_000,
    writeTimeoutMs: 1_000,
    maximumPacketSize: 1_000_000,
    payloadBytesMax: 1_000_000,
    slab: new Uint8Array(new SharedArrayBuffer(8)),
    clock: stillClock,
    dial,
    handlers: { ...INDIFFERENT, ...handlers },
  });
  socket().accept();
  return { connection, socket: socket() };
}

function readPublishes(userProperties: number): () => void {
  const chunk = publishChunk({
    packets: BURST,
    topics: TOPICS,
    payloadBytes: 200,
    userProperties,
  });
  const { socket } = openConnection();
  socket.receive(chunk);
  return () => socket.receiveAgain(chunk.length);
}

function readPubacks(): () => void {
  const chunk = Buffer.alloc(4 * BURST);
  for (let n = 0; n < BURST; n++) chunk.set([0x40, 2, 0, n + 1], 4 * n);
  const { socket } = openConnection();
  socket.receive(chunk);
  return () => socket.receiveAgain(chunk.length);
}

function findTopics(): () => void {
  const names = Array.from({ length: TOPICS }, (_, n) => `plant/${n}/temperature`);
  const starts = names.map((_, n) => names.slice(0, n).join('').length);
  const bytes = new TextEncoder().encode(names.join(''));
  const ends = names.map(({ length }, n) => (starts[n] as number) + length);
  const cache = new TopicCache(1_024, TOPICS_CACHED_BYTES_MAX, 1);
  return () => {
    for (let n = 0; n < BURST; n++) {
      if (cache.find(bytes, starts[n] as number, ends[n] as number) === undefined) {
        throw new Error('no topic');
      }
    }
  };
}

/** Deliveries of one burst are settled in order, and their PUBACKs leave in one write. */
function acknowledge(reasonCode: number): () => void {
  const { connection } = openConnection();
  const inflight = new Inflight(RECEIVE_MAXIMUM, (packetId, code) =>
    connection.puback(packetId, code),
  );
  inflight.onConnected(false);
  return () => {
    for (let id = 1; id <= BURST; id++) {
      if (inflight.receive(id, false) !== FRESH) throw new Error('a packet identifier in use');
      inflight.open(id, id);
    }
    for (let id = 1; id <= BURST; id++) inflight.settle(id, id, reasonCode);
    connection.flush();
  };
}

export const receiveKernels: readonly Kernel[] = [
  { name: 'receive/publish', operations: BURST, open: () => readPublishes(0) },
  { name: 'receive/publish-4-properties', operations: BURST, open: () => readPublishes(4) },
  { name: 'receive/topic', operations: BURST, open: findTopics },
  { name: 'receive/inflight-puback', operations: BURST, open: () => acknowledge(0) },
  { name: 'receive/inflight-puback-refused', operations: BURST, open: () => acknowledge(0x83) },
  { name: 'receive/puback', operations: BURST, open: readPubacks },
];
