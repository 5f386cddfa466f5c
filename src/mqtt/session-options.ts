/* What a session is made with, and what it tells. */
import type { Clock } from '../base/clock.js';
import type { MqttConnection } from '../config/model.js';
import type { ConnectionLossReason } from '../metrics/reasons.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import type { Sealed } from '../secrets/sealed.js';
import type { Publishing, ServerLimits } from './connack.js';
import type { Dial } from './dial/transport.js';
import type { OversizeSink } from './receive/oversize.js';
import type { Publish } from './receive/publish.js';
import type { PublishFault } from './receive/publish-check.js';
import type { TopicCache } from './receive/topic-cache.js';
import type { OutgoingPublish } from './send/outgoing-publish.js';
import type { Session } from './session.js';
import type { Subscription } from './subscriptions.js';

export type SessionState =
  | { readonly kind: 'idle' | 'dialling' | 'connecting' | 'subscribing' | 'active' }
  | {
      readonly kind: 'waiting';
      readonly reason: string;
      readonly refused: boolean;
      /** What sort of reason, where that is known by more than its words. */
      readonly lossReason: ConnectionLossReason | undefined;
    }
  | { readonly kind: 'stopped'; readonly reason: string };

/** The upward calls of a session: flow/ and engine/ answer them. */
export interface SessionEvents {
  onBatchStart(): void;
  /** Everything that one read brought has been offered. */
  onBatchEnd(): void;
  /** Takes a PUBLISH whose `topic` is resolved; opens its delivery. False: no credit now. */
  onPublish(session: Session, publish: Publish): boolean;
  /** Takes the payload of a PUBLISH that is over the limit; undefined: no credit now. */
  onOversize(session: Session, publish: Publish): OversizeSink | undefined;
  /** A redelivered PUBLISH was joined to its open delivery; a payload in the slab is dropped. */
  onJoined(session: Session, publish: Publish): void;
  /** A PUBACK for what was sent with `outbound.publish`. */
  onPuback(session: Session, delivery: number, reasonCode: number): void;
  /** `outbound` may have room again; once a batch. */
  onWritable(session: Session): void;
  /** Fills `publish` with what was sent for `delivery`; false: it is nobody's any more. */
  onResend(session: Session, delivery: number, publish: OutgoingPublish): boolean;
  onState(session: Session, state: SessionState): void;
  onLimits(session: Session, limits: ServerLimits): void;
  /** The broker refuses a subscription, which is tried again; undefined: it grants it after all. */
  onRefused(session: Session, subscription: Subscription, reason: string | undefined): void;
  /** Every filter to be given up is, or the broker says that it never had it. */
  onUnsubscribed(session: Session): void;
  /**
   * A PUBLISH that cannot be read, met for the third time; resolves once it is kept. Undefined: no
   * room for it now.
   */
  onUnreadable(
    session: Session,
    packet: Uint8Array,
    fault: PublishFault,
  ): Promise<void> | undefined;
  onWarning(session: Session, text: string): void;
  reservePayload(bytes: number): number;
  releasePayload(slabOffset: number): void;
}

export interface SessionOptions {
  readonly index: number;
  readonly clientId: string;
  readonly host: string;
  readonly port: number;
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
  /** Undefined: none is announced. */
  readonly maximumPacketSize: number | undefined;
  readonly payloadBytesMax: number;
  readonly topicAliasMaximum: number;
  readonly connectTimeoutMs: number;
  readonly writeTimeoutMs: number;
  /** None: the session only publishes. */
  readonly subscriptions: readonly Subscription[];
  readonly publishing: readonly Publishing[];
  /** Filters of an earlier configuration that the broker may still have. */
  readonly staleFilters: readonly string[];
  readonly topics: TopicCache;
  readonly slab: Uint8Array;
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: Dial;
  /** How the connection is secured, for messages. */
  readonly security: Pick<MqttConnection, 'tls' | 'authentication'>;
  /** Asked at every CONNECT: new values are used from then on. */
  readonly credentials: () => Sealed<MqttCredentials>;
  readonly events: SessionEvents;
}
