/* What the limits in a CONNACK mean for the routes of a connector. Pure. */
import type { Connector } from '../config/model.js';
import type { Publishing, ServerLimits } from '../mqtt/connack.js';
import { type Subscription, subscriptionIds } from '../mqtt/subscriptions.js';

/** What the routes of a connector need of the MQTT broker. */
export interface MqttNeeds {
  /** As they go into SUBSCRIBE. */
  readonly subscriptions: readonly Subscription[];
  readonly publishing: readonly Publishing[];
}

export function mqttNeeds({ topicMaps }: Connector): MqttNeeds {
  const routes = topicMaps.flatMap((map) => map.routes);
  const qosByFilter = new Map<string, 0 | 1>();
  for (const route of routes) {
    if (route.kind !== 'mqttToKafka') continue;
    const shared = route.sharedSubscription;
    const filter =
      shared === undefined ? route.topicFilter : `$share/${shared.groupName}/${route.topicFilter}`;
    qosByFilter.set(filter, route.qos === 1 ? 1 : (qosByFilter.get(filter) ?? 0));
  }
  const ids = subscriptionIds([...qosByFilter.keys()]);
  return {
    subscriptions: [...qosByFilter].map(([filter, qos]) => ({
      filter,
      qos,
      id: ids.get(filter) as number,
    })),
    publishing: routes
      .filter((route) => route.kind === 'kafkaToMqtt')
      .map(({ name, qos }) => ({ route: name, qos })),
  };
}

/** The limits as one line, those left out that say nothing. */
export function limitsText(limits: ServerLimits, { mqtt }: Connector): string {
  const { receiveMaximum, maximumPacketSize, keepAliveSeconds, sessionExpirySeconds } = limits;
  const expiry = sessionExpirySeconds ?? mqtt.sessionExpirySeconds;
  return [
    `Receive Maximum ${receiveMaximum}`,
    `Maximum Packet Size ${maximumPacketSize ?? 'unlimited'}`,
    `Maximum QoS ${limits.maximumQos}`,
    `Topic Alias Maximum ${limits.topicAliasMaximum}`,
    `Session Expiry Interval ${expiry} s`,
    keepAliveSeconds === undefined
      ? `Keep Alive ${mqtt.keepAliveSeconds} s`
      : `Keep Alive ${keepAliveSeconds} s, as the broker wants it`,
  ].join(', ');
}

/**
 * With fewer PUBLISHes under way than this, a round trip of 10 ms alone holds a route from Kafka below
 * 10,000 messages a second.
 */
const RECEIVE_MAXIMUM_AMPLE = 100;
const ROUND_TRIP_MS = 10;
/** Fixed header, topic name, packet identifier and a few properties. */
const PUBLISH_OVERHEAD_BYTES = 1_024;
/** A broker that is restarted is away for so long. */
const SESSION_EXPIRY_SECONDS_AMPLE = 300;

/** What will work and not as well as it was meant. */
export function limitWarnings(limits: ServerLimits, connector: Connector): string[] {
  const { publishing, subscriptions } = mqttNeeds(connector);
  const warnings: string[] = [];
  const { receiveMaximum, maximumPacketSize } = limits;
  if (publishing.some(({ qos }) => qos === 1) && receiveMaximum < RECEIVE_MAXIMUM_AMPLE) {
    warnings.push(
      `the broker takes ${receiveMaximum} messages of QoS 1 at a time (Receive Maximum), which throttles ` +
        `routes from Kafka: at a round trip of ${ROUND_TRIP_MS} ms to ` +
        `${(receiveMaximum * 1000) / ROUND_TRIP_MS} messages a second for each session; raise it at the ` +
        'broker (of mosquitto: max_inflight_messages)',
    );
  }
  const payloadBytesMax = (maximumPacketSize ?? Number.POSITIVE_INFINITY) - PUBLISH_OVERHEAD_BYTES;
  if (publishing.length > 0 && payloadBytesMax < connector.maxPayloadBytes) {
    warnings.push(
      `the broker's Maximum Packet Size is ${maximumPacketSize}, and maxPayloadBytes is ` +
        `${connector.maxPayloadBytes}: larger records from Kafka become dead letters; raise the one or ` +
        'lower the other',
    );
  }
  if (subscriptions.length === 0) return warnings;
  if (!limits.subscriptionIdentifiers) {
    warnings.push(
      'the broker has no Subscription Identifiers: routes are found by topic filters, and a message that ' +
        'comes by two subscriptions of one session goes to the routes of both each time',
    );
  }
  return [...warnings, ...expiryWarnings(limits, connector)];
}

function expiryWarnings({ sessionExpirySeconds }: ServerLimits, { mqtt }: Connector): string[] {
  const asked = mqtt.sessionExpirySeconds;
  if (sessionExpirySeconds === undefined || sessionExpirySeconds >= asked) return [];
  const isShort = sessionExpirySeconds < SESSION_EXPIRY_SECONDS_AMPLE;
  return [
    `the broker keeps a session for ${sessionExpirySeconds} s after a disconnection, not the ${asked} s of ` +
      `sessionExpirySeconds: what it stores is lost after that${isShort ? ', and a restart may take longer' : ''}; ` +
      'raise it at the broker, or lower sessionExpirySeconds',
  ];
}
