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
import { UNSENT_BYTES_MAX } from '../config/limits.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import { unseal } from '../secrets/sealed.js';
import { Backoff } from './backoff.js';
import { missingFeature, type ServerLimits, serverLimits } from './connack.js';
import { connackRefusal, connectPacket } from './connect-packet.js';
import { type Closed, Connection } from './connection.js';
import { earlyEnd } from './early-end.js';
import { EnhancedAuthentication } from './enhanced-authentication.js';
import { pingSeconds } from './keep-alive.js';
import { ReadingTime } from './reading-time.js';
import {
  PROTOCOL_ERROR,
  reasonDisposition,
  reasonText,
  SESSION_TAKEN_OVER,
  SUCCESS,
  withReasonString,
} from './reason-code.js';
import { Inbound } from './receive/inbound.js';
import type { Inflight } from './receive/inflight.js';
import { ABSENT, type Publish } from './receive/publish.js';
import { Outbound } from './send/outbound.js';
import type { SessionOptions, SessionState } from './session-options.js';
import { Subscriber } from './subscriber.js';
import { ReasonStrings } from './without-secrets.js';

const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 30_000;
const PACKET_ID_MAX = 65_535;
const NEW_CREDENTIALS = 'there are new credentials';
/** A connection that lasted this long was good, however it ended: waits begin anew after it. */
const PROVEN_MS = BACKOFF_MAX_MS;

export class Session {
  readonly options: SessionOptions;
  /** What was received and is not acknowledged. */
  readonly inflight: Inflight;
  readonly outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #backoff: Backoff;
  readonly #authentication = new EnhancedAuthentication((packet) => this.#connection?.send(packet));
  readonly #reasonStrings = new ReasonStrings();
  readonly #readingTime: ReadingTime;
  #state: SessionState = { kind: 'idle' };
  #connection: Connection | undefined;
  #limits: ServerLimits | undefined;
  #subscriber: Subscriber | undefined;
  #cancelWait: () => void = () => {};
  /** When the server accepted this connection; undefined before that. */
  #acceptedMs: number | undefined;
  #refusal: string | undefined;
  /** Whether the next connection is dialled without waiting. */
  #atOnce = false;
  #readingStopped = false;
  /** The socket has more of ours than the broker takes: what it sends would make that more. */
  #choked = false;

