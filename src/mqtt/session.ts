/* Session: one MQTT session, over as many connections as it takes. Dials, resumes, subscribes, and
 * keeps what outlives a connection: the QoS 1 deliveries in `inflight`. Main thread only.
 *
 *   idle -> dialling -> connecting (CONNECT sent) -> subscribing -> active
 *                ^            any of these, lost: waiting (backoff) --'
 *   any -> stopped
 *
 * 1. Clean Start is 0 always: the broker stores what arrives while we are away.
 * 2. A PUBLISH may come before our SUBACK does, on a resumed session: routes are known by then.
 */
import type { IConnackPacket, IDisconnectPacket, Packet } from 'mqtt-packet';
import type { Clock } from '../base/clock.js';
import { Backoff } from './backoff.js';
import { BadPackets } from './bad-packets.js';
import { missingFeature, type ServerLimits, serverLimits } from './connack.js';
import { type Closed, Connection, type ConnectionOptions } from './connection.js';
import { EXCEEDED, FRESH, IN_USE, Inflight, JOINED } from './inflight.js';
import { DISCARD, type OversizeSink } from './oversize.js';
import { ABSENT, type Publish } from './publish.js';
import { type PublishFault, publishFault } from './publish-check.js';
import {
  IMPLEMENTATION_SPECIFIC_ERROR,
  PROTOCOL_ERROR,
  reasonDisposition,
  reasonText,
  SESSION_TAKEN_OVER,
  SUCCESS,
} from './reason-code.js';
import { Subscriber } from './subscriber.js';
import type { Subscription } from './subscriptions.js';
import { TopicAliases } from './topic-alias.js';
import type { TopicCache } from './topic-cache.js';

const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 30_000;
/** A connection that lasted this long was good, however it ended: waits begin anew after it. */
const PROVEN_MS = BACKOFF_MAX_MS;

export type SessionState =
  | { readonly kind: 'idle' | 'dialling' | 'connecting' | 'subscribing' | 'active' }
  | { readonly kind: 'waiting'; readonly reason: string; readonly refused: boolean }
  | { readonly kind: 'stopped'; readonly reason: string };

/** The upward calls of a session: flow/ and engine/ answer them. */
export interface SessionEvents {
  onBatchStart(): void;
  /** Everything that one read brought has been offered. */
  onBatchEnd(): void;
  /** Takes a PUBLISH whose `topic` is resolved; opens its delivery. False: no credit now. */
  onPublish(session: Session, publish: Publish): boolean;
  /** Takes the payload of a PUBLISH that is over the limit; undefined: no credit now. */
  onOversize(session: Session, publish: Publish): OversizeSink | undefined;
  /** A redelivered PUBLISH was joined to its open delivery; a payload in the slab is dropped. */
  onJoined(session: Session, publish: Publish): void;
  onState(session: Session, state: SessionState): void;
  onLimits(session: Session, limits: ServerLimits): void;
  /** The broker refuses a subscription, which is tried again; undefined: it grants it after all. */
  onRefused(session: Session, subscription: Subscription, reason: string | undefined): void;
  /** Every filter to be given up is, or the broker says that it never had it. */
  onUnsubscribed(session: Session): void;
  /**
   * A PUBLISH that cannot be read, met for the third time; resolves once it is kept. Undefined: no
   * room for it now.
   */
  onUnreadable(
    session: Session,
    packet: Uint8Array,
    fault: PublishFault,
  ): Promise<void> | undefined;
  onWarning(session: Session, text: string): void;
  reservePayload(bytes: number): number;
  releasePayload(slabOffset: number): void;
}

export interface SessionOptions {
  readonly index: number;
  readonly clientId: string;
  readonly host: string;
  readonly port: number;
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
  /** Undefined: none is announced. */
  readonly maximumPacketSize: number | undefined;
  readonly payloadBytesMax: number;
  readonly topicAliasMaximum: number;
  readonly connectTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly subscriptions: readonly Subscription[];
  /** Filters of an earlier configuration that the broker may still have. */
  readonly staleFilters: readonly string[];
  readonly topics: TopicCache;
  readonly slab: Uint8Array;
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: ConnectionOptions['dial'];
  readonly events: SessionEvents;
}

export class Session {
  readonly options: SessionOptions;
  readonly inflight: Inflight;
  readonly #backoff: Backoff;
  readonly #badPackets = new BadPackets();
  #state: SessionState = { kind: 'idle' };
  #connection: Connection | undefined;
  #limits: ServerLimits | undefined;
  #aliases: TopicAliases;
  #subscriber: Subscriber | undefined;
  #cancelWait: () => void = () => {};
  /** When the server accepted this connection; undefined before that. */
  #acceptedMs: number | undefined;
  #refusal: string | undefined;
  #excessTold = false;
  #readingStopped = false;

