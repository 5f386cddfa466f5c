/* One MQTT connection of the generator, of v5 or 3.1.1, whichever side dialled: it publishes the load, and
 * takes what a feed brings. What it receives it acknowledges: all that one read has brought, in one write.
 *
 * 1. Never more than the other end's Receive Maximum of QoS 1 messages are in flight [MQTT-3.3.4-7].
 * 2. Packets are patched in place, so nothing is sent while the socket still holds a stretch.
 */
import type { Socket } from 'node:net';
import type { Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';
import type { FeedRun } from './feed-run.js';
import { InFlight } from './in-flight.js';
import type { LoadRun } from './load-run.js';
import { numberOf } from './numbered-name.js';
import { PacketStream, type ProtocolVersion } from './packet-stream.js';
import { PayloadCheck } from './payload-check.js';
import { PubackWriter } from './puback-writer.js';
import type { PublishSlab } from './publish-slab.js';
import { STAMP_BYTES, viewOf } from './stamp.js';

export const RECEIVE_MAXIMUM_DEFAULT = 65_535;
/** In saturation, room for less than this part of the window waits for more: fewer, larger writes. */
export const REFILL_PARTS = 32;

/** Whoever reads a stamp has another clock, with another beginning. A getter, and not a cheap one. */
const CLOCK_BEGAN_MS = performance.timeOrigin;
/** Of the packets that are sent next: every connection has patched its own before any other does. */
const fields = {
  packetIds: new Uint16Array(RECEIVE_MAXIMUM_DEFAULT),
  dueAtMs: new Float64Array(RECEIVE_MAXIMUM_DEFAULT),
};

export interface ConnectionContext {
  /** What is published. */
  readonly loadRun: LoadRun | undefined;
  /** What is received. */
  readonly feedRun: FeedRun | undefined;
  /** What the topics of the feed begin with that come here. */
  readonly feedTopics: string;
  /** Who is at the other end, in words. */
  readonly peer: string;
  /** Every packet but PUBLISH and PUBACK. */
  readonly onPacket: (packet: Packet) => void;
  /** Something was settled; `pump` follows for every connection. */
  readonly onSettled: (nowMs: number) => void;
  readonly onFailed: (message: string) => void;
}

interface Stretch {
  readonly slab: PublishSlab;
  readonly first: number;
  readonly length: number;
  readonly nowMs: number;
}

export class LoadConnection {
  readonly inFlight = new InFlight();
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #stream: PacketStream;
  readonly #pubacks: PubackWriter;
  /** Of what it receives. */
  readonly #payloadCheck: PayloadCheck | undefined;
  readonly #feedTopics: Buffer;
  #viewed: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#viewed);
  #protocolVersion: ProtocolVersion = 5;
  #receiveMaximum = RECEIVE_MAXIMUM_DEFAULT;
  #slab: PublishSlab | undefined;
  #flushing = 0;
  /** Payload bytes of those messages. */
  #flushingBytes = 0;
  #publishedInChunk = false;
  /** By partition of the feed: the latest of its records that has come here. */
  readonly #latest: number[] = [];

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#feedTopics = Buffer.from(context.feedTopics);
    const handlers = {
      onPuback: (packetId: number, reasonCode: number) => this.#puback(packetId, reasonCode),
      onPublish: (bytes: Buffer, at: number, bodyAt: number, end: number) =>
        this.#publish(bytes, at, bodyAt, end),
      onLargeBegun: (bytes: Buffer, at: number, bodyAt: number) => {
        this.#payloadCheck?.begin(bytes, this.#payloadStart(bytes, at, bodyAt), bytes.length);
      },
      onLargePart: (bytes: Buffer, at: number, end: number) => {
        this.#payloadCheck?.goOn(bytes, at, end);
      },
      onPacket: context.onPacket,
      onError: (error: Error) => context.onFailed(`${context.peer} sent ${error.message}`),
    };
    this.#stream = new PacketStream(handlers);
    if (context.feedRun) this.#payloadCheck = new PayloadCheck(context.feedRun.payload);
    this.#pubacks = new PubackWriter((bytes) => this.write(bytes));
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    // 'close' follows, and its owner listens for it.
    socket.on('error', () => socket.destroy());
  }

  /** Messages handed to the socket that it still holds. */
  get flushing(): number {
    return this.#flushing;
  }

  /** What it publishes; undefined: nothing yet. */
  get slab(): PublishSlab | undefined {
    return this.#slab;
  }

  /** Nothing that this side sent is waited for. */
  get isIdle(): boolean {
    return this.inFlight.size === 0 && this.#flushing === 0;
  }

  /** What follows, both ways, is of this version. */
  speak(protocolVersion: ProtocolVersion): void {
    this.#protocolVersion = protocolVersion;
    this.#stream.speak(protocolVersion);
  }

  /** From now on it publishes `slab`. */
  load(slab: PublishSlab, receiveMaximum: number): void {
    this.#slab = slab;
    this.#receiveMaximum = receiveMaximum;
  }

  /** Sends what the schedule and the window allow, `most` and a slab at most; true when it sent as many
   * as that and may have more to send at once. */
  pump(nowMs: number, most: number): boolean {
    const slab = this.#slab;
    const run = this.#context.loadRun;
    if (slab === undefined || run === undefined || this.#flushing > 0) return false;
    const { load, schedule } = run;
    const room = load.qos > 0 ? this.#receiveMaximum - this.inFlight.size : slab.count;
    const refill = Math.ceil(this.#receiveMaximum / REFILL_PARTS);
    if (load.qos > 0 && load.ratePerSecond === undefined && room < refill) return false;
    const first = schedule.sent;
    const asked = Math.min(most, slab.count, RECEIVE_MAXIMUM_DEFAULT);
    const granted = schedule.take(nowMs, Math.min(room, asked));
    if (granted === 0) return false;
    this.#flushing = granted;
    this.#flushingBytes = 0;
    this.#socket.cork();
    for (let done = 0; done < granted; ) {
      const length = Math.min(granted - done, slab.untilWrap);
      this.#prepare(run, { slab, first: first + done, length, nowMs });
      const pieces = slab.stretch(fields, length);
      done += length;
      for (const [n, piece] of pieces.entries()) {
        if (done < granted || n < pieces.length - 1) this.#socket.write(piece);
        else this.#socket.write(piece, this.#onWritten);
      }
    }
    this.#socket.uncork();
    // Most writes are taken by the kernel at once, long before their callback comes.
    if (this.#socket.writableLength > 0) return false;
    this.#flushed(run, nowMs);
    return granted === asked;
  }

  send(packet: Packet): void {
    this.write(mqttPacket.generate(packet, { protocolVersion: this.#protocolVersion }));
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Ends the connection when what was written is sent. */
  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Makes ready what the next packets of the slab are to say. */
  #prepare({ load, schedule, measurement }: LoadRun, stretch: Stretch): void {
    const { slab, first, length, nowMs } = stretch;
    const { packetIds, dueAtMs } = fields;
    const isOpenLoop = load.ratePerSecond !== undefined;
    for (let n = 0; n < length; n += 1) {
      const dueMs = schedule.dueAtMs(first + n, nowMs);
      const payloadBytes = slab.payloadBytes(n);
      this.#flushingBytes += payloadBytes;
      if (isOpenLoop) measurement.sent(dueMs, nowMs);
      if (load.qos > 0) packetIds[n] = this.inFlight.open(dueMs, payloadBytes);
      dueAtMs[n] = CLOCK_BEGAN_MS + dueMs;
    }
  }

  /** A callback may come late, when a later stretch is on its way already. */
  #onWritten = (): void => {
    const run = this.#context.loadRun;
    if (this.#flushing === 0 || run === undefined) return;
    if (this.#socket.writableLength > 0 || this.#socket.destroyed) return;
    const nowMs = performance.now();
    this.#flushed(run, nowMs);
    this.#context.onSettled(nowMs);
  };

  #flushed(run: LoadRun, nowMs: number): void {
    run.onFlushed(this.#flushing, this.#flushingBytes, nowMs);
    this.#flushing = 0;
  }

  #read(chunk: Buffer): void {
    const { loadRun, feedRun, onSettled } = this.#context;
    const nowMs = performance.now();
    this.#publishedInChunk = false;
    loadRun?.beginBurst(nowMs);
    feedRun?.beginBurst(nowMs);
    this.#stream.push(chunk);
    if (this.#publishedInChunk) {
      this.#pubacks.flush();
      feedRun?.endBurst();
    }
    const settled = loadRun?.endBurst() === true;
    if (settled || this.#publishedInChunk) onSettled(nowMs);
  }

  #puback(packetId: number, reasonCode: number): void {
    const dueAtMs = this.inFlight.settle(packetId);
    if (dueAtMs === 0) return;
    this.#context.loadRun?.onPuback(reasonCode, dueAtMs, this.inFlight.settledPayloadBytes);
  }

  #publish(bytes: Buffer, at: number, bodyAt: number, end: number): void {
    const { feedRun, onFailed, peer } = this.#context;
    const check = this.#payloadCheck;
    const payloadAt = this.#payloadStart(bytes, at, bodyAt);
    if (feedRun === undefined || check === undefined || payloadAt + STAMP_BYTES > end) {
      onFailed(`${peer} published what is no record of the bench`);
      return;
    }
    if (payloadAt + STAMP_BYTES > bytes.length) {
      onFailed(`the properties of a large record have more than ${bytes.length} bytes`);
      return;
    }
    if (bytes !== this.#viewed) {
      this.#viewed = bytes;
      this.#view = viewOf(bytes);
    }
    const view = this.#view;
    const topicEnd = endOfTopic(bytes, bodyAt);
    const isWhole = end <= bytes.length;
    const qos = ((bytes[at] as number) >> 1) & 3;
    this.#publishedInChunk = true;
    feedRun.onPublish({
      view,
      payloadAt,
      payloadBytes: end - payloadAt,
      qos,
      keyNumber: numberOf(this.#feedTopics, bytes, bodyAt + 2, topicEnd),
      isGood: isWhole ? check.isGood(bytes, view, payloadAt, end) : check.isGoodSoFar,
      latest: this.#latest,
    });
    if (qos === 0) return;
    this.#pubacks.add(((bytes[topicEnd] as number) << 8) | (bytes[topicEnd + 1] as number));
  }

  /** Where the payload begins of a PUBLISH, or would begin. */
  #payloadStart(bytes: Buffer, at: number, bodyAt: number): number {
    const qos = ((bytes[at] as number) >> 1) & 3;
    const next = endOfTopic(bytes, bodyAt) + (qos > 0 ? 2 : 0);
    return this.#protocolVersion === 4 ? next : endOfProperties(bytes, next);
  }
}

function endOfTopic(bytes: Buffer, bodyAt: number): number {
  return bodyAt + 2 + (((bytes[bodyAt] as number) << 8) | (bytes[bodyAt + 1] as number));
}

/** Where what follows the properties begins; of them nothing is read. */
function endOfProperties(bytes: Buffer, at: number): number {
  let next = at;
  let propertiesBytes = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[next] as number;
    next += 1;
    propertiesBytes += (byte & 0x7f) * scale;
    if (byte < 0x80 || scale === 128 ** 3) return next + propertiesBytes;
  }
}
