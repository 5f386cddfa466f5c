import type { Socket } from 'node:net';
import type { Packet } from 'mqtt-packet';
import type { Clock } from '../../base/clock.js';
import { KeepAlive } from './keep-alive.js';
import { remainingSeconds } from './message.js';
import type { Settings } from './options.js';
import type { Delivery } from './session/delivery-queue.js';
import type { Link, Session } from './session/session.js';
import { generateControlPacket } from './wire/control-packet.js';
import { PacketCutter } from './wire/packet-cutter.js';
import { PacketWriter } from './wire/packet-writer.js';
import { ReasonCode } from './wire/reason-code.js';
import { layOutPublish, type OutgoingPublish, writePublishHead } from './wire/write-publish.js';

/* One socket: bytes in and out, limits of the client, Topic Aliases, and its end.
 *
 *   connecting --open()--> open --disconnect(), or the socket closes--> closed
 *        \---refuse(), or the socket closes-----------------------------/
 *
 * 1. `onClosed` is called once, at the first of these ends; after it nothing is read any more.
 * 2. A socket that we end still takes what the peer sends, to nobody, until the peer closes or
 *    `lingerMs` are over: closing earlier would reset the connection under our last packet.
 * 3. While our output is over its bound, or a test says so, the socket is not read.
 */

export interface ConnectionContext {
  readonly settings: Settings;
  onPacket(connection: Connection, packet: Buffer, bodyStart: number, owned: boolean): void;
  onClosed(connection: Connection): void;
}

/** What CONNECT said about this connection. */
export interface ClientLimits {
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly keepAliveSeconds: number;
}

export type EndedBy = 'client' | 'broker' | 'network';

const lingerMs = 1000;
const nothing = Buffer.alloc(0);

