import type { IUnsubscribePacket } from 'mqtt-packet';
import type { BrokerState } from '../broker-state.js';
import type { Connection } from '../connection.js';
import { parseTopicFilter } from '../topic/topic-filter.js';
import { ReasonCode } from '../wire/reason-code.js';

/** UNSUBSCRIBE; messages that wait or are in flight still go out [MQTT-3.10.4-3]. */
export function handleUnsubscribe(
  state: BrokerState,
  connection: Connection,
  packet: IUnsubscribePacket,
): void {
  const { session } = connection;
  const messageId = packet.messageId ?? 0;
  if (session === undefined || packet.unsubscriptions.length === 0 || messageId <= 0) {
    connection.fail(ReasonCode.protocolError);
    return;
  }
  const granted = packet.unsubscriptions.map((text) => {
    if (parseTopicFilter(text) === undefined) return ReasonCode.topicFilterInvalid;
    const subscription = session.subscriptions.get(text);
    if (subscription === undefined) return ReasonCode.noSubscriptionExisted;
    session.subscriptions.delete(text);
    state.index.remove(subscription);
    state.hooks.onUnsubscribe?.(session.clientId, text);
    return ReasonCode.success;
  });
  connection.send({ cmd: 'unsuback', messageId, granted });
}
