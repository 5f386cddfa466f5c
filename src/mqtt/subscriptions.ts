/* The subscriptions of one session: which filters, under which Subscription Identifiers, and how they
 * are asked for and given up.
 *
 * An identifier is derived from its filter, so that messages which the broker queued while we were
 * away, perhaps under another configuration, never arrive under an identifier that means something
 * else by now.
 */
import type { ISubscribePacket, IUnsubscribePacket } from 'mqtt-packet';
import { assert } from '../base/assert.js';
import { controlPacketBytes } from './control-packet.js';
import { VARINT_MAX } from './wire.js';

export interface Subscription {
  /** As it goes into SUBSCRIBE, `$share/<group>/` included. */
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly id: number;
}

/** Identifiers for `filters`, which must be distinct; the same for the same filters in any order. */
export function subscriptionIds(filters: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  const ids = new Map<string, number>();
  for (const filter of [...filters].sort()) {
    assert(!ids.has(filter), `filter ${filter} twice in one session`);
    let id = fnv1a(filter);
    while (id === 0 || taken.has(id)) id = (id + 1) % VARINT_MAX;
    taken.add(id);
    ids.set(filter, id);
  }
  return ids;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % VARINT_MAX;
}

/** SUBSCRIBE for one filter: an identifier belongs to a whole packet [section 3.8.2.1.2]. */
export function subscribePacket(
  subscription: Subscription,
  messageId: number,
  withIdentifier: boolean,
): ISubscribePacket {
  return {
    cmd: 'subscribe',
    messageId,
    ...(withIdentifier && { properties: { subscriptionIdentifier: subscription.id } }),
    subscriptions: [
      {
        topic: subscription.filter,
        qos: subscription.qos,
        // Without it RETAIN is always 0; with 1, what is retained comes once, not at each SUBSCRIBE.
        rap: true,
        rh: 1,
        nl: false,
      },
    ],
  };
}

/** How long the SUBSCRIBE for a subscription is. */
export function subscribeBytes(subscription: Subscription, withIdentifier: boolean): number {
  return controlPacketBytes(subscribePacket(subscription, 1, withIdentifier)).length;
}

export function unsubscribePacket(
  filters: readonly string[],
  messageId: number,
): IUnsubscribePacket {
  return { cmd: 'unsubscribe', messageId, unsubscriptions: [...filters] };
}
