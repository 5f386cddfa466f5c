/* Sessions: the MQTT sessions of one connector: which there are, what they were across restarts, and what
 * becomes of what they tell. Main thread.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { shortText } from '../base/short-text.js';
import {
  PACKET_OVERHEAD_BYTES,
  TOPIC_ALIAS_MAXIMUM,
  TOPICS_CACHED,
  TOPICS_CACHED_BYTES_MAX,
} from '../config/limits.js';
import type { Connector } from '../config/model.js';
import type { KafkaToMqtt } from '../flow/kafka-to-mqtt.js';
import type { MqttToKafka } from '../flow/mqtt-to-kafka.js';
import type { RouteTable } from '../flow/to-kafka/route-table.js';
import type { CompiledRoute } from '../flow/to-kafka/routes.js';
import type { CompiledRecordRoute } from '../flow/to-mqtt/record-routes.js';
import type { ConnectorEvents } from '../metrics/events.js';
import { dialler } from '../mqtt/dial/dialler.js';
import type { PublishFault } from '../mqtt/receive/publish-check.js';
import { TopicCache } from '../mqtt/receive/topic-cache.js';
import { Session } from '../mqtt/session.js';
import type { SessionEvents, SessionState } from '../mqtt/session-options.js';
import type { Subscription } from '../mqtt/subscriptions.js';
import type { SessionSlab } from '../ring/session-slab.js';
import { filtersOverlap } from '../route/topic-filter.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import type { Sealed } from '../secrets/sealed.js';
import type { BridgeHealth } from './bridge-health.js';
import { connectionLossReason } from './loss-reason.js';
import { Retirement } from './retirement.js';
import { type PlannedSession, planRetired, planSessions } from './session-plan.js';
import type { SessionStore } from './session-store.js';

/** The one reason for which a session stops that is nothing to warn of. */
const SHUTTING_DOWN = 'shutting down';
const CONNECT_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;

export interface SessionsOptions {
  readonly connector: Connector;
  /** Those of now, by index of session; asked at every dial. */
  readonly mqttCredentialsOf: (session: number) => Sealed<MqttCredentials>;
  readonly onState: (session: number, state: SessionState) => void;
  readonly planned: readonly PlannedSession[];
  readonly store: SessionStore;
  readonly table: RouteTable;
  readonly slab: SessionSlab;
  readonly health: BridgeHealth;
  readonly events: ConnectorEvents;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  /** Asked when a message comes: the flow needs the sessions as they need the flow. */
  readonly flow: () => MqttToKafka;
  readonly recordFlow: () => KafkaToMqtt;
  /** Keeps a PUBLISH that nobody can read; resolves once it is on the disk. */
  readonly onUnreadable: (packet: Uint8Array, fault: PublishFault) => Promise<void> | undefined;
}

export class Sessions {
  readonly #options: SessionsOptions;
  /** One for all: what a route makes of a topic is the same for each of them. */
  readonly #topics: TopicCache;
  readonly #all: Session[] = [];

  constructor(options: SessionsOptions) {
    this.#options = options;
    const seed = Math.floor(options.random() * 2 ** 32);
    this.#topics = new TopicCache(TOPICS_CACHED, TOPICS_CACHED_BYTES_MAX, seed);
  }

  /** By index; empty before `open`. */
  get all(): readonly Session[] {
    return this.#all;
  }

  /** PUBLISHes of ours that are not acknowledged. */
  get publishesInFlight(): number {
    return this.#all.reduce((sum, { outbound }) => sum + outbound.inFlight, 0);
  }

  /** The session that publishes what a route reads from Kafka. */
  publisherOf(route: CompiledRecordRoute): Session {
    const { planned } = this.#options;
    const index = planned.findIndex(({ recordRoutes }) => recordRoutes.includes(route));
    return this.#all[index] as Session;
  }

