/* What a CONNACK grants, section 3.2.2.3, and what it means for the session that asked. */
import type { IConnackPacket } from 'mqtt-packet';
import { type Subscription, subscribeBytes } from './subscriptions.js';

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
export function connackFault({ properties = {} }: IConnackPacket): string | undefined {
  const { receiveMaximum, maximumPacketSize, maximumQoS } = properties;
  for (const [name, value] of Object.entries(properties)) {
    // mqtt-packet makes an array of what comes again.
    if (Array.isArray(value)) return `the property ${name} more than once`;
  }
  if (receiveMaximum === 0) return 'a Receive Maximum of 0';
  if (maximumPacketSize === 0) return 'a Maximum Packet Size of 0';
  if (maximumQoS !== undefined && maximumQoS > 1) return `a Maximum QoS of ${maximumQoS}`;
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
  for (const subscription of subscriptions) {
    const { filter, qos } = subscription;
    const quoted = JSON.stringify(filter);
    if (!limits.sharedSubscriptions && filter.startsWith('$share/')) {
      return `the broker has no shared subscriptions, which ${quoted} needs`;
    }
    if (!limits.wildcards && /[+#]/.test(filter)) {
      return `the broker has no wildcard subscriptions, which ${quoted} needs`;
    }
    const bytes = subscribeBytes(subscription, limits.subscriptionIdentifiers);
    if (bytes > (limits.maximumPacketSize ?? bytes)) {
      // [MQTT-3.2.2-15]
      return `the broker's Maximum Packet Size is ${limits.maximumPacketSize}, and to subscribe to ${quoted} takes ${bytes} bytes`;
    }
    if (qos > limits.maximumQos) {
      return `the broker's Maximum QoS is ${limits.maximumQos}, and ${quoted} needs ${qos}: set qos: 0`;
    }
  }
  return undefined;
}
