/* One connection of the connector under test, answered as an MQTT v5 broker would, and loaded. What it
 * publishes is acknowledged: all that one read has brought, in one write.
 *
 * 1. Never more than the client's Receive Maximum of QoS 1 messages are in flight [MQTT-3.3.4-7].
 * 2. Packets are patched in place, so nothing is sent while the socket still holds a stretch.
 */
import type { Socket } from 'node:net';
import type { IConnectPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';
import type { Load } from '../protocol.js';
import { ClientStream } from './client-stream.js';
import type { FeedRun } from './feed-run.js';
import { InFlight } from './in-flight.js';
import type { Measurement } from './measurement.js';
import { numberOf } from './numbered-name.js';
import { topicNameOf } from './payload.js';
import { PayloadCheck } from './payload-check.js';
import { PubackWriter } from './puback-writer.js';
import { PublishSlab, type Stamps } from './publish-slab.js';
import type { Schedule } from './schedule.js';
import { STAMP_BYTES, viewOf } from './stamp.js';
import { matchesFilter } from './topic-match.js';

const RECEIVE_MAXIMUM_DEFAULT = 65_535;
/** Whoever reads a stamp has another clock, with another beginning. A getter, and not a cheap one. */
const CLOCK_BEGAN_MS = performance.timeOrigin;
const FEED_TOPIC = Buffer.from('feed/');
const NO_RECORD = 'the connector published what is no record of the bench';
/** In saturation, room for less than this part of the window waits for more: fewer, larger writes. */
const REFILL_PARTS = 32;

export interface LoadRun {
  readonly load: Load;
  readonly schedule: Schedule;
  readonly measurement: Measurement;
  readonly stamps: Stamps;
}

export interface ConnectionContext {
  /** What is published to the connector. */
  readonly loadRun: LoadRun | undefined;
  /** What it publishes. */
  readonly feedRun: FeedRun | undefined;
  /** What the generator takes of it without acknowledging. */
  readonly receiveMaximum: number;
  /** It has subscribed to what it is loaded with. */
  readonly onSubscribed: () => void;
  /** Something was settled; `pump` follows for every connection. */
  readonly onSettled: (nowMs: number) => void;
  readonly onFailed: (message: string) => void;
}

export class ClientConnection {
  readonly inFlight = new InFlight();
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #stream: ClientStream;
  readonly #pubacks: PubackWriter;
  /** Of what it publishes. */
  readonly #payloadCheck: PayloadCheck | undefined;
  #viewed: Buffer = Buffer.alloc(0);
  #view = viewOf(this.#viewed);
  readonly #subscriptions = new Map<string, number | undefined>();
  /** Of the packets that are sent next. */
  readonly #fields = {
    packetIds: new Uint16Array(RECEIVE_MAXIMUM_DEFAULT),
    dueAtMs: new Float64Array(RECEIVE_MAXIMUM_DEFAULT),
  };
  #receiveMaximum = RECEIVE_MAXIMUM_DEFAULT;
  #maximumPacketSize = Number.POSITIVE_INFINITY;
  #slab: PublishSlab | undefined;
  #flushing = 0;
  /** Payload bytes of those messages. */
  #flushingBytes = 0;
  #settledInChunk = 0;
  #publishedInChunk = false;
  #nowMs = 0;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    const handlers = {
      onPuback: (packetId: number, reasonCode: number) => this.#puback(packetId, reasonCode),
      onPublish: (bytes: Buffer, at: number, bodyAt: number, end: number) =>
        this.#publish(bytes, at, bodyAt, end),
      onLargeBegun: (bytes: Buffer, at: number, bodyAt: number) => {
        this.#payloadCheck?.begin(bytes, payloadStart(bytes, at, bodyAt), bytes.length);
      },
      onLargePart: (bytes: Buffer, at: number, end: number) => {
        this.#payloadCheck?.goOn(bytes, at, end);
      },
      onPacket: (packet: Packet) => this.#handle(packet),
      onError: (error: Error) => context.onFailed(`the connector sent ${error.message}`),
    };
    this.#stream = new ClientStream(handlers);
    if (context.feedRun) this.#payloadCheck = new PayloadCheck(context.feedRun.payload);
    this.#pubacks = new PubackWriter((bytes) => {
      if (socket.writable) socket.write(bytes);
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    // 'close' follows, and the generator listens for it.
    socket.on('error', () => socket.destroy());
  }

  /** What it is loaded with; undefined: it has not subscribed to a load. */
  get slab(): PublishSlab | undefined {
    return this.#slab;
  }

  /** Messages handed to the socket that it still holds. */
  get flushing(): number {
    return this.#flushing;
  }

  /** Sends what the schedule and the window allow, a slab at most; true when it sent a whole slab and
   * may have more to send at once. */
  pump(nowMs: number): boolean {
    const slab = this.#slab;
    const run = this.#context.loadRun;
    if (slab === undefined || run === undefined || this.#flushing > 0) return false;
    const { load, schedule } = run;
    const room = load.qos > 0 ? this.#receiveMaximum - this.inFlight.size : slab.count;
    const refill = Math.ceil(this.#receiveMaximum / REFILL_PARTS);
    if (load.qos > 0 && load.ratePerSecond === undefined && room < refill) return false;
    const first = schedule.sent;
    const granted = schedule.take(nowMs, Math.min(room, slab.count, RECEIVE_MAXIMUM_DEFAULT));
    if (granted === 0) return false;
    this.#flushing = granted;
    this.#flushingBytes = 0;
    this.#socket.cork();
    for (let done = 0; done < granted; ) {
      const length = Math.min(granted - done, slab.untilWrap);
      this.#open(run, { slab, first: first + done, length, nowMs });
      const pieces = slab.stretch(this.#fields, length);
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
    return granted === slab.count;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Makes ready what the next `length` packets of the slab are to say. */
  #open(
    { load, schedule, measurement }: LoadRun,
    {
      slab,
      first,
      length,
      nowMs,
    }: { slab: PublishSlab; first: number; length: number; nowMs: number },
  ): void {
    const { packetIds, dueAtMs } = this.#fields;
    const isOpenLoop = load.ratePerSecond !== undefined;
    for (let n = 0; n < length; n += 1) {
      const dueMs = schedule.dueAtMs(first + n, nowMs);
      const payloadBytes = slab.payloadBytes(n);
      this.#flushingBytes += payloadBytes;
      if (isOpenLoop) measurement.late(nowMs - dueMs);
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

  #flushed({ load, measurement }: LoadRun, nowMs: number): void {
    if (load.qos === 0) {
      measurement.settleUnconfirmed(this.#flushing, this.#flushingBytes);
      measurement.endBurst(nowMs);
    }
    this.#flushing = 0;
  }

  #read(chunk: Buffer): void {
    const { loadRun, feedRun, onSettled } = this.#context;
    this.#nowMs = performance.now();
    this.#settledInChunk = 0;
    this.#publishedInChunk = false;
    feedRun?.beginBurst(this.#nowMs);
    this.#stream.push(chunk);
    if (this.#publishedInChunk) {
      this.#pubacks.flush();
      feedRun?.endBurst();
    }
    if (this.#settledInChunk > 0) loadRun?.measurement.endBurst(this.#nowMs);
    if (this.#settledInChunk > 0 || this.#publishedInChunk) onSettled(this.#nowMs);
  }

  #puback(packetId: number, reasonCode: number): void {
    const dueAtMs = this.inFlight.settle(packetId);
    const measurement = this.#context.loadRun?.measurement;
    if (dueAtMs === 0 || measurement === undefined) return;
    this.#settledInChunk += 1;
    if (reasonCode >= 0x80) measurement.refused += 1;
    measurement.settle(dueAtMs, this.#nowMs, this.inFlight.settledPayloadBytes);
  }

  #publish(bytes: Buffer, at: number, bodyAt: number, end: number): void {
    const { feedRun, onFailed } = this.#context;
    const check = this.#payloadCheck;
    const payloadAt = payloadStart(bytes, at, bodyAt);
    if (feedRun === undefined || check === undefined || payloadAt + STAMP_BYTES > end) {
      onFailed(NO_RECORD);
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
    this.#publishedInChunk = true;
    feedRun.onPublish({
      view,
      payloadAt,
      payloadBytes: end - payloadAt,
      keyNumber: numberOf(FEED_TOPIC, bytes, bodyAt + 2, topicEnd),
      isGood: isWhole ? check.isGood(bytes, view, payloadAt, end) : check.isGoodSoFar,
    });
    const qos = ((bytes[at] as number) >> 1) & 3;
    if (qos === 0) return;
    this.#pubacks.add(((bytes[topicEnd] as number) << 8) | (bytes[topicEnd + 1] as number));
  }

  #handle(packet: Packet): void {
    switch (packet.cmd) {
      case 'connect':
        this.#connect(packet);
        break;
      case 'subscribe':
        this.#subscribe(packet);
        break;
      case 'unsubscribe':
        this.#send({
          cmd: 'unsuback',
          messageId: packet.messageId as number,
          // No subscription existed: the generator remembers no session.
          granted: packet.unsubscriptions.map(() => 0x11),
        });
        break;
      case 'pingreq':
        this.#send({ cmd: 'pingresp' });
        break;
      case 'disconnect':
        this.#socket.end();
        break;
      default:
        this.#context.onFailed(`the connector sent ${packet.cmd}, which a load cannot use`);
    }
  }

  #connect(packet: IConnectPacket): void {
    if (packet.protocolVersion !== 5) {
      this.#context.onFailed('the connector does not speak MQTT v5');
      return;
    }
    this.#receiveMaximum = packet.properties?.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT;
    this.#maximumPacketSize = packet.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    const assigned = packet.clientId === '' ? { assignedClientIdentifier: 'bench-assigned' } : {};
    this.#send({
      cmd: 'connack',
      reasonCode: 0,
      sessionPresent: false,
      properties: {
        receiveMaximum: this.#context.receiveMaximum,
        retainAvailable: true,
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifiersAvailable: true,
        sharedSubscriptionAvailable: true,
        ...assigned,
      },
    });
  }

  #subscribe(packet: ISubscribePacket): void {
    const run = this.#context.loadRun;
    // mqtt-packet gives an array where a property may be repeated; SUBSCRIBE has at most one.
    const given: number | number[] | undefined = packet.properties?.subscriptionIdentifier;
    const subscriptionId = Array.isArray(given) ? given[0] : given;
    for (const { topic } of packet.subscriptions) this.#subscriptions.set(topic, subscriptionId);
    this.#send({
      cmd: 'suback',
      messageId: packet.messageId as number,
      granted: packet.subscriptions.map(({ qos }) => Math.min(qos, run?.load.qos ?? 1)),
    });
    if (run !== undefined) this.#prepare(run);
  }

  /** Makes ready what it is loaded with, once it has subscribed to that. */
  #prepare({ load, stamps }: LoadRun): void {
    const { onSubscribed, onFailed } = this.#context;
    const topicNames = Array.from({ length: load.topics }, (_, n) => topicNameOf(n));
    const filters = [...this.#subscriptions.keys()];
    const matching = filters.filter((filter) =>
      topicNames.some((name) => matchesFilter(name, filter)),
    );
    if (matching.length === 0) return;
    const options = {
      ...load,
      topicNames: topicNames.filter((name) =>
        matching.some((filter) => matchesFilter(name, filter)),
      ),
      subscriptionIds: matching.flatMap((filter) => this.#subscriptions.get(filter) ?? []),
    };
    try {
      this.#slab = new PublishSlab(options, stamps);
    } catch (error) {
      onFailed((error as Error).message);
      return;
    }
    if (this.#slab.packetBytesMax > this.#maximumPacketSize) {
      onFailed(
        `the connector takes packets of up to ${this.#maximumPacketSize} bytes; ` +
          `the load has ${this.#slab.packetBytesMax}`,
      );
      return;
    }
    onSubscribed();
  }

  #send(packet: Packet): void {
    if (this.#socket.writable) {
      this.#socket.write(mqttPacket.generate(packet, { protocolVersion: 5 }));
    }
  }
}

function endOfTopic(bytes: Buffer, bodyAt: number): number {
  return bodyAt + 2 + (((bytes[bodyAt] as number) << 8) | (bytes[bodyAt + 1] as number));
}

/** Where the payload begins of a PUBLISH, or would begin; of its properties nothing is read. */
function payloadStart(bytes: Buffer, at: number, bodyAt: number): number {
  const qos = ((bytes[at] as number) >> 1) & 3;
  let next = endOfTopic(bytes, bodyAt) + (qos > 0 ? 2 : 0);
  let propertiesBytes = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[next] as number;
    next += 1;
    propertiesBytes += (byte & 0x7f) * scale;
    if (byte < 0x80 || scale === 128 ** 3) return next + propertiesBytes;
  }
}
