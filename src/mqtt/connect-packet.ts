/* CONNECT, section 3.1, and what a CONNACK that refuses it means. */
import type { IConnackPacket, IConnectPacket } from 'mqtt-packet';
import type { MqttAuthentication } from '../config/model.js';
import type { ConnectionLossReason } from '../metrics/reasons.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import { connackFault } from './connack.js';
import { authenticationProperties } from './enhanced-authentication.js';
import {
  isConnackReason,
  reasonDisposition,
  reasonText,
  SUCCESS,
  withReasonString,
} from './reason-code.js';

export interface ConnectFields {
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  /** Undefined: none is announced. */
  readonly maximumPacketSize: number | undefined;
}

export function connectPacket(
  fields: ConnectFields,
  { login, serviceAccountToken }: MqttCredentials,
): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clean: fields.cleanStart,
    clientId: fields.clientId,
    keepalive: fields.keepAliveSeconds,
    ...(login && { username: login.username, password: Buffer.from(login.password) }),
    properties: {
      sessionExpiryInterval: fields.sessionExpirySeconds,
      receiveMaximum: fields.receiveMaximum,
      topicAliasMaximum: fields.topicAliasMaximum,
      ...(fields.maximumPacketSize !== undefined && {
        maximumPacketSize: fields.maximumPacketSize,
      }),
      ...(serviceAccountToken !== undefined && authenticationProperties(serviceAccountToken)),
    },
  };
}

/** Why a CONNACK ends its connection. */
export interface ConnackRefusal {
  readonly text: string;
  /** Whether the broker breaks the protocol with it, and is told so. */
  readonly isProtocolError: boolean;
  /** Whether dialling again would get the same answer until somebody changes something. */
  readonly needsPerson: boolean;
  readonly lossReason: ConnectionLossReason | undefined;
}

/** Undefined where the CONNACK accepts the connection. */
export function connackRefusal(
  packet: IConnackPacket,
  authentication: MqttAuthentication,
): ConnackRefusal | undefined {
  const code = packet.reasonCode ?? SUCCESS;
  if (!isConnackReason(code)) {
    // Those of MQTT 3 are 1 to 5.
    const number = `0x${code.toString(16).padStart(2, '0')}`;
    const hint = code <= 5 ? ' (does it speak MQTT 5?)' : '';
    return broken(`reason code ${number}, which CONNACK cannot have${hint}`);
  }
  if (code !== SUCCESS) {
    const text = withReasonString(
      `CONNECT refused: ${reasonText(code)}`,
      packet.properties?.reasonString,
    );
    const advice = refusalAdvice(code, authentication);
    return {
      text: advice === undefined ? text : `${text}: ${advice}`,
      isProtocolError: false,
      needsPerson: reasonDisposition(code) === 'refuse',
      lossReason: advice === undefined ? undefined : 'authentication',
    };
  }
  const fault = connackFault(packet);
  return fault === undefined ? undefined : broken(fault);
}

function broken(fault: string): ConnackRefusal {
  return {
    text: `the broker sent a CONNACK with ${fault}`,
    isProtocolError: true,
    needsPerson: false,
    lossReason: 'protocol',
  };
}

const BAD_USER_NAME_OR_PASSWORD = 0x86;
const NOT_AUTHORIZED = 0x87;
const BAD_AUTHENTICATION_METHOD = 0x8c;

/** What to look at; undefined where the reason code is about something else. */
function refusalAdvice(code: number, authentication: MqttAuthentication): string | undefined {
  if (code === BAD_AUTHENTICATION_METHOD) {
    return authentication.kind === 'kubernetes'
      ? 'the broker does not take service account tokens (K8S-SAT) at this port'
      : 'the broker asks for another kind of authentication';
  }
  if (code !== BAD_USER_NAME_OR_PASSWORD && code !== NOT_AUTHORIZED) return undefined;
  switch (authentication.kind) {
    case 'usernamePassword':
      return (
        `the username or the password in Secret ${authentication.secretName} is wrong, or the user ` +
        'may not connect with this client identifier'
      );
    case 'x509':
      return (
        `the broker does not accept whom the client certificate of Secret ${authentication.secretName} ` +
        'names'
      );
    case 'kubernetes':
      return (
        `the broker does not accept the service account token: has it the audience ` +
        `${authentication.audience}, and may its service account connect?`
      );
    case 'none':
      return 'the broker asks for a login: give localBrokerConnection.authentication';
  }
}
