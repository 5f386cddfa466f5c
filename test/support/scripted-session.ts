import { generate, type IConnackPacket, type Packet } from 'mqtt-packet';
import type { ServerLimits } from '../../src/mqtt/connack.js';
import type { OversizeSink } from '../../src/mqtt/receive/oversize.js';
import { ABSENT, type Publish } from '../../src/mqtt/receive/publish.js';
import type { PublishFault } from '../../src/mqtt/receive/publish-check.js';
import { TopicCache } from '../../src/mqtt/receive/topic-cache.js';
import type { OutboundEvents } from '../../src/mqtt/send/outbound.js';
import { Session } from '../../src/mqtt/session.js';
import type { SessionOptions, SessionState } from '../../src/mqtt/session-options.js';
import { PayloadSlab } from '../../src/ring/payload-slab.js';
import { ManualClock } from './manual-clock.js';
import { NO_MQTT_CREDENTIALS } from './mqtt-access.js';
import { encodePublish, type PublishParts, parts } from './publish-packets.js';
import { nextTurn, type ScriptedSocket, scriptedDial } from './scripted-socket.js';

/* A Session whose broker is the test. Deliveries are opened as the flow opens them, and settled when
 * the test says so. */

/** Longer than any wait between two attempts. */
export const LONGEST_WAIT_MS = 30_000;
const SLAB_BYTES = 8 * 1024 * 1024;

export interface Delivery {
  readonly id: number;
  readonly packetId: number;
  readonly topic: string;
}

export class ScriptedSession {
  readonly clock = new ManualClock();
  readonly slab = new PayloadSlab(SLAB_BYTES);
  readonly sockets: ScriptedSocket[];
  readonly session: Session;
  readonly states: SessionState[] = [];
  readonly deliveries: Delivery[] = [];
  readonly joined: number[] = [];
  readonly warnings: string[] = [];
  /** What was said of subscriptions: the filter, and why it is refused, undefined once it is granted. */
  readonly refusals: [filter: string, reason: string | undefined][] = [];
  readonly unreadable: { readonly packet: Uint8Array; readonly fault: PublishFault }[] = [];
  unsubscribed = 0;
  credit = true;
  oversizeSink: OversizeSink | undefined;
  /** The topic names of what was offered to it. */
  readonly oversize: string[] = [];
  /** Called when the limits are known. */
  onLimits: (limits: ServerLimits) => void = () => {};
  /** What becomes of PUBLISHes that are sent. */
  outgoing: Omit<OutboundEvents, 'onWarning'> = {
    onPuback: () => {},
    onWritable: () => {},
    onResend: () => false,
  };
  /** Resolves what is unreadable as kept. */
  keepUnreadable: () => void = () => {};
  #nextId = 0;

  constructor(options: Partial<SessionOptions> = {}) {
    const { dial, sockets } = scriptedDial();
    this.sockets = sockets;
    this.session = new Session({
      index: 0,
      clientId: 'millrace-0',
      host: 'broker',
      port: 1883,
      keepAliveSeconds: 60,
      sessionExpirySeconds: 86_400,
      receiveMaximum: 4,
      maximumPacketSize: 3_000_000,
      payloadBytesMax: 2_500_000,
      topicAliasMaximum: 10,
      connectTimeoutMs: 1_000,
      writeTimeoutMs: 5_000,
      subscriptions: [{ filter: 'plant/#', qos: 1, id: 7 }],
      publishing: [],
      staleFilters: [],
      topics: new TopicCache(64, 1e6, 1),
      slab: this.slab.bytes,
      clock: this.clock,
      random: () => 0.5,
      dial,
      security: { tls: undefined, authentication: { kind: 'none' } },
      credentials: () => NO_MQTT_CREDENTIALS,
      events: {
        onBatchStart: () => {},
        onBatchEnd: () => {},
        onPublish: (_, publish) => this.#onPublish(publish),
        onOversize: (_, publish) => {
          this.oversize.push(publish.topic?.name ?? 'none');
          return this.oversizeSink;
        },
        onJoined: (_, publish) => this.#onJoined(publish),
        onPuback: (_, delivery, reasonCode) => this.outgoing.onPuback(delivery, reasonCode),
        onWritable: () => this.outgoing.onWritable(),
        onResend: (_, delivery, publish) => this.outgoing.onResend(delivery, publish),
        onState: (_, state) => this.states.push(state),
        onLimits: (_, limits) => this.onLimits(limits),
        onRefused: (_, { filter }, reason) => this.refusals.push([filter, reason]),
        onUnsubscribed: () => this.unsubscribed++,
        onUnreadable: (_, packet, fault) => {
          this.unreadable.push({ packet, fault });
          return new Promise((resolve) => {
            this.keepUnreadable = resolve;
          });
        },
        onWarning: (_, text) => this.warnings.push(text),
        reservePayload: (bytes) => this.slab.reserve(bytes),
        releasePayload: (offset) => this.slab.release(offset),
      },
      ...options,
    });
  }

