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
import { PubackWriter } from './puback-writer.js';
import { PublishSlab } from './publish-slab.js';
import type { Schedule } from './schedule.js';
import { STAMP_BYTES } from './stamp.js';
import { matchesFilter } from './topic-match.js';

const RECEIVE_MAXIMUM_DEFAULT = 65_535;
/** In saturation, room for less than this part of the window waits for more: fewer, larger writes. */
const REFILL_PARTS = 32;

export interface LoadRun {
  readonly load: Load;
  readonly schedule: Schedule;
  readonly measurement: Measurement;
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
  readonly #subscriptions = new Map<string, number | undefined>();
  readonly #packetIds = new Uint16Array(RECEIVE_MAXIMUM_DEFAULT);
  #receiveMaximum = RECEIVE_MAXIMUM_DEFAULT;
  #maximumPacketSize = Number.POSITIVE_INFINITY;
  #slab: PublishSlab | undefined;
  #flushing = 0;
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
      onPacket: (packet: Packet) => this.#handle(packet),
      onError: (error: Error) => context.onFailed(`the connector sent ${error.message}`),
    };
    const payloadBytes = context.feedRun?.feed.payloadBytes ?? STAMP_BYTES;
    this.#stream = new ClientStream(handlers, payloadBytes - STAMP_BYTES);
    this.#pubacks = new PubackWriter((bytes) => {
      if (socket.writable) socket.write(bytes);
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    // 'close' follows, and the generator listens for it.
    socket.on('error', () => socket.destroy());
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
    const granted = schedule.take(nowMs, Math.min(room, slab.count, this.#packetIds.length));
    if (granted === 0) return false;
    this.#flushing = granted;
    this.#socket.cork();
    for (let done = 0; done < granted; ) {
      const length = Math.min(granted - done, slab.untilWrap);
      this.#stamp(run, first + done, length, nowMs);
      const pieces = slab.stretch(this.#packetIds, length);
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

  #stamp(run: LoadRun, first: number, length: number, nowMs: number): void {
    const { load, schedule, measurement } = run;
    const open = load.ratePerSecond !== undefined;
    for (let n = 0; n < length; n += 1) {
      const dueAtMs = schedule.dueAtMs(first + n, nowMs);
      if (open) measurement.late(nowMs - dueAtMs);
      if (load.qos > 0) this.#packetIds[n] = this.inFlight.open(dueAtMs);
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
      measurement.settleUnconfirmed(this.#flushing);
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
    measurement.settle(dueAtMs, this.#nowMs);
  }

  /** Of the properties nothing is read: the payload's length is known, so it begins where it must. */
  #publish(bytes: Buffer, at: number, bodyAt: number, end: number): void {
    const { feedRun, onFailed } = this.#context;
    const topicBytes = ((bytes[bodyAt] as number) << 8) | (bytes[bodyAt + 1] as number);
    const packetIdAt = bodyAt + 2 + topicBytes;
    const qos = ((bytes[at] as number) >> 1) & 3;
    if (feedRun === undefined || end - feedRun.feed.payloadBytes <= packetIdAt) {
      onFailed('the connector published what is no record of the bench');
      return;
    }
    this.#publishedInChunk = true;
    feedRun.onPublish(bytes, end - feedRun.feed.payloadBytes);
    if (qos === 0) return;
    this.#pubacks.add(((bytes[packetIdAt] as number) << 8) | (bytes[packetIdAt + 1] as number));
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
    const load = this.#context.loadRun?.load;
    // mqtt-packet gives an array where a property may be repeated; SUBSCRIBE has at most one.
    const given: number | number[] | undefined = packet.properties?.subscriptionIdentifier;
    const subscriptionId = Array.isArray(given) ? given[0] : given;
    for (const { topic } of packet.subscriptions) this.#subscriptions.set(topic, subscriptionId);
    this.#send({
      cmd: 'suback',
      messageId: packet.messageId as number,
      granted: packet.subscriptions.map(({ qos }) => Math.min(qos, load?.qos ?? 1)),
    });
    if (load !== undefined) this.#prepare(load);
  }

  /** Makes ready what it is loaded with, once it has subscribed to that. */
  #prepare(load: Load): void {
    const { onSubscribed, onFailed } = this.#context;
    const topicNames = Array.from({ length: load.topics }, (_, n) => `bench/${n}`);
    const filters = [...this.#subscriptions.keys()];
    const matching = filters.filter((filter) =>
      topicNames.some((name) => matchesFilter(name, filter)),
    );
    if (matching.length === 0) return;
    this.#slab = new PublishSlab({
      ...load,
      topicNames: topicNames.filter((name) =>
        matching.some((filter) => matchesFilter(name, filter)),
      ),
      subscriptionIds: matching.flatMap((filter) => this.#subscriptions.get(filter) ?? []),
    });
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