  /** Writes down what is to be subscribed to; nothing is dialled yet. */
  async open(): Promise<void> {
    for (const [index, planned] of this.#options.planned.entries()) {
      this.#all.push(await this.#open(index, planned));
    }
  }

  start(): void {
    for (const session of this.#all) session.start();
  }

  stopReading(): void {
    for (const session of this.#all) session.stopReading();
  }

  /** Disconnects normally; the broker keeps the sessions. */
  stop(): void {
    for (const session of this.#all) session.stop(SHUTTING_DOWN);
  }

  async #open(index: number, planned: PlannedSession): Promise<Session> {
    const { connector, clock, random, mqttCredentialsOf } = this.#options;
    const credentials = () => mqttCredentialsOf(index);
    const { mqtt, maxPayloadBytes } = connector;
    const { clientId, subscriptions } = planned;
    const filters = subscriptions.map(({ filter }) => filter);
    const stale = this.#options.store
      .filters(clientId)
      .filter((filter) => !filters.includes(filter));
    await this.#options.store.set(clientId, [...filters, ...stale]);
    this.#options.health.sessionConnecting(clientId, 'not dialled yet');
    const refuses = connector.oversize === 'refuse';
    return new Session({
      index,
      clientId,
      host: mqtt.host,
      port: mqtt.port,
      keepAliveSeconds: mqtt.keepAliveSeconds,
      sessionExpirySeconds: mqtt.sessionExpirySeconds,
      receiveMaximum: mqtt.receiveMaximum,
      maximumPacketSize: refuses ? maxPayloadBytes + PACKET_OVERHEAD_BYTES : undefined,
      payloadBytesMax: refuses ? Number.POSITIVE_INFINITY : maxPayloadBytes,
      topicAliasMaximum: TOPIC_ALIAS_MAXIMUM,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      subscriptions,
      publishing: planned.recordRoutes.map(({ name, route }) => ({
        route: `route ${name}`,
        qos: route.qos,
      })),
      staleFilters: stale,
      topics: this.#topics,
      slab: this.#options.slab.bytes,
      clock,
      random,
      dial: dialler(mqtt, credentials),
      security: mqtt,
      credentials,
      events: this.#events(index, planned, filters),
    });
  }

  #events(index: number, planned: PlannedSession, filters: readonly string[]): SessionEvents {
    const { log, clock, events } = this.#options;
    const { clientId } = planned;
    let retirement: Retirement | undefined;
    return {
      onBatchStart: () => this.#options.flow().onBatchStart(),
      onBatchEnd: () => {
        this.#options.flow().onBatchEnd();
        if (this.#all[index]?.paused === true) events.socketPaused(clientId);
        else events.socketResumed(clientId);
      },
      onPublish: (session, publish) => {
        retirement?.onPublish();
        return this.#options.flow().onPublish(session, publish);
      },
      onOversize: (session, publish) => this.#options.flow().onOversize(session, publish),
      onJoined: (_, publish) => this.#options.flow().onJoined(publish),
      onState: (session, state) => {
        if (state.kind !== 'active') retirement?.stop();
        if (state.kind === 'waiting' || state.kind === 'stopped') events.socketResumed(clientId);
        this.#onState(session, state, planned);
        this.#options.onState(index, state);
      },
      onLimits: (session, limits) => {
        this.#options.table.useFilters(session.options.index, !limits.subscriptionIdentifiers);
        if (!limits.subscriptionIdentifiers) refuseOverlaps(session, planned);
      },
      onRefused: (_, subscription, reason) => this.#onRefused(planned, subscription, reason),
      onUnsubscribed: (session) => {
        if (!planned.retired) {
          this.#writeDown(clientId, filters);
          return;
        }
        retirement = new Retirement(session, clock, () => {
          this.#options.health.sessionRetired(clientId);
          this.#writeDown(clientId, []);
        });
        retirement.onUnsubscribed();
      },
      onPuback: (_, delivery, reasonCode) =>
        this.#options.recordFlow().onPuback(delivery, reasonCode),
      onWritable: (session) => this.#options.recordFlow().onWritable(session),
      onResend: (_, delivery, publish) => this.#options.recordFlow().onResend(delivery, publish),
      onUnreadable: (_, packet, fault) => this.#options.onUnreadable(packet, fault),
      onWarning: (_, text) => log.warn({ session: clientId }, shortText(text)),
      reservePayload: (bytes) => this.#options.slab.reserve(index, bytes),
      releasePayload: (offset) => this.#options.slab.release(offset),
    };
  }

  #onRefused(
    planned: PlannedSession,
    subscription: Subscription,
    reason: string | undefined,
  ): void {
    const { events, health } = this.#options;
    const { clientId } = planned;
    const { filter: topicFilter, id } = subscription;
    if (reason === undefined) {
      events.subscriptionGranted(clientId, topicFilter);
      health.subscriptionGranted(clientId, topicFilter);
      return;
    }
    const routes = planned.routes
      .filter(({ subscriptionId }) => subscriptionId === id)
      .flatMap((sharing) => sharing.routes.map(({ name }) => name));
    events.subscriptionRefused(clientId, topicFilter, reason);
    health.subscriptionRefused({ session: clientId, topicFilter, routes, detail: reason });
  }

  /** What cannot be crossed out stays written down, and is given up again after the next start. */
  #writeDown(clientId: string, filters: readonly string[]): void {
    const { store, log } = this.#options;
    store.set(clientId, filters).catch((error: Error) => {
      log.error({ session: clientId, detail: error.message }, 'the session file cannot be written');
    });
  }

