/* Bridge: one connector at work: its sessions, its shards, and the flow between them. Main thread.
 *
 * Start: dead-letter store, workers, then sessions. Stop (docs/architecture.md has the order): reading
 * ends, what is in flight settles and is acknowledged, sessions disconnect, workers close.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { FromWorker } from '../channel/protocol.js';
import {
  PACKET_OVERHEAD_BYTES,
  QOS0_DELIVERIES_MAX,
  RECORD_OVERHEAD_BYTES,
  SLAB_BYTES_MIN,
  TOPICS_CACHED,
} from '../config/limits.js';
import type { Connector } from '../config/model.js';
import { deadLetterFolder } from '../dead-letter/folders.js';
import type { DeadLetter } from '../dead-letter/letter.js';
import { type DeadLetterStore, openDeadLetterStore } from '../dead-letter/store.js';
import { Ledger } from '../delivery/ledger.js';
import { DeadLetterDesk } from '../flow/dead-letter-desk.js';
import { MqttToKafka } from '../flow/mqtt-to-kafka.js';
import { RouteTable } from '../flow/route-table.js';
import { type CompiledRoute, compileRoutes, type Match } from '../flow/routes.js';
import type { ConnectorEvents } from '../metrics/events.js';
import { dial } from '../mqtt/dial.js';
import type { PublishFault } from '../mqtt/publish-check.js';
import { Session, type SessionEvents, type SessionState } from '../mqtt/session.js';
import { TopicCache } from '../mqtt/topic-cache.js';
import { PayloadSlab } from '../ring/payload-slab.js';
import { filtersOverlap } from '../route/topic-filter.js';
import { ShardPool } from '../shard/pool.js';
import type { Shard } from '../shard/shard.js';
import { Targets } from '../shard/targets.js';
import { BridgeHealth } from './bridge-health.js';
import type { ConnectorHealth } from './health.js';
import { connectionLossReason } from './loss-reason.js';
import { Retirement } from './retirement.js';
import { type PlannedSession, planRetired, planSessions } from './session-plan.js';
import { SessionStore } from './session-store.js';

/** The one reason for which a session stops that is nothing to warn of. */
const SHUTTING_DOWN = 'shutting down';
const CONNECT_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 30_000;
const TOPIC_ALIAS_MAXIMUM = 65_535;
const DEAD_LETTERS_MAX = 10_000;
const DEAD_LETTER_BYTES_MIN = 1024 * 1024 * 1024;

