import type { IConnectPacket } from 'mqtt-packet';
import { assert } from '../../base/assert.js';
import { type Clock, systemClock } from '../../base/clock.js';
import type { EndedBy } from './connection.js';
import type { Message } from './message.js';

export interface SubscribeOptions {
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: number;
  readonly subscriptionIdentifier: number | undefined;
}

/** Places to look on from; all are called in the broker's own stack and may be set at any time. */
export interface BrokerHooks {
  /** Before the CONNACK; a reason code of 0x80 or above refuses the connection. */
  onConnect?: (clientId: string, packet: IConnectPacket) => number | undefined;
  /** After the CONNACK with success. */
  onConnected?: (clientId: string, sessionPresent: boolean) => void;
  /** For each Topic Filter; what comes back replaces the reason code in the SUBACK. */
  onSubscribe?: (
    clientId: string,
    topicFilter: string,
    options: SubscribeOptions,
  ) => number | undefined;
  onUnsubscribe?: (clientId: string, topicFilter: string) => void;
  /** A PUBLISH of a client, before it is fanned out; what comes back replaces the reason code in
   * the PUBACK, and with 0x80 or above the message goes nowhere. */
  onPublish?: (clientId: string, message: Message) => number | undefined;
  /** `message` is `undefined` where the packet identifier is not in flight. */
  onPuback?: (
    clientId: string,
    packetId: number,
    reasonCode: number,
    message: Message | undefined,
  ) => void;
  /** The connection of a client is gone; `reasonCode` is that of the DISCONNECT, if there was one. */
  onDisconnected?: (clientId: string, reasonCode: number | undefined, endedBy: EndedBy) => void;
}

export interface BrokerOptions {
  /** What a client gets where several of its subscriptions match: one PUBLISH with all Subscription
   * Identifiers and the highest QoS, or a PUBLISH for each of them. */
  readonly overlap?: 'one-copy' | 'copy-each';
  /** Whether members of a shared subscription that have a session but no connection are passed over
   * while others are connected, or keep getting their share. */
  readonly offlineShare?: 'skip' | 'keep';

  // Announced in CONNACK where it differs from the protocol's default.
  readonly receiveMaximum?: number;
  readonly maximumQos?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly maximumPacketSize?: number;
  readonly topicAliasMaximum?: number;
  readonly wildcardSubscriptionAvailable?: boolean;
  readonly subscriptionIdentifiersAvailable?: boolean;
  readonly sharedSubscriptionAvailable?: boolean;
  /** Replaces every client's Keep Alive, in seconds. */
  readonly serverKeepAlive?: number;
  /** Replaces every client's Session Expiry Interval, in seconds. */
  readonly sessionExpiryInterval?: number;

  /** How many Topic Aliases the broker uses towards a client that allows them. */
  readonly outboundTopicAliasMaximum?: number;
  /** Queued messages per session; in flight are at most the client's Receive Maximum more. */
  readonly queueMessagesMax?: number;
  /** Bytes that a session holds, queued and in flight. */
  readonly queueBytesMax?: number;
  /** Whether QoS 0 messages wait for a client that is not connected. */
  readonly queueQos0?: boolean;
  readonly retainedMessagesMax?: number;
  /** Bytes that wait for one socket before messages stay in the session's queue. */
  readonly bufferedBytesMax?: number;
  /** How many received packets are kept for each client; 0 keeps none. */
  readonly recordedPacketsMax?: number;
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
  readonly hooks?: BrokerHooks;
}

type Optional = 'serverKeepAlive' | 'sessionExpiryInterval' | 'hooks';

/** Every option with its default applied; those without a default stay `undefined`. */
export type Settings = Required<Omit<BrokerOptions, Optional>> & {
  readonly serverKeepAlive: number | undefined;
  readonly sessionExpiryInterval: number | undefined;
};

export function applyDefaults(options: BrokerOptions): Settings {
  const settings: Settings = {
    overlap: options.overlap ?? 'one-copy',
    offlineShare: options.offlineShare ?? 'skip',
    receiveMaximum: options.receiveMaximum ?? 65_535,
    maximumQos: options.maximumQos ?? 1,
    retainAvailable: options.retainAvailable ?? true,
    maximumPacketSize: options.maximumPacketSize ?? 64 * 1024 * 1024,
    topicAliasMaximum: options.topicAliasMaximum ?? 0,
    wildcardSubscriptionAvailable: options.wildcardSubscriptionAvailable ?? true,
    subscriptionIdentifiersAvailable: options.subscriptionIdentifiersAvailable ?? true,
    sharedSubscriptionAvailable: options.sharedSubscriptionAvailable ?? true,
    serverKeepAlive: options.serverKeepAlive,
    sessionExpiryInterval: options.sessionExpiryInterval,
    outboundTopicAliasMaximum: options.outboundTopicAliasMaximum ?? 0,
    queueMessagesMax: options.queueMessagesMax ?? 100_000,
    queueBytesMax: options.queueBytesMax ?? 256 * 1024 * 1024,
    queueQos0: options.queueQos0 ?? false,
    retainedMessagesMax: options.retainedMessagesMax ?? 10_000,
    bufferedBytesMax: options.bufferedBytesMax ?? 1024 * 1024,
    recordedPacketsMax: options.recordedPacketsMax ?? 0,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    clock: options.clock ?? systemClock,
  };
  assert(settings.receiveMaximum >= 1, 'Receive Maximum 0 is a Protocol Error');
  assert(settings.receiveMaximum <= 65_535, 'Receive Maximum is a Two Byte Integer');
  assert(settings.maximumPacketSize >= 1, 'Maximum Packet Size 0 is a Protocol Error');
  return settings;
}