  #onState(session: Session, state: SessionState, planned: PlannedSession): void {
    const { events, log } = this.#options;
    const { clientId } = planned;
    if (state.kind === 'active') {
      events.mqttConnected(clientId, session.limits?.sessionPresent === true);
      this.#options.health.sessionConnected(clientId);
    } else if (state.kind === 'subscribing') {
      this.#options.health.sessionSubscribing(clientId);
    } else if (state.kind === 'waiting') {
      const lossReason = state.lossReason ?? connectionLossReason(state.reason);
      if (lossReason === 'newCredentials') events.mqttRenewed(clientId);
      else events.mqttLost(clientId, lossReason, state.reason);
      this.#options.health.sessionConnecting(clientId, state.reason);
    } else if (state.kind === 'stopped') {
      events.mqttClosed(clientId);
      this.#options.health.sessionStopped(clientId, state.reason);
      if (state.reason !== SHUTTING_DOWN) {
        log.warn({ session: clientId, reason: state.reason }, 'session stopped');
      }
    }
  }
}

/** The sessions of this configuration, and those of earlier ones that have not been ended yet. */
export function planAll(
  connector: Connector,
  routes: readonly CompiledRoute[],
  recordRoutes: readonly CompiledRecordRoute[],
  store: SessionStore,
): PlannedSession[] {
  const planned = planSessions(connector, routes, recordRoutes);
  const current = new Set(planned.map(({ clientId }) => clientId));
  const retired = store.clientIds
    .filter((clientId) => !current.has(clientId))
    .map((clientId) => planRetired(clientId, store.filters(clientId), routes));
  return [...planned, ...retired];
}

/** Without Subscription Identifiers, whether a copy is for one route or for both cannot be told. */
function refuseOverlaps(session: Session, planned: PlannedSession): void {
  const { routes } = planned;
  for (const [i, a] of routes.entries()) {
    for (const b of routes.slice(i + 1)) {
      if (!filtersOverlap(a.topicFilter, b.topicFilter)) continue;
      session.stop(
        `the broker has no Subscription Identifiers, and ${a.topicFilter} overlaps with ` +
          `${b.topicFilter}: set ownSession: true on one of their routes`,
      );
      return;
    }
  }
}
