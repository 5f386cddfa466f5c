import type { Packet } from 'mqtt-packet';
import { type Closed, Connection, type ConnectionOptions } from '../../src/mqtt/connection.js';
import type { OversizeSink } from '../../src/mqtt/receive/oversize.js';
import { ABSENT, type Publish } from '../../src/mqtt/receive/publish.js';
import { PayloadSlab } from '../../src/ring/payload-slab.js';
import { ManualClock } from './manual-clock.js';
import { type ScriptedSocket, scriptedDial } from './scripted-socket.js';

/* A Connection whose peer is the test, and a record of everything that it handed on. */

const SLAB_BYTES = 4 * 1024 * 1024;
export const WRITE_TIMEOUT_MS = 5_000;
export const MAXIMUM_PACKET_SIZE = 3_000_000;

/** A PUBLISH as it was handed on. */
export interface Received {
  readonly packetId: number;
  readonly topic: string;
  readonly payload: Buffer;
  readonly slabOffset: number;
  readonly packetBytes: number;
}

export class ScriptedConnection {
  readonly clock = new ManualClock();
  readonly slab = new PayloadSlab(SLAB_BYTES);
  readonly connection: Connection;
  readonly socket: ScriptedSocket;
  readonly received: Received[] = [];
  readonly packets: Packet[] = [];
  readonly pubacks: [packetId: number, reasonCode: number][] = [];
  readonly left: Uint8Array[] = [];
  drains = 0;
  opened = 0;
  batches = 0;
  closed: Closed | undefined;
  closes = 0;
  /** Whether the next PUBLISH is taken; asked for each that is offered. */
  hasCredit: () => boolean = () => true;
  /** Takes payloads over `payloadBytesMax`; without one they find no credit. */
  oversizeSink: OversizeSink | undefined;
  /** Called with each PUBLISH that is taken. */
  onTaken: (received: Received) => void = () => {};

  constructor(options: Partial<ConnectionOptions> = {}) {
    const { dial, sockets } = scriptedDial();
    this.connection = new Connection({
      host: 'broker',
      port: 1883,
      connectTimeoutMs: 1_000,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      maximumPacketSize: MAXIMUM_PACKET_SIZE,
      payloadBytesMax: MAXIMUM_PACKET_SIZE,
      slab: this.slab.bytes,
      clock: this.clock,
      dial,
      handlers: {
        onOpen: () => this.opened++,
        onBatchStart: () => this.batches++,
        onBatchEnd: () => this.batches--,
        onPacket: (packet) => this.packets.push(packet),
        onPuback: (packetId, reasonCode) => this.pubacks.push([packetId, reasonCode]),
        onDrained: () => this.drains++,
        onPublish: (publish) => this.#onPublish(publish),
        onOversize: () => this.oversizeSink,
        onLeft: (packet) => {
          this.left.push(packet);
          this.connection.disconnect(0x81, 'a bad PUBLISH');
        },
        onClosed: (closed) => {
          this.closed = closed;
          this.closes++;
        },
        reservePayload: (bytes) => this.slab.reserve(bytes),
        releasePayload: (offset) => this.slab.release(offset),
      },
      ...options,
    });
    this.socket = sockets[0] as ScriptedSocket;
  }

  get topics(): string[] {
    return this.received.map(({ topic }) => topic);
  }

  #onPublish(publish: Publish): boolean {
    if (!this.hasCredit()) return false;
    const { bytes, topicStart, topicEnd, slabOffset, payloadStart, payloadBytes } = publish;
    const source = slabOffset === ABSENT ? bytes : this.slab.bytes;
    const start = slabOffset === ABSENT ? payloadStart : slabOffset;
    const received: Received = {
      packetId: publish.packetId,
      topic: Buffer.from(bytes.slice(topicStart, topicEnd)).toString(),
      payload: Buffer.from(source.slice(start, start + payloadBytes)),
      slabOffset,
      packetBytes: publish.packetBytes,
    };
    this.received.push(received);
    this.onTaken(received);
    return true;
  }
}

/** A connection whose socket is open. */
export function openConnection(options: Partial<ConnectionOptions> = {}): ScriptedConnection {
  const scripted = new ScriptedConnection(options);
  scripted.socket.accept();
  return scripted;
}
