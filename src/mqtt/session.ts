/* Session: one MQTT session, over as many connections as it takes. Dials, resumes, subscribes, and
 * keeps what outlives a connection: what it receives (inbound.ts) and sends (outbound.ts). Main thread
 * only.
 *
 *   idle -> dialling -> connecting (CONNECT sent) -> subscribing -> active
 *                ^            any of these, lost: waiting (backoff) --'
 *   any -> stopped
 *
 * 1. Clean Start is 0 always: the broker stores what arrives while we are away.
 * 2. A PUBLISH may come before our SUBACK does, on a resumed session: routes are known by then.
 * 3. Once no more is to be read, a PUBLISH is passed over and not acknowledged: the broker sends it again
 *    over the next connection [MQTT-4.4.0-1]. Left unread, it would stand before the PUBACKs for what we sent.
 */
import type { IConnackPacket, IDisconnectPacket, Packet } from 'mqtt-packet';
import type { Clock } from '../base/clock.js';
import { Backoff } from './backoff.js';
import {
  connackFault,
  missingFeature,
  type Publishing,
  type ServerLimits,
  serverLimits,
} from './connack.js';
import { type Closed, Connection, type ConnectionOptions } from './connection.js';
import {
  isConnackReason,
  PROTOCOL_ERROR,
  reasonDisposition,
  reasonText,
  SESSION_TAKEN_OVER,
  SUCCESS,
  withReasonString,
} from './reason-code.js';
import { Inbound } from './receive/inbound.js';
import type { Inflight } from './receive/inflight.js';
import type { OversizeSink } from './receive/oversize.js';
import { ABSENT, type Publish } from './receive/publish.js';
import type { PublishFault } from './receive/publish-check.js';
import type { TopicCache } from './receive/topic-cache.js';
import { Outbound } from './send/outbound.js';
import type { OutgoingPublish } from './send/outgoing-publish.js';
import { Subscriber } from './subscriber.js';
import type { Subscription } from './subscriptions.js';