  constructor(options: SessionOptions) {
    this.options = options;
    this.#aliases = new TopicAliases(options.topicAliasMaximum, options.topics);
    this.#backoff = new Backoff(BACKOFF_MIN_MS, BACKOFF_MAX_MS, options.random);
    this.inflight = new Inflight(options.receiveMaximum, (packetId, reasonCode) =>
      this.#connection?.puback(packetId, reasonCode),
    );
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the server granted; undefined before the first CONNACK. */
  get limits(): ServerLimits | undefined {
    return this.#limits;
  }

  get paused(): boolean {
    return this.#connection?.paused === true;
  }

  start(): void {
    if (this.#state.kind === 'idle') this.#dial();
  }

  /** Writes the PUBACKs that settling released. */
  flush(): void {
    this.#connection?.flush();
  }

  /** Reads on where credit had run out. */
  resume(): void {
    if (this.#connection?.paused === true && !this.inflight.full) this.#connection.resume();
  }

  /** Stops reading for good; PUBACKs still leave. */
  stopReading(): void {
    this.#readingStopped = true;
  }

  /** Ends the connection, unacknowledged, and dials again: the broker redelivers. */
  reconnect(reason: string): void {
    this.#connection?.disconnect(SUCCESS, reason);
  }

  /**
   * Disconnects normally and dials no more. The broker keeps the session, unless `discard`, which
   * sets its Session Expiry Interval to 0.
   */
  stop(reason: string, discard = false): void {
    this.#cancelWait();
    const connection = this.#connection;
    this.#setState({ kind: 'stopped', reason });
    connection?.disconnect(SUCCESS, reason, discard ? { sessionExpiryInterval: 0 } : undefined);
  }

  #setState(state: SessionState): void {
    this.#state = state;
    this.options.events.onState(this, state);
  }

  #dial(): void {
    const { options } = this;
    this.#setState({ kind: 'dialling' });
    this.#refusal = undefined;
    this.#acceptedMs = undefined;
    this.#aliases = new TopicAliases(options.topicAliasMaximum, options.topics);
    this.#connection = new Connection({
      host: options.host,
      port: options.port,
      connectTimeoutMs: options.connectTimeoutMs,
      writeTimeoutMs: options.writeTimeoutMs,
      maximumPacketSize: options.maximumPacketSize ?? Number.MAX_SAFE_INTEGER,
      payloadBytesMax: options.payloadBytesMax,
      slab: options.slab,
      clock: options.clock,
      dial: options.dial,
      handlers: {
        onOpen: () => this.#onOpen(),
        onBatchStart: options.events.onBatchStart,
        onBatchEnd: options.events.onBatchEnd,
        onPacket: (packet) => this.#onPacket(packet),
        onPublish: (publish) => this.#onPublish(publish),
        onOversize: (publish) => this.#onOversize(publish),
        onLeft: (packet) => this.#onBad(packet, publishFault(packet)),
        onClosed: (closed) => this.#onClosed(closed),
        reservePayload: options.events.reservePayload,
        releasePayload: options.events.releasePayload,
      },
    });
  }

  #onOpen(): void {
    const { options } = this;
    this.#setState({ kind: 'connecting' });
    this.#connection?.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: false,
      clientId: options.clientId,
      keepalive: options.keepAliveSeconds,
      properties: {
        sessionExpiryInterval: options.sessionExpirySeconds,
        receiveMaximum: options.receiveMaximum,
        topicAliasMaximum: options.topicAliasMaximum,
        ...(options.maximumPacketSize !== undefined && {
          maximumPacketSize: options.maximumPacketSize,
        }),
      },
    });
    this.#cancelWait = options.clock.after(options.connectTimeoutMs, () =>
      this.#connection?.destroy(`no CONNACK within ${options.connectTimeoutMs} ms`),
    );
  }

  #onPacket(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        this.#onConnack(packet);
        break;
      case 'suback':
        this.#subscriber?.onSuback(packet);
        break;
      case 'unsuback':
        this.#subscriber?.onUnsuback(packet);
        break;
      case 'disconnect':
        this.#onDisconnect(packet);
        break;
      case 'pingresp':
        break;
      default:
        this.#connection?.disconnect(PROTOCOL_ERROR, `the broker sent ${packet.cmd.toUpperCase()}`);
    }
  }

  #onConnack(packet: IConnackPacket): void {
    if (this.#state.kind !== 'connecting') {
      this.#connection?.disconnect(PROTOCOL_ERROR, 'the broker sent a second CONNACK');
      return;
    }
    this.#cancelWait();
    const code = packet.reasonCode ?? SUCCESS;
    if (code !== SUCCESS) {
      const why = packet.properties?.reasonString;
      const text = `CONNECT refused: ${reasonText(code)}${why === undefined ? '' : ` (${why})`}`;
      if (reasonDisposition(code) === 'refuse') this.#refusal = text;
      this.#connection?.destroy(text);
      return;
    }
    const limits = serverLimits(packet);
    this.#limits = limits;
    this.inflight.onConnected(limits.sessionPresent);
    this.options.events.onLimits(this, limits);
    // Who looks at the limits may have stopped us.
    if (this.state.kind !== 'connecting') return;
    const missing = missingFeature(limits, this.options.subscriptions);
    if (missing !== undefined) {
      this.#refuse(missing);
      return;
    }
    this.#acceptedMs = this.options.clock.monotonicMs();
    this.#connection?.keepAlive(limits.keepAliveSeconds ?? this.options.keepAliveSeconds);
    this.#warnOfExpiry(limits);
    this.#subscribe(limits);
  }

  /** Gives up on this connection for what only a person can mend; tried again seldom. */
  #refuse(reason: string): void {
    this.#refusal = reason;
    this.#connection?.disconnect(SUCCESS, reason);
  }

  #warnOfExpiry(limits: ServerLimits): void {
    const { sessionExpirySeconds } = this.options;
    const granted = limits.sessionExpirySeconds ?? sessionExpirySeconds;
    if (granted >= sessionExpirySeconds) return;
    this.options.events.onWarning(
      this,
      `the broker keeps this session for ${granted} s after a disconnection, not the ` +
        `${sessionExpirySeconds} s of sessionExpirySeconds: what it stores is lost after that`,
    );
  }

  #subscribe(limits: ServerLimits): void {
    this.#setState({ kind: 'subscribing' });
    const { subscriptions, staleFilters, clock, events } = this.options;
    this.#subscriber = new Subscriber({
      subscriptions,
      staleFilters,
      clock,
      withIdentifiers: limits.subscriptionIdentifiers,
      waitMs: () => this.#backoff.longestMs(),
      send: (packet) => this.#connection?.send(packet),
      onAnswered: () => this.#setState({ kind: 'active' }),
      onRefused: (subscription, reason) => events.onRefused(this, subscription, reason),
      onUnsubscribed: () => events.onUnsubscribed(this),
      onWarning: (text) => events.onWarning(this, text),
    });
    this.#subscriber.start();
  }

  #onDisconnect(packet: IDisconnectPacket): void {
    const code = packet.reasonCode ?? SUCCESS;
    const why = packet.properties?.reasonString;
    const text = `the broker disconnected: ${reasonText(code)}${why === undefined ? '' : ` (${why})`}`;
    if (reasonDisposition(code) === 'refuse') this.#refusal = text;
    const connection = this.#connection;
    if (code === SESSION_TAKEN_OVER) {
      this.#setState({
        kind: 'stopped',
        reason: `${text}: another client uses the client identifier ${JSON.stringify(this.options.clientId)}`,
      });
    }
    connection?.destroy(text, code);
  }

  /** A PUBLISH from the lane. False: offered again once there is credit. */
  #onPublish(publish: Publish): boolean {
    if (this.#readingStopped) return false;
    if (!this.#isSound(publish, publish.slabOffset === ABSENT)) return true;
    if (publish.qos === 1) {
      this.#badPackets.onGood(publish.packetId);
      const received = this.inflight.receive(publish.packetId, publish.dup);
      if (received === JOINED) {
        // Takes no credit: its delivery has it.
        this.options.events.onJoined(this, publish);
        return true;
      }
      if (received === IN_USE) {
        this.#onIdentifierInUse(publish);
        return true;
      }
      if (!this.#hasCredit(received)) return false;
    }
    return this.options.events.onPublish(this, publish);
  }

  /** A PUBLISH whose payload is over the limit, of which only topic and properties are here. */
  #onOversize(publish: Publish): OversizeSink | undefined {
    if (this.#readingStopped || !this.#isSound(publish, false)) return undefined;
    if (publish.qos === 1) {
      const received = this.inflight.receive(publish.packetId, publish.dup);
      if (received === JOINED) {
        // Its letter was written when the connection went; what was not yet is given up.
        this.options.events.onJoined(this, publish);
        return DISCARD;
      }
      if (received === IN_USE) {
        this.#onIdentifierInUse(publish);
        return undefined;
      }
      if (!this.#hasCredit(received)) return undefined;
    }
    return this.options.events.onOversize(this, publish);
  }

  /**
   * Sets `publish.topic`. False: it cannot be taken, and what is to be done about it is done.
   * @param whole whether the payload is in the receive buffer too
   */
  #isSound(publish: Publish, whole: boolean): boolean {
    if (this.#state.kind === 'connecting') {
      // [MQTT-3.2.0-1]
      this.#connection?.disconnect(PROTOCOL_ERROR, 'the broker sent a PUBLISH before its CONNACK');
      return false;
    }
    const fault = this.#aliases.resolve(publish);
    if (fault === undefined) return true;
    const { bytes, payloadStart, payloadBytes, packetBytes, qos, packetId } = publish;
    const packetEnd = payloadStart + payloadBytes;
    const packet = bytes.slice(packetEnd - packetBytes, whole ? packetEnd : payloadStart);
    this.#onBad(packet, { ...fault, qos, packetId, whole });
    return false;
  }

  /** Whether a PUBLISH that is neither joined nor wrong may be taken now. */
  #hasCredit(received: number): boolean {
    if (received === EXCEEDED && !this.#excessTold) {
      this.#excessTold = true;
      // MQTT 5 would have us disconnect with 0x93. mosquitto 2.0 miscounts under load (its issue
      // 2301) and would do so at every connection; left unread, the excess costs us no memory.
      this.options.events.onWarning(
        this,
        `the broker sends more than the Receive Maximum of ${this.options.receiveMaximum}; reading waits`,
      );
    }
    return received === FRESH && !this.inflight.full;
  }

  #onIdentifierInUse(publish: Publish): void {
    this.#connection?.disconnect(
      PROTOCOL_ERROR,
      `the broker used packet identifier ${publish.packetId} again before its PUBACK`,
    );
  }

  /** A bad PUBLISH: an error, unless it was met so often that it is taken away. */
  #onBad(packet: Uint8Array, fault: PublishFault): void {
    const text = `the broker sent a PUBLISH with ${fault.text}`;
    const connection = this.#connection;
    const verdict = this.#badPackets.onBad(fault);
    if (verdict === 'take away') {
      this.#takeAway(connection, packet, fault);
      return;
    }
    if (verdict === 'stop') this.#setState({ kind: 'stopped', reason: `${text}, again and again` });
    connection?.disconnect(fault.reasonCode, text);
  }

  /** Has an unreadable PUBLISH kept as a dead letter, then acknowledges it in its turn. */
  #takeAway(connection: Connection | undefined, packet: Uint8Array, fault: PublishFault): void {
    // Whatever had this identifier on an earlier connection is not this PUBLISH.
    this.inflight.forget(fault.packetId);
    if (this.inflight.receive(fault.packetId, true) !== FRESH) {
      connection?.disconnect(fault.reasonCode, 'the broker breaks its own window');
      return;
    }
    const kept = this.options.events.onUnreadable(this, packet, fault);
    if (kept === undefined) {
      connection?.disconnect(fault.reasonCode, 'too many unreadable PUBLISHes wait to be kept');
      return;
    }
    // No delivery of the ledger's has this number, so it meets no other.
    const delivery = -2 - fault.packetId;
    this.inflight.open(fault.packetId, delivery);
    kept.then(() => {
      this.inflight.settle(fault.packetId, delivery, IMPLEMENTATION_SPECIFIC_ERROR);
      this.flush();
      this.resume();
    });
  }

  #onClosed(closed: Closed): void {
    this.#cancelWait();
    this.#connection = undefined;
    this.#subscriber?.stop();
    this.#subscriber = undefined;
    this.inflight.onDisconnected();
    if (this.#state.kind === 'stopped') return;
    if (this.#hasProven(closed)) this.#backoff.reset();
    const refused = this.#refusal !== undefined;
    const delayMs = refused ? this.#backoff.longestMs() : this.#backoff.nextMs();
    this.#setState({ kind: 'waiting', reason: this.#refusal ?? closed.reason, refused });
    this.#cancelWait = this.options.clock.after(delayMs, () => this.#dial());
  }

  /**
   * Whether waits begin anew. A connection that either side ended has a cause that the next one may
   * well meet again, at once: it proves nothing by being accepted, only by having lasted.
   */
  #hasProven(closed: Closed): boolean {
    if (this.#acceptedMs === undefined) return false;
    if (this.options.clock.monotonicMs() - this.#acceptedMs >= PROVEN_MS) return true;
    return this.#state.kind === 'active' && closed.reasonCode === undefined;
  }
}
