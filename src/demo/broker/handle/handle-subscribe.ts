import type { ISubscribePacket, ISubscription } from 'mqtt-packet';
import type { BrokerState } from '../broker-state.js';
import type { Connection } from '../connection.js';
import { retainedDelivery } from '../fan-out.js';
import type { SubscribeOptions } from '../options.js';
import type { Session } from '../session/session.js';
import type { Subscription } from '../topic/subscription-index.js';
import { parseTopicFilter, type TopicFilter } from '../topic/topic-filter.js';
import { PropertyId } from '../wire/publish-properties.js';
import { ReasonCode } from '../wire/reason-code.js';
import {
  variableByteIntegerBytes,
  variableByteIntegerMax,
  writeVariableByteInteger,
} from '../wire/variable-byte-integer.js';

interface Added {
  readonly subscription: Subscription;
  readonly isNew: boolean;
}

/** SUBSCRIBE: a reason code for each Topic Filter, the SUBACK, then what is retained. */
export function handleSubscribe(
  state: BrokerState,
  connection: Connection,
  packet: ISubscribePacket,
): void {
  const { session } = connection;
  const identifier: unknown = packet.properties?.subscriptionIdentifier;
  const messageId = packet.messageId ?? 0;
  const wrong = packet.subscriptions.length === 0 || messageId <= 0;
  if (session === undefined || wrong || !isIdentifier(identifier)) {
    connection.fail(ReasonCode.protocolError);
    return;
  }
  // No Local on a shared subscription is a Protocol Error [MQTT-3.8.3-4].
  if (packet.subscriptions.some(({ topic, nl }) => nl && topic?.startsWith('$share/'))) {
    connection.fail(ReasonCode.protocolError);
    return;
  }
  const granted: number[] = [];
  const added: Added[] = [];
  for (const requested of packet.subscriptions) {
    const outcome = subscribe(state, session, requested, identifier);
    granted.push(typeof outcome === 'number' ? outcome : outcome.subscription.qos);
    if (typeof outcome !== 'number') added.push(outcome);
  }
  connection.send({ cmd: 'suback', messageId, granted });
  for (const each of added) sendRetained(state, session, each);
}

function isIdentifier(value: unknown): value is number | undefined {
  if (value === undefined) return true;
  return typeof value === 'number' && value >= 1 && value <= variableByteIntegerMax;
}

function subscribe(
  state: BrokerState,
  session: Session,
  requested: ISubscription,
  identifier: number | undefined,
): Added | number {
  const filter = parseTopicFilter(requested.topic);
  if (filter === undefined) return ReasonCode.topicFilterInvalid;
  const refusal = checkCapabilities(state, filter, identifier);
  if (refusal !== ReasonCode.success) return refusal;
  const options: SubscribeOptions = {
    qos: requested.qos === 0 ? 0 : state.settings.maximumQos,
    noLocal: requested.nl ?? false,
    retainAsPublished: requested.rap ?? false,
    retainHandling: requested.rh ?? 0,
    subscriptionIdentifier: identifier,
  };
  const override = state.hooks.onSubscribe?.(session.clientId, requested.topic, options);
  if (override !== undefined && override >= 0x80) return override;
  const qos = override === undefined ? options.qos : override === 0 ? 0 : 1;
  const subscription: Subscription = {
    session,
    text: requested.topic,
    filter,
    qos,
    noLocal: options.noLocal,
    retainAsPublished: options.retainAsPublished,
    retainHandling: options.retainHandling,
    encodedIdentifier: encodeIdentifier(identifier),
  };
  const isNew = !session.subscriptions.has(requested.topic);
  session.subscriptions.set(requested.topic, subscription);
  state.index.add(subscription); // Replaces the old one, if there was one [MQTT-3.8.4-3].
  return { subscription, isNew };
}

function checkCapabilities(
  { settings }: BrokerState,
  filter: TopicFilter,
  identifier: number | undefined,
): number {
  if (filter.shareName !== undefined && !settings.sharedSubscriptionAvailable)
    return ReasonCode.sharedSubscriptionsNotSupported;
  if (filter.hasWildcard && !settings.wildcardSubscriptionAvailable)
    return ReasonCode.wildcardSubscriptionsNotSupported;
  if (identifier !== undefined && !settings.subscriptionIdentifiersAvailable)
    return ReasonCode.subscriptionIdentifiersNotSupported;
  return ReasonCode.success;
}

/** Retain Handling: 0 always, 1 for a new subscription only, 2 never; nothing for a shared one. */
function sendRetained(state: BrokerState, session: Session, { subscription, isNew }: Added): void {
  const { filter, retainHandling } = subscription;
  const wanted = retainHandling === 0 || (retainHandling === 1 && isNew);
  if (filter.shareName !== undefined || !wanted) return;
  for (const message of state.retained.matching(filter, state.settings.clock))
    session.offer(retainedDelivery(subscription, message));
}

function encodeIdentifier(identifier: number | undefined): Buffer {
  if (identifier === undefined) return Buffer.alloc(0);
  const encoded = Buffer.alloc(1 + variableByteIntegerBytes(identifier));
  encoded[0] = PropertyId.subscriptionIdentifier;
  writeVariableByteInteger(encoded, 1, identifier);
  return encoded;
}
