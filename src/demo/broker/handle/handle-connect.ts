import type { IConnackPacket, IConnectPacket } from 'mqtt-packet';
import type { BrokerState } from '../broker-state.js';
import type { ClientLimits, Connection } from '../connection.js';
import type { Settings } from '../options.js';
import type { Session } from '../session/session.js';
import { parseControlPacket } from '../wire/control-packet.js';
import { ReasonCode } from '../wire/reason-code.js';

const connectFirstByte = 0x10;
const protocolName = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54]);
/** CONNACK of MQTT 3.1.1 with "unacceptable protocol version", which an older client can read. */
const olderRefusal = Buffer.from([0x20, 2, 0, 1]);
const protocolVersion = 5;

export function isConnect(packet: Buffer): boolean {
  return packet[0] === connectFirstByte;
}

export function handleConnect(
  state: BrokerState,
  connection: Connection,
  bytes: Buffer,
  bodyStart: number,
): void {
  if (refuseOtherVersion(connection, bytes, bodyStart)) return;
  const packet = parseControlPacket(bytes);
  if (packet?.cmd !== 'connect') {
    connection.refuse(ReasonCode.malformedPacket);
    return;
  }
  const clientId = packet.clientId === '' ? state.sessions.assignClientId() : packet.clientId;
  state.recorder.add(clientId, bytes);
  const limits = readLimits(packet, state.settings);
  if (limits === undefined) connection.refuse(ReasonCode.protocolError);
  else if (!refuseRequest(state, connection, packet, clientId))
    accept(state, connection, { packet, clientId, limits });
}

interface Request {
  readonly packet: IConnectPacket;
  readonly clientId: string;
  readonly limits: ClientLimits;
}

function accept(state: BrokerState, connection: Connection, request: Request): void {
  const { packet, clientId, limits } = request;
  const { settings, counters, hooks } = state;
  const old = state.connected.get(clientId);
  if (old !== undefined) {
    counters.sessionsTakenOver += 1;
    old.disconnect(ReasonCode.sessionTakenOver); // [MQTT-3.1.4-3]
  }
  const { session, present } = state.sessions.open(clientId, packet.clean === true);
  const asked = packet.properties?.sessionExpiryInterval ?? 0;
  session.expirySeconds = settings.sessionExpiryInterval ?? asked;
  connection.open(session, limits);
  state.connected.set(clientId, connection);
  counters.connections += 1;
  if (present) counters.sessionsResumed += 1;
  connection.send(createConnack(settings, session, packet, present));
  if (state.faults.pausedReading.has(clientId)) connection.pause('fault');
  session.attach(connection);
  hooks.onConnected?.(clientId, present);
}

/** True where the version is not 5: the connection is over. */
function refuseOtherVersion(connection: Connection, bytes: Buffer, bodyStart: number): boolean {
  const nameEnd = bodyStart + protocolName.length;
  const named = bytes.subarray(bodyStart, nameEnd).equals(protocolName);
  const version = bytes[nameEnd];
  if (named && version === protocolVersion) return false;
  if (named && version !== undefined && version > protocolVersion) {
    connection.refuse(ReasonCode.unsupportedProtocolVersion); // [MQTT-3.1.2-2]
    return true;
  }
  connection.sendBytes(olderRefusal);
  connection.end();
  return true;
}

function refuseRequest(
  state: BrokerState,
  connection: Connection,
  packet: IConnectPacket,
  clientId: string,
): boolean {
  let reasonCode: number | undefined = state.faults.refusal;
  let reasonString: string | undefined;
  if (packet.properties?.authenticationMethod !== undefined)
    reasonCode ??= ReasonCode.badAuthenticationMethod;
  if (packet.will !== undefined && reasonCode === undefined) {
    reasonCode = ReasonCode.implementationSpecificError;
    reasonString = 'Will Messages are not supported';
  }
  reasonCode ??= state.hooks.onConnect?.(clientId, packet);
  if (reasonCode === undefined || reasonCode < 0x80) return false;
  state.counters.connectionsRefused += 1;
  connection.refuse(reasonCode, reasonString);
  return true;
}

/** `undefined` for values that are a Protocol Error. */
function readLimits(packet: IConnectPacket, settings: Settings): ClientLimits | undefined {
  const { properties } = packet;
  const receiveMaximum = properties?.receiveMaximum ?? 65_535;
  const maximumPacketSize = properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
  const topicAliasMaximum = properties?.topicAliasMaximum ?? 0;
  const expiry = properties?.sessionExpiryInterval ?? 0;
  // mqtt-packet makes an array of a property that is repeated.
  const numbers = [receiveMaximum, maximumPacketSize, topicAliasMaximum, expiry];
  if (numbers.some((value) => typeof value !== 'number')) return undefined;
  if (receiveMaximum === 0 || maximumPacketSize === 0) return undefined;
  const keepAliveSeconds = settings.serverKeepAlive ?? packet.keepalive ?? 0;
  return { receiveMaximum, maximumPacketSize, topicAliasMaximum, keepAliveSeconds };
}

type ConnackProperties = NonNullable<IConnackPacket['properties']>;

function createConnack(
  settings: Settings,
  session: Session,
  packet: IConnectPacket,
  sessionPresent: boolean,
): IConnackPacket {
  const properties: ConnackProperties = { maximumPacketSize: settings.maximumPacketSize };
  properties.maximumQoS = settings.maximumQos;
  if (settings.receiveMaximum !== 65_535) properties.receiveMaximum = settings.receiveMaximum;
  if (settings.topicAliasMaximum !== 0) properties.topicAliasMaximum = settings.topicAliasMaximum;
  if (!settings.retainAvailable) properties.retainAvailable = false;
  if (!settings.wildcardSubscriptionAvailable) properties.wildcardSubscriptionAvailable = false;
  if (!settings.sharedSubscriptionAvailable) properties.sharedSubscriptionAvailable = false;
  if (!settings.subscriptionIdentifiersAvailable)
    properties.subscriptionIdentifiersAvailable = false;
  if (settings.serverKeepAlive !== undefined) properties.serverKeepAlive = settings.serverKeepAlive;
  const asked = packet.properties?.sessionExpiryInterval ?? 0;
  if (session.expirySeconds !== asked) properties.sessionExpiryInterval = session.expirySeconds;
  if (packet.clientId === '') properties.assignedClientIdentifier = session.clientId;
  return { cmd: 'connack', sessionPresent, reasonCode: ReasonCode.success, properties };
}
