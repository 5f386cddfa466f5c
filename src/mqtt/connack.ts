/* What a CONNACK grants, section 3.2.2.3, and what it means for the session that asked. */
import type { IConnackPacket } from 'mqtt-packet';
import type { Subscription } from './subscriptions.js';

/** The server's limits, with MQTT 5's defaults where it said nothing. */
export interface ServerLimits {
  readonly sessionPresent: boolean;
  readonly sessionExpirySeconds: number | undefined;
  readonly receiveMaximum: number;
  readonly maximumQos: number;
  readonly retainAvailable: boolean;
  readonly maximumPacketSize: number | undefined;
  readonly topicAliasMaximum: number;
  readonly assignedClientId: string | undefined;
  readonly keepAliveSeconds: number | undefined;
  readonly wildcards: boolean;
  readonly subscriptionIdentifiers: boolean;
  readonly sharedSubscriptions: boolean;
}

export function serverLimits(packet: IConnackPacket): ServerLimits {
  const properties = packet.properties ?? {};
  return {
    sessionPresent: packet.sessionPresent === true,
    sessionExpirySeconds: properties.sessionExpiryInterval,
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumQos: properties.maximumQoS ?? 2,
    retainAvailable: properties.retainAvailable !== false,
    maximumPacketSize: properties.maximumPacketSize,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    assignedClientId: properties.assignedClientIdentifier,
    keepAliveSeconds: properties.serverKeepAlive,
    wildcards: properties.wildcardSubscriptionAvailable !== false,
    subscriptionIdentifiers: properties.subscriptionIdentifiersAvailable !== false,
    sharedSubscriptions: properties.sharedSubscriptionAvailable !== false,
  };
}

/** What somebody publishes over a session. */
export interface Publishing {
  /** Who, as the operator knows it. */
  readonly route: string;
  readonly qos: 0 | 1;
}

/** What of a CONNACK no server may say, section 3.2.2.3; undefined when there is nothing. */
export function limitsFault(limits: ServerLimits): string | undefined {
  if (limits.receiveMaximum === 0) return 'a Receive Maximum of 0';
  if (limits.maximumPacketSize === 0) return 'a Maximum Packet Size of 0';
  return undefined;
}

/** Why this server does not give what the session is for; undefined when it does. */
export function missingFeature(
  limits: ServerLimits,
  subscriptions: readonly Subscription[],
  publishing: readonly Publishing[] = [],
): string | undefined {
  for (const { route, qos } of publishing) {
    if (qos > limits.maximumQos) {
      // [MQTT-3.2.2-11]
      return `the broker's Maximum QoS is ${limits.maximumQos}, and ${route} publishes with ${qos}: set qos: 0`;
    }
  }
  for (const { filter, qos } of subscriptions) {
    const quoted = JSON.stringify(filter);
    if (!limits.sharedSubscriptions && filter.startsWith('$share/')) {
      return `the broker has no shared subscriptions, which ${quoted} needs`;
    }
    if (!limits.wildcards && /[+#]/.test(filter)) {
      return `the broker has no wildcard subscriptions, which ${quoted} needs`;
    }
    if (qos > limits.maximumQos) {
      return `the broker's Maximum QoS is ${limits.maximumQos}, and ${quoted} needs ${qos}: set qos: 0`;
    }
  }
  return undefined;
}
