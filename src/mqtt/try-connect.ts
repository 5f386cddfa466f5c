/* A connection that is made to see whether it can be: dialled, CONNECT, CONNACK, DISCONNECT. Its session
 * is its own and ends with it, so that no other is disturbed.
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
import { PROTOCOL_ERROR, reasonText, SUCCESS, withReasonString } from './reason-code.js';

/** All that a broker has to say in so short a life. */
const PACKET_BYTES_MAX = 65_536;

/**
 * Resolves with what the broker grants. Rejects with a ConnectionFault, whose text is for people and has
 * no secret in it, where the connection cannot be made within `timeoutMs`.
 *
 * @param clientId one that nobody else has
 */
export function tryMqttConnect(
  connection: MqttConnection,
  credentials: Sealed<MqttCredentials>,
  clientId: string,
  timeoutMs: number,
  clock: Clock = systemClock,
): Promise<ServerLimits> {
  return new Promise((resolve, reject) => {
    new Attempt(connection, credentials, clientId, timeoutMs, clock, (outcome) => {
      if (outcome instanceof ConnectionFault) reject(outcome);
      else resolve(outcome);
    });
  });
}

class Attempt {
  readonly #target: MqttConnection;
  readonly #credentials: MqttCredentials;
  readonly #clientId: string;
  readonly #onEnded: (outcome: ServerLimits | ConnectionFault) => void;
  readonly #connection: Connection;
  readonly #authentication = new EnhancedAuthentication((packet) => this.#connection.send(packet));
  readonly #cancelTimeout: () => void;
  #isOpen = false;
  #ended = false;

  constructor(
    target: MqttConnection,
    credentials: Sealed<MqttCredentials>,
    clientId: string,
    timeoutMs: number,
    clock: Clock,
    onEnded: (outcome: ServerLimits | ConnectionFault) => void,
  ) {
    this.#target = target;
    this.#credentials = unseal(credentials);
    this.#clientId = clientId;
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
        onPacket: (packet) => this.#onPacket(packet),
        onClosed: (closed) => this.#onClosed(closed),
        // It has subscribed to nothing and sends nothing.
        onPublish: () => this.#refuse('a PUBLISH before its CONNACK'),
        onOversize: () => void this.#refuse('a PUBLISH before its CONNACK'),
        onLeft: () => void this.#refuse('a PUBLISH before its CONNACK'),
        onPuback: () => void this.#refuse('a PUBACK before its CONNACK'),
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
  }

  #onOpen(): void {
    this.#isOpen = true;
    const { serviceAccountToken } = this.#credentials;
    if (serviceAccountToken !== undefined) this.#authentication.onConnect(serviceAccountToken);
    this.#connection.send(
      connectPacket(
        {
          clientId: this.#clientId,
          cleanStart: true,
          keepAliveSeconds: this.#target.keepAliveSeconds,
          sessionExpirySeconds: 0,
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
    this.#end(serverLimits(packet));
    this.#connection.disconnect(SUCCESS, 'it can be made');
  }

  /** What may come only after a CONNACK, or never. */
  #refuse(what: string): boolean {
    const text = `the broker sent ${what}`;
    this.#end(new ConnectionFault('protocol', text));
    this.#connection.disconnect(PROTOCOL_ERROR, text);
    return true;
  }

  #onClosed(closed: Closed): void {
    const { reason, lossReason } = earlyEnd(closed, this.#target);
    this.#end(new ConnectionFault(lossReason ?? 'other', reason));
  }

  #end(outcome: ServerLimits | ConnectionFault): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimeout();
    this.#authentication.onClosed();
    this.#onEnded(outcome);
  }
}
