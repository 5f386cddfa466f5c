/* A connection that is made to see whether it can be: dialled, CONNECT, CONNACK, perhaps SUBSCRIBEs,
 * DISCONNECT. Its session is its own and ends with it, so that no other is disturbed.
 */
import type { IConnackPacket, Packet } from 'mqtt-packet';
import { type Clock, systemClock } from '../base/clock.js';
import type { MqttConnection } from '../config/model.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import { type Sealed, unseal } from '../secrets/sealed.js';
import { type ServerLimits, serverLimits } from './connack.js';
import { connackRefusal, connectPacket } from './connect-packet.js';
import { type Closed, Connection } from './connection.js';
import { ConnectionFault } from './dial/connection-fault.js';
import { dialler } from './dial/dialler.js';
import { earlyEnd } from './early-end.js';
import { EnhancedAuthentication } from './enhanced-authentication.js';
import { FilterTrial, type TriedFilter } from './filter-trial.js';
import { PROTOCOL_ERROR, reasonText, SUCCESS, withReasonString } from './reason-code.js';
import { DISCARD } from './receive/oversize.js';
import type { Subscription } from './subscriptions.js';
import { ReasonStrings } from './without-secrets.js';

/** All that a broker has to say in so short a life. */
const PACKET_BYTES_MAX = 65_536;
const ENDS_SESSION = { sessionExpiryInterval: 0 };

/**
 * Resolves with what the broker grants. Rejects with a ConnectionFault, whose text is for people and has
 * no secret in it, where the connection cannot be made within `timeoutMs`, or `signal` ends the attempt.
 */
export async function tryMqttConnect(
  connection: MqttConnection,
  credentials: Sealed<MqttCredentials>,
  attempt: MqttAttempt,
  clock: Clock = systemClock,
): Promise<ServerLimits> {
  const trial = { ...attempt, sessionExpirySeconds: 0, subscriptions: [] };
  return (await tryMqtt(connection, credentials, trial, clock)).limits;
}

export interface MqttAttempt {
  /** One that nobody else has. */
  readonly clientId: string;
  /** For the connection, and for each SUBACK. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface MqttTrial extends MqttAttempt {
  /**
   * To be asked for; the session ends at DISCONNECT all the same, and only where that never comes does the
   * broker keep it for so long.
   */
  readonly sessionExpirySeconds: number;
  /** Tried one after the other; shared ones must not be among them, for they take messages from others. */
  readonly subscriptions: readonly Subscription[];
}

export interface MqttTrialOutcome {
  readonly limits: ServerLimits;
  /** In their order; those behind the loss of the connection are left out. */
  readonly filters: readonly TriedFilter[];
}

/** As `tryMqttConnect`, and subscribes too. Nothing that is retained comes, and nothing is acknowledged. */
export function tryMqtt(
  connection: MqttConnection,
  credentials: Sealed<MqttCredentials>,
  trial: MqttTrial,
  clock: Clock = systemClock,
): Promise<MqttTrialOutcome> {
  return new Promise((resolve, reject) => {
    new Attempt(connection, credentials, trial, clock, (outcome) => {
      if (outcome instanceof ConnectionFault) reject(outcome);
      else resolve(outcome);
    });
  });
}

class Attempt {
  readonly #target: MqttConnection;
  readonly #credentials: MqttCredentials;
  readonly #trial: MqttTrial;
  readonly #clock: Clock;
  readonly #onEnded: (outcome: MqttTrialOutcome | ConnectionFault) => void;
  readonly #connection: Connection;
  readonly #authentication = new EnhancedAuthentication((packet) => this.#connection.send(packet));
  readonly #reasonStrings = new ReasonStrings();
  readonly #cancelTimeout: () => void;
  readonly #abort = () => this.#connection.destroy('the attempt was given up');
  #isOpen = false;
  #filters: FilterTrial | undefined;
  #ended = false;