export class Connection implements Link {
  phase: 'connecting' | 'open' | 'closed' = 'connecting';
  /** The reason code of the DISCONNECT, if there was one, of the side that `endedBy` names. */
  reasonCode: number | undefined;
  endedBy: EndedBy = 'network';
  /** Inbound Topic Aliases. */
  readonly aliases = new Map<number, Buffer>();
  readonly heldPubacks: { readonly packetId: number; readonly reasonCode: number }[] = [];
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #clock: Clock;
  readonly #cutter: PacketCutter;
  readonly #writer: PacketWriter;
  readonly #pausedBy = new Set<'output' | 'fault'>();
  readonly #outboundAliases = new Map<string, number>();
  #cancelConnectTimeout: () => void;
  #keepAlive: KeepAlive | undefined;
  #session: Session | undefined;
  #limits: ClientLimits | undefined;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#clock = context.settings.clock;
    this.#writer = new PacketWriter(socket, context.settings.bufferedBytesMax);
    this.#cutter = new PacketCutter(
      context.settings.maximumPacketSize,
      (packet, bodyStart, owned) => context.onPacket(this, packet, bodyStart, owned),
    );
    this.#cancelConnectTimeout = this.#clock.after(context.settings.connectTimeoutMs, () =>
      this.drop(),
    );
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('drain', () => this.#onDrain());
    socket.on('error', () => undefined); // 'close' follows.
    socket.on('close', () => this.#close());
  }

  /** There is one while the connection is open, and it stays readable afterwards. */
  get session(): Session | undefined {
    return this.#session;
  }

  get receiveMaximum(): number {
    return this.#limits?.receiveMaximum ?? 0;
  }

  get hasRoom(): boolean {
    return this.#writer.hasRoom;
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  /** CONNECT was accepted; the session is attached by the caller, after the CONNACK. */
  open(session: Session, limits: ClientLimits): void {
    this.#cancelConnectTimeout();
    this.phase = 'open';
    this.#session = session;
    this.#limits = limits;
    this.#watch();
  }

  send(packet: Packet): void {
    this.#writer.write(generateControlPacket(packet));
  }

  sendBytes(bytes: Buffer): void {
    this.#writer.write(bytes);
  }

  sendPuback(packetId: number, reasonCode: number): void {
    const bytes = reasonCode === ReasonCode.success ? 4 : 5;
    const { target, offset } = this.#writer.reserve(bytes);
    target[offset] = 0x40;
    target[offset + 1] = bytes - 2;
    target.writeUInt16BE(packetId, offset + 2);
    if (bytes === 5) target[offset + 4] = reasonCode;
  }

  sendPublish(delivery: Delivery, packetId: number, dup: boolean): boolean {
    const { message, qos, retain, subscriptionIdentifiers } = delivery;
    const known = this.#outboundAliases.get(message.topic);
    const outgoing: OutgoingPublish = {
      qos,
      dup,
      retain,
      packetId,
      topic: known === undefined ? message.topicBytes : nothing,
      topicAlias: known ?? this.#freeAlias(),
      expirySeconds: remainingSeconds(message, this.#clock),
      subscriptionIdentifiers,
      properties: message.properties,
      payload: message.payload,
    };
    const layout = layOutPublish(outgoing);
    const packetBytes = layout.headBytes + message.payload.length;
    if (packetBytes > (this.#limits?.maximumPacketSize ?? 0)) return false;
    writePublishHead(outgoing, layout, this.#writer.reserve(layout.headBytes));
    this.#writer.write(message.payload);
    if (known === undefined && outgoing.topicAlias !== undefined)
      this.#outboundAliases.set(message.topic, outgoing.topicAlias);
    return true;
  }

  /** Ends a connection whose stream or packets are wrong. */
  fail(reasonCode: number): void {
    if (this.phase === 'connecting') this.refuse(reasonCode);
    else this.disconnect(reasonCode);
  }

  /** CONNACK with `reasonCode`, and the end. */
  refuse(reasonCode: number, reasonString?: string): void {
    if (this.phase !== 'connecting') return;
    const properties = reasonString === undefined ? {} : { properties: { reasonString } };
    this.send({ cmd: 'connack', sessionPresent: false, reasonCode, ...properties });
    this.#end();
  }

  /** DISCONNECT with `reasonCode`, and the end. */
  disconnect(reasonCode: number): void {
    if (this.phase !== 'open') return;
    this.reasonCode = reasonCode;
    this.endedBy = 'broker';
    this.send({ cmd: 'disconnect', reasonCode });
    this.#end();
  }

  /** The client said DISCONNECT, or has got its last word. */
  end(reasonCode?: number): void {
    this.reasonCode = reasonCode;
    this.endedBy = 'client';
    this.#end();
  }

  /** The network fails. */
  drop(): void {
    this.#socket.destroy();
    this.#close();
  }

  pause(reason: 'output' | 'fault'): void {
    this.#pausedBy.add(reason);
    this.#socket.pause();
  }

  resume(reason: 'output' | 'fault'): void {
    this.#pausedBy.delete(reason);
    if (this.#pausedBy.size === 0) this.#socket.resume();
  }

  #onData(chunk: Buffer): void {
    if (this.phase === 'closed') return;
    this.#keepAlive?.touch();
    const reasonCode = this.#cutter.push(chunk);
    if (reasonCode !== ReasonCode.success) this.fail(reasonCode);
    else if (!this.#writer.hasRoom) this.pause('output');
  }

  #onDrain(): void {
    this.resume('output');
    if (this.phase === 'open') this.#session?.pump();
  }

  #watch(): void {
    const seconds = this.#limits?.keepAliveSeconds ?? 0;
    this.#keepAlive = new KeepAlive(this.#clock, seconds, () => {
      // What the client sent cannot be known while we do not read.
      if (this.#pausedBy.size > 0) this.#watch();
      else this.disconnect(ReasonCode.keepAliveTimeout);
    });
  }

  #freeAlias(): number | undefined {
    const allowed = this.#limits?.topicAliasMaximum ?? 0;
    const aliasMax = Math.min(allowed, this.#context.settings.outboundTopicAliasMaximum);
    return this.#outboundAliases.size < aliasMax ? this.#outboundAliases.size + 1 : undefined;
  }

  #end(): void {
    this.#writer.flush();
    this.#close();
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), lingerMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #close(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.#cutter.stop();
    this.#cancelConnectTimeout();
    this.#keepAlive?.stop();
    this.#context.onClosed(this);
  }
}
