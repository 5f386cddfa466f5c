import type { BrokerState } from './broker-state.js';
import type { Message } from './message.js';
import type { Delivery } from './session/delivery-queue.js';
import type { Session } from './session/session.js';
import type { ShareGroup, Subscription } from './topic/subscription-index.js';

export interface FanOut {
  /** Subscriptions, or shared subscriptions, that the message is for. */
  readonly matched: number;
  /** Sessions that took it, each member of a shared subscription on its own. */
  readonly queued: number;
}

/** Gives `message` to everybody whose subscription matches. */
export function fanOut(state: BrokerState, message: Message): FanOut {
  const { bySession, groups } = state.index.match(message.topic);
  let matched = 0;
  let queued = 0;
  for (const [session, all] of bySession) {
    const subscriptions = withoutLocal(session, all, message);
    if (subscriptions.length === 0) continue;
    matched += subscriptions.length;
    if (offerTo(state, session, subscriptions, message)) queued += 1;
  }
  for (const group of groups) {
    matched += 1;
    if (offerToGroup(state, group, message)) queued += 1;
  }
  return { matched, queued };
}

/** The delivery of a retained message to a new subscription. */
export function retainedDelivery(subscription: Subscription, message: Message): Delivery {
  return { ...createDelivery([subscription], message), retain: true };
}

/** No Local: not to the client that published it [MQTT-3.8.3-3]. */
function withoutLocal(
  session: Session,
  subscriptions: readonly Subscription[],
  message: Message,
): readonly Subscription[] {
  if (message.publisher !== session.clientId) return subscriptions;
  return subscriptions.filter((subscription) => !subscription.noLocal);
}

function offerTo(
  state: BrokerState,
  session: Session,
  subscriptions: readonly Subscription[],
  message: Message,
): boolean {
  if (state.settings.overlap === 'one-copy')
    return session.offer(createDelivery(subscriptions, message));
  let taken = false;
  for (const subscription of subscriptions)
    if (session.offer(createDelivery([subscription], message))) taken = true;
  return taken;
}

/** In turn over the members; a member whose queue is full is passed over [MQTT-4.8.2-4]. */
function offerToGroup(state: BrokerState, group: ShareGroup, message: Message): boolean {
  const { members } = group;
  const keep = state.settings.offlineShare === 'keep';
  const anybody = keep || !members.some((member) => member.session.connected);
  for (let tried = 0; tried < members.length; tried += 1) {
    const member = members[group.next % members.length];
    group.next = (group.next + 1) % members.length;
    if (member === undefined || !(anybody || member.session.connected)) continue;
    if (member.session.offer(createDelivery([member], message))) return true;
  }
  return false;
}

function createDelivery(subscriptions: readonly Subscription[], message: Message): Delivery {
  const first = subscriptions[0];
  let qos = first?.qos ?? 0;
  let retainAsPublished = false;
  for (const subscription of subscriptions) {
    if (subscription.qos > qos) qos = subscription.qos; // [MQTT-3.3.4-2]
    if (subscription.retainAsPublished) retainAsPublished = true;
  }
  return {
    message,
    qos: message.qos === 0 ? 0 : qos,
    retain: message.retain && retainAsPublished, // [MQTT-3.3.1-12, -13]
    subscriptionIdentifiers: identifiersOf(subscriptions),
  };
}

function identifiersOf(subscriptions: readonly Subscription[]): Buffer {
  const first = subscriptions[0];
  if (subscriptions.length === 1 && first !== undefined) return first.encodedIdentifier;
  return Buffer.concat(subscriptions.map((each) => each.encodedIdentifier));
}