  constructor(
    target: MqttConnection,
    credentials: Sealed<MqttCredentials>,
    trial: MqttTrial,
    clock: Clock,
    onEnded: (outcome: MqttTrialOutcome | ConnectionFault) => void,
  ) {
    const { timeoutMs } = trial;
    this.#target = target;
    this.#credentials = unseal(credentials);
    this.#reasonStrings.hide(credentials);
    this.#trial = trial;
    this.#clock = clock;
    this.#onEnded = onEnded;
    this.#connection = new Connection({
      host: target.host,
      port: target.port,
      connectTimeoutMs: timeoutMs,
      writeTimeoutMs: timeoutMs,
      maximumPacketSize: PACKET_BYTES_MAX,
      payloadBytesMax: PACKET_BYTES_MAX,
      slab: new Uint8Array(0),
      clock,
      dial: dialler(target, () => credentials),
      handlers: {
        onOpen: () => this.#onOpen(),
        onPacket: (packet) => this.#onPacket(this.#reasonStrings.clean(packet)),
        onClosed: (closed) => this.#onClosed(closed),
        // Before a SUBSCRIBE there is nothing to come, and what comes behind one counts for nothing.
        onPublish: () =>
          this.#filters !== undefined || this.#refuse('a PUBLISH before its CONNACK'),
        onOversize: () => {
          if (this.#filters !== undefined) return DISCARD;
          this.#refuse('a PUBLISH before its CONNACK');
          return undefined;
        },
        onLeft: () => {
          if (this.#filters === undefined) this.#refuse('a PUBLISH before its CONNACK');
        },
        onPuback: () => void this.#refuse('a PUBACK that nobody awaits'),
        onBatchStart: () => {},
        onBatchEnd: () => {},
        onDrained: () => {},
        reservePayload: () => -1,
        releasePayload: () => {},
      },
    });
    this.#cancelTimeout = clock.after(timeoutMs, () => {
      // Before that, what dials has a time-out of its own, and says where it stands.
      if (!this.#isOpen) return;
      this.#connection.destroy(`no CONNACK within ${timeoutMs} ms`, undefined, 'timeout');
    });
    trial.signal?.addEventListener('abort', this.#abort);
    if (trial.signal?.aborted === true) this.#abort();
  }

  #onOpen(): void {
    this.#isOpen = true;
    const { serviceAccountToken } = this.#credentials;
    if (serviceAccountToken !== undefined) this.#authentication.onConnect(serviceAccountToken);
    this.#connection.send(
      connectPacket(
        {
          clientId: this.#trial.clientId,
          cleanStart: true,
          keepAliveSeconds: this.#target.keepAliveSeconds,
          sessionExpirySeconds: this.#trial.sessionExpirySeconds,
          receiveMaximum: 1,
          topicAliasMaximum: 0,
          maximumPacketSize: PACKET_BYTES_MAX,
        },
        this.#credentials,
      ),
    );
  }

  #onPacket(packet: Packet): void {
    if (packet.cmd === 'auth') {
      const fault = this.#authentication.onAuth(packet);
      if (fault !== undefined) this.#refuse(fault);
    } else if (packet.cmd === 'disconnect') {
      const code = packet.reasonCode ?? SUCCESS;
      const text = `the broker disconnected: ${reasonText(code)}`;
      this.#connection.destroy(
        withReasonString(text, packet.properties?.reasonString),
        code,
        'serverDisconnect',
      );
    } else if (this.#filters !== undefined) {
      const fault = this.#filters.onPacket(packet);
      if (fault !== undefined) this.#refuse(fault);
    } else if (packet.cmd === 'connack') this.#onConnack(packet);
    else this.#refuse(`a ${packet.cmd.toUpperCase()} before its CONNACK`);
  }

  #onConnack(packet: IConnackPacket): void {
    const refusal = connackRefusal(packet, this.#target.authentication);
    if (refusal !== undefined) {
      const { lossReason = 'other', text } = refusal;
      this.#end(new ConnectionFault(lossReason, text, packet.reasonCode));
      this.#connection.destroy(refusal.text);
      return;
    }
    const fault = this.#authentication.onConnack(packet.properties?.authenticationMethod);
    if (fault !== undefined) {
      this.#refuse(fault);
      return;
    }
    this.#cancelTimeout();
    const limits = serverLimits(packet);
    this.#filters = new FilterTrial({
      ...this.#trial,
      clock: this.#clock,
      withIdentifiers: limits.subscriptionIdentifiers,
      send: (each) => this.#connection.send(each),
      onEnded: (filters) => {
        this.#end({ limits, filters });
        // Its session ends here, whatever was asked for.
        const properties = this.#trial.sessionExpirySeconds > 0 ? ENDS_SESSION : undefined;
        this.#connection.disconnect(SUCCESS, 'it can be made', properties);
      },
    });
    this.#filters.start();
  }

  /** What may come only after a CONNACK, or never. */
  #refuse(what: string): boolean {
    const text = `the broker sent ${what}`;
    this.#filters?.onLost(text);
    this.#end(new ConnectionFault('protocol', text));
    this.#connection.disconnect(PROTOCOL_ERROR, text);
    return true;
  }

  #onClosed(closed: Closed): void {
    this.#filters?.onLost(closed.reason);
    const { reason, lossReason } = earlyEnd(closed, this.#target);
    this.#end(new ConnectionFault(lossReason ?? 'other', reason));
  }

  #end(outcome: MqttTrialOutcome | ConnectionFault): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimeout();
    this.#trial.signal?.removeEventListener('abort', this.#abort);
    this.#authentication.onClosed();
    this.#onEnded(outcome);
  }
}