export interface BridgeOptions {
  readonly connector: Connector;
  readonly dataDir: string;
  readonly log: Log;
  readonly events: ConnectorEvents;
  readonly clock: Clock;
  readonly random: () => number;
}

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #routes: readonly CompiledRoute[];
  readonly #planned: readonly PlannedSession[];
  readonly #slab: PayloadSlab;
  readonly #ledger: Ledger<Match>;
  readonly #pool: ShardPool;
  readonly #table: RouteTable;
  readonly #targets: Targets;
  readonly #health: BridgeHealth;
  readonly #sessions: Session[] = [];
  readonly #store: SessionStore;
  readonly #letters: DeadLetterStore;
  readonly #desk: DeadLetterDesk;
  readonly #flow: MqttToKafka;
  #onSettled: () => void = () => {};

  /** Reads what an earlier run has left; starts nothing. Rejects with an OperatingError. */
  static async open(options: BridgeOptions): Promise<Bridge> {
    const { connector, dataDir } = options;
    const name = `${connector.name}-${connector.instanceId}`;
    const letters = await openDeadLetterStore({
      folder: deadLetterFolder(dataDir, name),
      maxBytes: Math.max(DEAD_LETTER_BYTES_MIN, 4 * connector.maxPayloadBytes),
      maxLetters: DEAD_LETTERS_MAX,
    });
    return new Bridge(options, letters, await SessionStore.open(dataDir, name));
  }

  private constructor(options: BridgeOptions, letters: DeadLetterStore, store: SessionStore) {
    const { connector, events } = options;
    this.#options = options;
    this.#letters = letters;
    this.#store = store;
    this.#routes = compileRoutes(connector, (route) => events.route(route));
    this.#planned = planAll(connector, this.#routes, store);
    this.#slab = new PayloadSlab(Math.max(SLAB_BYTES_MIN, 2 * connector.maxPayloadBytes));
    const { receiveMaximum } = connector.mqtt;
    this.#ledger = new Ledger(receiveMaximum * this.#planned.length + QOS0_DELIVERIES_MAX);
    this.#table = new RouteTable(
      this.#routes,
      this.#planned.map(({ routes }) => routes),
    );
    this.#targets = new Targets(connector.shards);
    this.#health = new BridgeHealth(connector.name);
    this.#pool = this.#openPool();
    this.#desk = this.#openDesk();
    this.#flow = this.#openFlow();
  }

  /** Starts the workers and begins to dial; neither MQTT nor Kafka has to be there. */
  async start(): Promise<void> {
    for (const [index, planned] of this.#planned.entries()) {
      this.#sessions.push(await this.#openSession(index, planned));
    }
    this.#observe();
    for (const shard of this.#pool.shards) this.#health.shardStarting(shard.index);
    this.#pool.start();
    for (const session of this.#sessions) session.start();
  }

  health(): ConnectorHealth {
    return this.#health.report(this.#routes.map(({ events }) => events.counters));
  }

  /** Deliveries that are not settled. */
  get inFlight(): number {
    return this.#ledger.openCount;
  }

  /**
   * Stops: nothing new is read, what is in flight may settle for up to `timeoutMs`, then the sessions
   * disconnect normally and the workers close. Resolves with how many deliveries were left.
   */
  async stop(timeoutMs: number): Promise<number> {
    for (const session of this.#sessions) session.stopReading();
    await this.#settled(timeoutMs);
    const left = this.#ledger.openCount;
    for (const session of this.#sessions) session.stop(SHUTTING_DOWN);
    await this.#pool.close();
    await this.#letters.close();
    return left;
  }

  /** Ends a worker as a crash would; for tests of invariant 8. */
  crashWorker(index: number): Promise<void> {
    return this.#pool.crash(index);
  }

  #settled(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(timeoutMs, resolve);
      this.#onSettled = () => {
        if (this.#ledger.openCount > 0) return;
        cancel();
        resolve();
      };
      this.#onSettled();
    });
  }

  #openPool(): ShardPool {
    const { connector, events, clock } = this.#options;
    return new ShardPool({
      shards: connector.shards,
      slab: this.#slab.memory,
      task: {
        connector: connector.name,
        clientId: clientIdBase(connector),
        kafka: connector.kafka,
        messageBytesMax: connector.maxPayloadBytes + PACKET_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES,
        logLevel: connector.logLevel,
      },
      clock,
      onSettled: (shard, deliveryId, _, settlement) =>
        this.#flow.onSettled(shard, deliveryId, settlement),
      onDrained: () => {
        this.#flow.onDrained();
        this.#onSettled();
      },
      onMessage: (shard, message) => this.#onWorkerMessage(shard, message),
      onLost: (shard, error) => {
        events.workerReplaced(shard.index, error.message);
        this.#health.shardDown(shard.index, error.message);
        this.#flow.onShardLost(shard);
      },
    });
  }

  #openDesk(): DeadLetterDesk {
    const { clock, log } = this.#options;
    return new DeadLetterDesk(
      this.#letters,
      clock,
      (letter, detail) => {
        log.error({ route: letter.route, detail }, 'a dead letter cannot be stored; it is held');
        this.#health.deadLettersHeld(detail);
      },
      () => this.#health.deadLettersHeld(''),
    );
  }

  #openFlow(): MqttToKafka {
    const { connector, events, clock } = this.#options;
    return new MqttToKafka({
      connector: connector.name,
      instanceId: connector.instanceId,
      shards: this.#pool.shards,
      targets: this.#targets,
      slab: this.#slab,
      ledger: this.#ledger,
      routes: this.#table,
      sessions: this.#sessions,
      desk: this.#desk,
      letters: this.#letters,
      payloadBytesMax: connector.maxPayloadBytes,
      events,
      clock,
    });
  }

  async #openSession(index: number, planned: PlannedSession): Promise<Session> {
    const { connector, clock, random } = this.#options;
    const { mqtt, maxPayloadBytes } = connector;
    const { clientId, subscriptions } = planned;
    const filters = subscriptions.map(({ filter }) => filter);
    const stale = this.#store.filters(clientId).filter((filter) => !filters.includes(filter));
    await this.#store.set(clientId, [...filters, ...stale]);
    this.#health.sessionConnecting(clientId, 'not dialled yet');
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
      staleFilters: stale,
      topics: new TopicCache(TOPICS_CACHED, Math.floor(random() * 2 ** 32)),
      slab: this.#slab.bytes,
      clock,
      random,
      dial,
      events: this.#sessionEvents(index, planned, filters),
    });
  }

  #sessionEvents(
    index: number,
    planned: PlannedSession,
    filters: readonly string[],
  ): SessionEvents {
    const { log, clock, events } = this.#options;
    const { clientId } = planned;
    let retirement: Retirement | undefined;
    return {
      onBatchStart: () => this.#flow.onBatchStart(),
      onBatchEnd: () => {
        this.#flow.onBatchEnd();
        if (this.#sessions[index]?.paused === true) events.socketPaused(clientId);
        else events.socketResumed(clientId);
      },
      onPublish: (session, publish) => {
        retirement?.onPublish();
        return this.#flow.onPublish(session, publish);
      },
      onOversize: (session, publish) => this.#flow.onOversize(session, publish),
      onJoined: (_, publish) => this.#flow.onJoined(publish),
      onState: (session, state) => {
        if (state.kind !== 'active') retirement?.stop();
        if (state.kind === 'waiting' || state.kind === 'stopped') events.socketResumed(clientId);
        this.#onSessionState(session, state, planned);
      },
      onLimits: (session, limits) => {
        this.#table.useFilters(session.options.index, !limits.subscriptionIdentifiers);
        if (!limits.subscriptionIdentifiers) refuseOverlaps(session, planned);
      },
      onUnsubscribed: (session) => {
        if (!planned.retired) {
          void this.#store.set(clientId, filters);
          return;
        }
        retirement = new Retirement(session, clock, () => {
          this.#health.sessionRetired(clientId);
          void this.#store.set(clientId, []);
        });
        retirement.onUnsubscribed();
      },
      onUnreadable: (_, packet, fault) => this.#keepUnreadable(packet, fault),
      onWarning: (_, text) => log.warn({ session: clientId }, text),
      reservePayload: (bytes) => this.#slab.reserve(bytes),
      releasePayload: (offset) => this.#slab.release(offset),
    };
  }

  #onSessionState(session: Session, state: SessionState, planned: PlannedSession): void {
    const { events, log } = this.#options;
    const { clientId } = planned;
    if (state.kind === 'active') {
      events.mqttConnected(clientId, session.limits?.sessionPresent === true);
      this.#health.sessionConnected(clientId);
    } else if (state.kind === 'waiting') {
      events.mqttLost(clientId, connectionLossReason(state.reason), state.reason);
      this.#health.sessionConnecting(clientId, state.reason);
    } else if (state.kind === 'stopped') {
      events.mqttClosed(clientId);
      this.#health.sessionStopped(clientId, state.reason);
      if (state.reason !== SHUTTING_DOWN) {
        log.warn({ session: clientId, reason: state.reason }, 'session stopped');
      }
    }
  }

  /** A PUBLISH that the broker sends again and again and nobody can read. */
  #keepUnreadable(packet: Uint8Array, fault: PublishFault): Promise<void> {
    const { connector, clock, events } = this.#options;
    const letter: DeadLetter = {
      timeMs: clock.wallMs(),
      connector: connector.name,
      route: undefined,
      direction: 'mqttToKafka',
      reason: { code: 'malformedPacket', message: `a PUBLISH with ${fault.text}` },
      mqtt: undefined,
      kafka: undefined,
      payload: packet,
    };
    return new Promise((resolve) => {
      this.#desk.put(letter, (id) => {
        const detail = { id, topicName: '', message: letter.reason.message };
        events.route('').deadLettered('malformedPacket', detail);
        resolve();
      });
    });
  }

  #onWorkerMessage(shard: Shard, message: FromWorker): void {
    const { events, log } = this.#options;
    if (message.kind === 'log') {
      log[message.level]({ shard: shard.index }, message.text);
    } else if (message.kind === 'kafka') {
      if (message.up) events.kafkaUp(shard.index);
      else events.kafkaDown(shard.index, 'network', message.detail);
      if (message.up) this.#health.shardUp(shard.index);
      else this.#health.shardDown(shard.index, message.detail);
    } else if (message.kind === 'ready' && !this.#opensKafkaAtStart()) {
      this.#health.shardUp(shard.index);
    }
    this.#flow.onMessage(shard, message);
  }

  /** Whether a worker connects to Kafka before the first message; where only messages give the names
   * of Kafka topics, nothing is known of Kafka until one comes. */
  #opensKafkaAtStart(): boolean {
    return this.#routes.some(({ template }) => template.constant !== undefined);
  }

  #observe(): void {
    const letters = this.#letters;
    this.#options.events.observe({
      sessions: () => this.#sessions.length,
      deliveriesInFlight: () => this.#ledger.openCount,
      deliveriesInFlightMax: () => this.#ledger.capacity,
      deadLetters: () => letters.letters,
      deadLettersMax: () => letters.maxLetters,
      deadLetterBytes: () => letters.bytes,
      deadLetterBytesMax: () => letters.maxBytes,
    });
  }
}

/** The sessions of this configuration, and those of earlier ones that have not been ended yet. */
function planAll(
  connector: Connector,
  routes: readonly CompiledRoute[],
  store: SessionStore,
): PlannedSession[] {
  const planned = planSessions(connector, routes);
  const current = new Set(planned.map(({ clientId }) => clientId));
  const retired = store.clientIds
    .filter((clientId) => !current.has(clientId))
    .map((clientId) => planRetired(clientId, store.filters(clientId), routes));
  return [...planned, ...retired];
}

/** Client identifier of librdkafka, for Kafka's logs and quotas. */
function clientIdBase(connector: Connector): string {
  return [connector.clientIdPrefix, connector.name, connector.instanceId]
    .filter((part) => part !== undefined)
    .join('-');
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
