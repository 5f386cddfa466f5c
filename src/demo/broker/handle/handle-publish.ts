import type { BrokerState } from '../broker-state.js';
import type { Connection } from '../connection.js';
import { fanOut } from '../fan-out.js';
import type { Message } from '../message.js';
import { type IncomingPublish, readPublish } from '../wire/read-publish.js';
import { ReasonCode } from '../wire/reason-code.js';

/** A client publishes. `packet` is owned: the message keeps views of it. */
export function handlePublish(
  state: BrokerState,
  connection: Connection,
  packet: Buffer,
  bodyStart: number,
): void {
  const publish = readPublish(packet, bodyStart);
  if (typeof publish === 'number') {
    connection.fail(publish);
    return;
  }
  const refusal = checkCapabilities(state, connection, publish);
  if (refusal !== ReasonCode.success) {
    connection.fail(refusal);
    return;
  }
  const topicBytes = resolveTopic(state, connection, publish);
  if (typeof topicBytes === 'number') {
    connection.fail(topicBytes);
    return;
  }
  const clientId = connection.session?.clientId ?? '';
  const reasonCode = accept(state, createMessage(state, publish, topicBytes, clientId), clientId);
  if (publish.qos === 0) return;
  if (state.faults.heldPubacks.has(clientId))
    connection.heldPubacks.push({ packetId: publish.packetId, reasonCode });
  else connection.sendPuback(publish.packetId, reasonCode);
}

/** Stores and fans out a message, whoever published it; returns the reason code for its PUBACK. */
function accept(state: BrokerState, message: Message, clientId: string): number {
  const { counters } = state;
  counters.received += 1;
  const override = state.hooks.onPublish?.(clientId, message);
  if (override !== undefined && override >= 0x80) return override;
  const droppedBefore = counters.dropped.queueFull;
  const { matched, queued } = publishMessage(state, message);
  if (override !== undefined) return override;
  if (matched === 0) return ReasonCode.noMatchingSubscribers;
  const nobody = queued === 0 && counters.dropped.queueFull > droppedBefore;
  return nobody ? ReasonCode.quotaExceeded : ReasonCode.success;
}

/** Retains `message` where it asks for it, and gives it to the subscribers. */
export function publishMessage(
  state: BrokerState,
  message: Message,
): { readonly matched: number; readonly queued: number } {
  state.counters.published += 1;
  if (message.retain && !state.retained.put(message)) state.counters.dropped.retainedFull += 1;
  return fanOut(state, message);
}

function checkCapabilities(
  state: BrokerState,
  connection: Connection,
  publish: IncomingPublish,
): number {
  const { settings } = state;
  if (publish.qos > settings.maximumQos) return ReasonCode.qosNotSupported; // [MQTT-3.2.2-11]
  if (publish.retain && !settings.retainAvailable) return ReasonCode.retainNotSupported;
  if (publish.qos === 1 && connection.heldPubacks.length >= settings.receiveMaximum)
    return ReasonCode.receiveMaximumExceeded; // [MQTT-3.3.4-7]
  return ReasonCode.success;
}

/** The topic name, which a Topic Alias may stand for, or a reason code. */
function resolveTopic(
  state: BrokerState,
  connection: Connection,
  publish: IncomingPublish,
): Buffer | number {
  const { topic, topicAlias } = publish;
  if (topicAlias === undefined) return topic.length > 0 ? topic : ReasonCode.protocolError;
  const valid = topicAlias >= 1 && topicAlias <= state.settings.topicAliasMaximum;
  if (!valid) return ReasonCode.topicAliasInvalid; // [MQTT-3.3.2-8]
  if (topic.length === 0) return connection.aliases.get(topicAlias) ?? ReasonCode.protocolError;
  const kept = Buffer.from(topic);
  connection.aliases.set(topicAlias, kept);
  return kept;
}

function createMessage(
  state: BrokerState,
  publish: IncomingPublish,
  topicBytes: Buffer,
  publisher: string,
): Message {
  const { payload, properties, qos, retain, expirySeconds } = publish;
  return {
    topic: topicBytes.toString('utf8'),
    topicBytes,
    payload,
    properties,
    qos,
    retain,
    expirySeconds,
    acceptedMs: expirySeconds === undefined ? 0 : state.settings.clock.monotonicMs(),
    publisher,
  };
}
