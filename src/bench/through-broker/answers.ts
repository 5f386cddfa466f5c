/* What a broker's answers to CONNECT and SUBSCRIBE mean for a bench, in words. Pure. */
import type { IConnackPacket, IDisconnectPacket, ISubackPacket } from 'mqtt-packet';
import { RECEIVE_MAXIMUM_DEFAULT } from '../load/connection.js';

/** What a broker allows, with MQTT 5's defaults where it said nothing. */
export interface BrokerLimits {
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly maximumQos: number;
  readonly wildcards: boolean;
  /** Undefined: the broker needs no sign of life. */
  readonly keepAliveSeconds: number | undefined;
}

/** Those that a bench is likely to meet, MQTT 5 section 2.4. */
const REASONS: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  128: 'unspecified error',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'implementation specific error',
  132: 'unsupported protocol version',
  133: 'client identifier not valid',
  134: 'bad user name or password',
  135: 'not authorized',
  136: 'server unavailable',
  137: 'server busy',
  138: 'banned',
  139: 'server shutting down',
  141: 'keep alive timeout',
  142: 'session taken over',
  143: 'topic filter invalid',
  144: 'topic name invalid',
  147: 'receive maximum exceeded',
  149: 'packet too large',
  150: 'message rate too high',
  151: 'quota exceeded',
  152: 'administrative action',
  156: 'use another server',
  157: 'server moved',
  159: 'connection rate exceeded',
  162: 'wildcard subscriptions not supported',
};
/** Below are those of MQTT 3 for CONNACK. */
const REFUSED = 0x80;

function reasonText(code: number): string {
  const hex = `0x${code.toString(16).padStart(2, '0')}`;
  const name = REASONS[code];
  return name === undefined ? hex : `${name} (${hex})`;
}

/** `refuses the connection: not authorized (0x87), "its own words"`, to follow the broker's name. */
export function refusalOf(what: string, packet: IConnackPacket | IDisconnectPacket): string {
  const mqtt3Code = packet.cmd === 'connack' ? packet.returnCode : undefined;
  const code = packet.reasonCode ?? mqtt3Code ?? 0;
  const words = packet.properties?.reasonString;
  const own = words === undefined ? '' : `, ${JSON.stringify(words.slice(0, 200))}`;
  const isOld = packet.cmd === 'connack' && code < REFUSED;
  return `${what}: ${reasonText(code)}${own}${isOld ? '; does it speak MQTT v5?' : ''}`;
}

export function limitsOf({ properties = {} }: IConnackPacket): BrokerLimits {
  return {
    receiveMaximum: properties.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT,
    maximumPacketSize: properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    maximumQos: properties.maximumQoS ?? 2,
    wildcards: properties.wildcardSubscriptionAvailable !== false,
    keepAliveSeconds: properties.serverKeepAlive || undefined,
  };
}

/** What a SUBACK refuses, to stand between the broker's name and the filter; undefined: nothing. */
export function refusalOfSubscription(
  granted: ISubackPacket['granted'],
  qos: number,
): string | undefined {
  const code = Number(granted[0] ?? REFUSED);
  if (code >= REFUSED) return `answers with ${reasonText(code)} when the bench subscribes to`;
  if (code < qos) return `grants QoS ${code} instead of ${qos} for`;
  return undefined;
}

export interface Needs {
  readonly qos: number;
  /** Of the longest PUBLISH. */
  readonly packetBytes: number;
}

/** What of these limits keeps a bench from running, to follow the broker's name; undefined: nothing. */
export function lackOf(limits: BrokerLimits, { qos, packetBytes }: Needs): string | undefined {
  if (limits.maximumQos < qos) {
    return `has a Maximum QoS of ${limits.maximumQos}: use --qos ${limits.maximumQos}`;
  }
  if (limits.maximumPacketSize < packetBytes) {
    return `has a Maximum Packet Size of ${limits.maximumPacketSize}, the load one of ${packetBytes} bytes`;
  }
  if (!limits.wildcards) {
    return 'has no wildcard subscriptions, which the bench and its connector need';
  }
  return undefined;
}