const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 30_000;
const PACKET_ID_MAX = 65_535;
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
  /** A PUBACK for what was sent with `outbound.publish`. */
  onPuback(session: Session, delivery: number, reasonCode: number): void;
  /** `outbound` may have room again; once a batch. */
  onWritable(session: Session): void;
  /** Fills `publish` with what was sent for `delivery`; false: it is nobody's any more. */
  onResend(session: Session, delivery: number, publish: OutgoingPublish): boolean;
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
  /** None: the session only publishes. */
  readonly subscriptions: readonly Subscription[];
  readonly publishing: readonly Publishing[];
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
  /** What was received and is not acknowledged. */
  readonly inflight: Inflight;
  readonly outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #backoff: Backoff;
  #state: SessionState = { kind: 'idle' };
  #connection: Connection | undefined;
  #limits: ServerLimits | undefined;
  #subscriber: Subscriber | undefined;
  #cancelWait: () => void = () => {};
  /** When the server accepted this connection; undefined before that. */
  #acceptedMs: number | undefined;
  #refusal: string | undefined;
  /** Whether reading was paused since the SUBACKs are awaited. */
  #wasPaused = false;
  #readingStopped = false;

  constructor(options: SessionOptions) {
    this.options = options;
    this.#backoff = new Backoff(BACKOFF_MIN_MS, BACKOFF_MAX_MS, options.random);
    const { events } = options;
    this.#inbound = new Inbound({
      receiveMaximum: options.receiveMaximum,
      topicAliasMaximum: options.topicAliasMaximum,
      topics: options.topics,
      events: {
        onPublish: (publish) => events.onPublish(this, publish),
        onOversize: (publish) => events.onOversize(this, publish),
        onJoined: (publish) => events.onJoined(this, publish),
        onUnreadable: (packet, fault) => events.onUnreadable(this, packet, fault),
        onWarning: (text) => events.onWarning(this, text),
        onHopeless: (reason) => this.#setState({ kind: 'stopped', reason }),
      },
    });
    this.inflight = this.#inbound.inflight;
    this.outbound = new Outbound({
      // SUBSCRIBE and UNSUBSCRIBE have those below [MQTT-2.2.1-3].
      firstPacketId: options.subscriptions.length + 2,
      lastPacketId: PACKET_ID_MAX,
      events: {
        onPuback: (delivery, reasonCode) => events.onPuback(this, delivery, reasonCode),
        onWritable: () => events.onWritable(this),
        onResend: (delivery, publish) => events.onResend(this, delivery, publish),
        onWarning: (text) => events.onWarning(this, text),
      },
    });
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

  /** Writes the PUBACKs that settling released, and what `outbound` has. */
  flush(): void {
    this.#connection?.flush();
  }

  /** Reads on where credit had run out. */
  resume(): void {
    this.#inbound.resume();
  }

  /** Takes no PUBLISH any more; PUBACKs still leave and come. */
  stopReading(): void {
    this.#readingStopped = true;
    this.#inbound.stopReading();
    this.#connection?.resume();
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
        onBatchEnd: () => {
          if (this.#connection?.paused === true) this.#wasPaused = true;
          options.events.onBatchEnd();
          this.outbound.onBatchEnd();
        },
        onPuback: (packetId, reasonCode) => {
          if (!this.#isEarly('PUBACK')) this.outbound.onPuback(packetId, reasonCode);
        },
        onDrained: () => this.outbound.onDrained(),
        onPacket: (packet) => this.#onPacket(packet),
        onPublish: (publish) =>
          this.#isEarly('PUBLISH') || this.#passesOver(publish) || this.#inbound.onPublish(publish),
        onOversize: (publish) =>
          this.#isEarly('PUBLISH') ? undefined : this.#inbound.onOversize(publish),
        onLeft: (packet) => this.#inbound.onLeft(packet),
        onClosed: (closed) => this.#onClosed(closed),
        reservePayload: options.events.reservePayload,
        releasePayload: options.events.releasePayload,
      },
    });
    this.#inbound.onDialled(this.#connection);
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
        if (!this.#isEarly('SUBACK')) this.#onFault(this.#subscriber?.onSuback(packet));
        break;
      case 'unsuback':
        if (!this.#isEarly('UNSUBACK')) this.#onFault(this.#subscriber?.onUnsuback(packet));
        break;
      case 'disconnect':
        this.#onDisconnect(packet);
        break;
      default:
        this.#onFault(packet.cmd.toUpperCase());
    }
  }

  #onFault(fault: string | undefined): void {
    if (fault === undefined) return;
    this.#connection?.disconnect(PROTOCOL_ERROR, `the broker sent ${fault}`);
  }

  #onConnack(packet: IConnackPacket): void {
    if (this.#state.kind !== 'connecting') {
      this.#connection?.disconnect(PROTOCOL_ERROR, 'the broker sent a second CONNACK');
      return;
    }
    this.#cancelWait();
    const code = packet.reasonCode ?? SUCCESS;
    if (!isConnackReason(code)) {
      // Those of MQTT 3 are 1 to 5.
      const number = `0x${code.toString(16).padStart(2, '0')}`;
      const hint = code <= 5 ? ' (does it speak MQTT 5?)' : '';
      this.#onFault(`a CONNACK with reason code ${number}, which CONNACK cannot have${hint}`);
      return;
    }
    if (code !== SUCCESS) {
      const text = withReasonString(
        `CONNECT refused: ${reasonText(code)}`,
        packet.properties?.reasonString,
      );
      if (reasonDisposition(code) === 'refuse') this.#refusal = text;
      this.#connection?.destroy(text);
      return;
    }
    const fault = connackFault(packet);
    if (fault !== undefined) {
      this.#onFault(`a CONNACK with ${fault}`);
      return;
    }
    const limits = serverLimits(packet);
    this.#limits = limits;
    this.inflight.onConnected(limits.sessionPresent);
    if (!limits.sessionPresent) this.outbound.onSessionLost();
    this.options.events.onLimits(this, limits);
    // Who looks at the limits may have stopped us.
    if (this.state.kind !== 'connecting') return;
    const missing = missingFeature(limits, this.options.subscriptions, this.options.publishing);
    if (missing !== undefined) {
      this.#refuse(missing);
      return;
    }
    this.#acceptedMs = this.options.clock.monotonicMs();
    this.#connection?.keepAlive(limits.keepAliveSeconds ?? this.options.keepAliveSeconds);
    this.#warnOfExpiry(limits);
    // What was sent before goes first; who is asked for it may have ended the connection.
    if (this.#connection !== undefined) this.outbound.onConnected(this.#connection.output, limits);
    if (this.state.kind === 'connecting') this.#subscribe(limits);
  }

  /** Whether a packet comes before the CONNACK, which ends the connection [MQTT-3.2.0-1]. */
  #isEarly(name: string): boolean {
    if (this.#state.kind !== 'connecting') return false;
    this.#connection?.disconnect(PROTOCOL_ERROR, `the broker sent a ${name} before its CONNACK`);
    return true;
  }

  #passesOver({ slabOffset }: Publish): boolean {
    if (!this.#readingStopped) return false;
    if (slabOffset !== ABSENT) this.options.events.releasePayload(slabOffset);
    return true;
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
      onAnswered: () => {
        this.#cancelWait();
        this.#setState({ kind: 'active' });
      },
      onRefused: (subscription, reason) => events.onRefused(this, subscription, reason),
      onUnsubscribed: () => events.onUnsubscribed(this),
      onWarning: (text) => events.onWarning(this, text),
    });
    this.#awaitSubacks();
    this.#subscriber.start();
  }

  /** While reading is paused a SUBACK cannot be seen: what passes then proves nothing. */
  #awaitSubacks(): void {
    const { clock, connectTimeoutMs } = this.options;
    this.#wasPaused = this.paused;
    this.#cancelWait = clock.after(connectTimeoutMs, () => {
      if (this.#wasPaused) this.#awaitSubacks();
      else this.#connection?.destroy(`no SUBACK within ${connectTimeoutMs} ms`);
    });
  }

  #onDisconnect(packet: IDisconnectPacket): void {
    const code = packet.reasonCode ?? SUCCESS;
    const text = withReasonString(
      `the broker disconnected: ${reasonText(code)}`,
      packet.properties?.reasonString,
    );
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

  #onClosed(closed: Closed): void {
    this.#cancelWait();
    this.#connection = undefined;
    this.#inbound.onDisconnected();
    this.outbound.onDisconnected();
    this.#subscriber?.stop();
    this.#subscriber = undefined;
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