  /** The socket that was dialled last. */
  get socket(): ScriptedSocket {
    return this.sockets.at(-1) as ScriptedSocket;
  }

  get topics(): string[] {
    return this.deliveries.map(({ topic }) => topic);
  }

  /** Starts or waits for the next attempt, and accepts it: CONNECT has come. */
  open(): this {
    this.dial();
    this.socket.accept();
    return this;
  }

  /** Opens a connection, and answers its CONNECT. */
  connect(connack: Partial<IConnackPacket> = {}): void {
    this.open();
    this.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false, ...connack });
  }

  /** Starts, or lets the wait for the next attempt pass. */
  dial(): void {
    if (this.session.state.kind === 'idle') this.session.start();
    else this.clock.advance(LONGEST_WAIT_MS);
  }

  /** Connects, and grants every subscription. */
  activate(connack: Partial<IConnackPacket> = {}): void {
    this.connect(connack);
    for (const packet of this.socket.packets()) {
      if (packet.cmd !== 'subscribe') continue;
      const granted = packet.subscriptions.map(({ qos }) => qos);
      this.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
    }
  }

  send(packet: Packet): void {
    this.socket.send(generate(packet, { protocolVersion: 5 }));
  }

  publish(changes: Partial<PublishParts>): void {
    this.socket.send(encodePublish(parts(changes)));
  }

  /** A QoS 1 PUBLISH whose topic name is its payload too. */
  publishTo(topic: string, packetId: number, dup = false): void {
    this.publish({ topic: Buffer.from(topic), payload: Buffer.from(topic), packetId, dup });
  }

  settle(topic: string, reasonCode = 0): void {
    const delivery = this.deliveries.find((each) => each.topic === topic) as Delivery;
    this.session.inflight.settle(delivery.packetId, delivery.id, reasonCode);
    this.session.flush();
  }

  /** The PUBACKs written since the last look at the packets. */
  pubacks(): [packetId: number | undefined, reasonCode: number | undefined][] {
    return this.socket
      .packets()
      .flatMap((packet) =>
        packet.cmd === 'puback' ? [[packet.messageId, packet.reasonCode] as const] : [],
      )
      .map(([packetId, reasonCode]) => [packetId, reasonCode]);
  }

  /** The reason code of the DISCONNECT that was written, if one was. */
  disconnectCode(): number | undefined {
    const found = this.socket.packets().find(({ cmd }) => cmd === 'disconnect');
    return found?.cmd === 'disconnect' ? found.reasonCode : undefined;
  }

  /** The network breaks. */
  async cut(): Promise<void> {
    this.socket.close();
    await nextTurn();
  }

  #onPublish(publish: Publish): boolean {
    if (!this.credit) return false;
    const { packetId, qos, slabOffset } = publish;
    const topic = publish.topic?.name as string;
    const id = this.#nextId++;
    this.deliveries.push({ id, packetId, topic });
    if (qos === 1) this.session.inflight.open(packetId, id);
    if (slabOffset !== ABSENT) this.slab.release(slabOffset);
    return true;
  }

  #onJoined(publish: Publish): void {
    this.joined.push(publish.packetId);
    if (publish.slabOffset !== ABSENT) this.slab.release(publish.slabOffset);
  }
}