  constructor(options: SessionOptions) {
    this.options = options;
    this.#backoff = new Backoff(BACKOFF_MIN_MS, BACKOFF_MAX_MS, options.random);
    this.#readingTime = new ReadingTime(options.clock, () => this.paused);
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
   * Moves to another connection without waiting, with the credentials of then: disconnects normally, and
   * the broker keeps the session and redelivers. A session that waits for its next attempt makes it now.
   */
  reconnectAtOnce(reason: string): void {
    if (this.#state.kind === 'idle' || this.#state.kind === 'stopped') return;
    if (this.#connection === undefined) {
      this.#cancelWait();
      this.#dial();
      return;
    }
    this.#atOnce = true;
    this.#connection.disconnect(SUCCESS, reason);
  }

  /**
   * Offers the service account token of now on the open connection. Resolves with whether the broker has
   * accepted it there; where it has not, or there is no such connection, another is made with it at once.
   */
  async reauthenticate(): Promise<boolean> {
    const { connectTimeoutMs } = this.options;
    const token = this.#credentials().serviceAccountToken;
    const connection = this.#connection;
    if (token === undefined || connection === undefined || !this.#authentication.isAuthenticated) {
      this.reconnectAtOnce(NEW_CREDENTIALS);
      return false;
    }
    if (await this.#authentication.renew(token, this.#readingTime, connectTimeoutMs)) return true;
    if (connection === this.#connection) this.reconnectAtOnce(NEW_CREDENTIALS);
    return false;
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
    this.#choked = false;
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
          this.#readingTime.onRead();
          options.events.onBatchEnd();
          this.outbound.onBatchEnd();
          const waitingBytes = this.#connection?.output.waitingBytes ?? 0;
          this.#choked = waitingBytes > UNSENT_BYTES_MAX;
        },
        onPuback: (packetId, reasonCode) => {
          if (!this.#isEarly('PUBACK')) this.outbound.onPuback(packetId, reasonCode);
        },
        onDrained: () => this.#onDrained(),
        onPacket: (packet) => this.#onPacket(this.#reasonStrings.clean(packet)),
        onPublish: (publish) =>
          this.#isEarly('PUBLISH') ||
          this.#passesOver(publish) ||
          (!this.#choked && this.#inbound.onPublish(publish)),
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

  #onDrained(): void {
    const wasChoked = this.#choked;
    this.#choked = false;
    this.outbound.onDrained();
    if (wasChoked) this.#inbound.resume();
  }

  #onOpen(): void {
    const { options } = this;
    this.#setState({ kind: 'connecting' });
    const credentials = this.#credentials();
    if (credentials.serviceAccountToken !== undefined) {
      this.#authentication.onConnect(credentials.serviceAccountToken);
    }
    this.#connection?.send(connectPacket({ ...options, cleanStart: false }, credentials));
    this.#cancelWait = options.clock.after(options.connectTimeoutMs, () =>
      this.#connection?.destroy(`no CONNACK within ${options.connectTimeoutMs} ms`),
    );
  }

  /** Those of now, which are about to be shown. */
  #credentials(): MqttCredentials {
    const sealed = this.options.credentials();
    this.#reasonStrings.hide(sealed);
    return unseal(sealed);
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
      case 'auth':
        this.#onFault(this.#authentication.onAuth(packet));
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
    const refusal = connackRefusal(packet, this.options.security.authentication);
    if (refusal !== undefined) {
      const { text, isProtocolError, needsPerson, lossReason } = refusal;
      if (needsPerson) this.#refusal = text;
      if (isProtocolError) this.#connection?.disconnect(PROTOCOL_ERROR, text);
      else this.#connection?.destroy(text, undefined, lossReason);
      return;
    }
    const method = packet.properties?.authenticationMethod;
    const fault = this.#authentication.onConnack(method);
    if (fault !== undefined) {
      this.#onFault(fault);
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
    const { keepAliveSeconds } = this.options;
    this.#connection?.keepAlive(pingSeconds(keepAliveSeconds, limits.keepAliveSeconds));
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
    const { subscriptions, staleFilters, clock, events, connectTimeoutMs } = this.options;
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
    this.#cancelWait = this.#readingTime.after(connectTimeoutMs, () =>
      this.#connection?.destroy(`no SUBACK within ${connectTimeoutMs} ms`),
    );
    this.#subscriber.start();
  }

  #onDisconnect(packet: IDisconnectPacket): void {
    const code = packet.reasonCode ?? SUCCESS;
    const text = withReasonString(
      `the broker disconnected: ${reasonText(code)}`,
      packet.properties?.reasonString,
    );
    // A token that is refused here may still be taken in CONNECT.
    const isRenewing = this.#authentication.isRenewing;
    if (reasonDisposition(code) === 'refuse' && !isRenewing) this.#refusal = text;
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
    const atOnce = this.#atOnce || this.#authentication.isRenewing;
    this.#atOnce = false;
    this.#authentication.onClosed();
    this.#inbound.onDisconnected();
    this.outbound.onDisconnected();
    this.#subscriber?.stop();
    this.#subscriber = undefined;
    if (this.#state.kind === 'stopped') return;
    if (this.#hasProven(closed)) this.#backoff.reset();
    const refused = this.#refusal !== undefined;
    const told =
      this.#state.kind === 'connecting' ? earlyEnd(closed, this.options.security) : closed;
    this.#setState({
      kind: 'waiting',
      reason: this.#refusal ?? told.reason,
      refused,
      lossReason: atOnce ? 'newCredentials' : told.lossReason,
    });
    this.#cancelWait = this.options.clock.after(this.#waitMs(atOnce, refused), () => this.#dial());
  }

  #waitMs(atOnce: boolean, refused: boolean): number {
    if (atOnce) return 0;
    return refused ? this.#backoff.longestMs() : this.#backoff.nextMs();
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
