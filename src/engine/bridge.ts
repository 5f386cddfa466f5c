/* Bridge: one connector at work: its sessions, its shards, and the flow between them. Main thread.
 *
 * Start: dead-letter store, workers, then sessions. Stop (docs/architecture.md has the order): reading
 * ends, what is in flight settles and is acknowledged, sessions disconnect, workers close.
 */
import type { Clock } from '../base/clock.js';
import type { OperatingError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { FromWorker } from '../channel/protocol.js';
import {
  PACKET_OVERHEAD_BYTES,
  QOS0_DELIVERIES_MAX,
  RECORD_OVERHEAD_BYTES,
  SLAB_BYTES_MAX,
  SLAB_BYTES_MIN,
} from '../config/limits.js';
import type { Connector } from '../config/model.js';
import { deadLetterFolder } from '../dead-letter/folders.js';
import type { DeadLetterStore } from '../dead-letter/store.js';
import { Ledger } from '../delivery/ledger.js';
import type { DeadLetterDesk } from '../flow/dead-letter-desk.js';
import { KafkaToMqtt } from '../flow/kafka-to-mqtt.js';
import { MqttToKafka } from '../flow/mqtt-to-kafka.js';
import { RouteTable } from '../flow/to-kafka/route-table.js';
import { type CompiledRoute, compileRoutes, type Match } from '../flow/to-kafka/routes.js';
import { type CompiledRecordRoute, compileRecordRoutes } from '../flow/to-mqtt/record-routes.js';
import type { TokenSource } from '../identity/issued-token.js';
import type { ConnectorEvents } from '../metrics/events.js';
import type { Session } from '../mqtt/session.js';
import { PayloadSlab } from '../ring/payload-slab.js';
import { SessionSlab } from '../ring/session-slab.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import type { Sealed } from '../secrets/sealed.js';
import type { SecretSource } from '../secrets/secret-source.js';
import { ShardPool, type ShardPoolOptions } from '../shard/pool.js';
import type { SourceSettings } from '../shard/record-source.js';
import type { Shard } from '../shard/shard.js';
import { Targets } from '../shard/targets.js';
import { BridgeHealth } from './bridge-health.js';
import { keepUnreadable, openDesk, openLetters } from './dead-letters.js';
import type { ConnectorHealth } from './health.js';
import { PubackWatch } from './puback-watch.js';
import { Rotation } from './rotation/rotation.js';
import { clientIdBase, type PlannedSession, slabRegions } from './session-plan.js';
import { SessionStore } from './session-store.js';
import { planAll, Sessions } from './sessions.js';
import { Settling } from './settling.js';

export interface BridgeOptions {
  readonly connector: Connector;
  readonly kafkaCredentials: Sealed<KafkaCredentials>;
  /** Of its access tokens; undefined: it authenticates in another way. */
  readonly tokenSource: TokenSource | undefined;
  readonly mqttCredentials: Sealed<MqttCredentials>;
  /** Where both are read anew. */
  readonly secrets: SecretSource;
  readonly dataDir: string;
  readonly log: Log;
  readonly events: ConnectorEvents;
  readonly clock: Clock;
  readonly random: () => number;
  /** A shard will have no other worker. */
  readonly onHopeless: (error: OperatingError) => void;
  /** How workers are watched, for tests; left out: as in production. */
  readonly supervision?: Supervision | undefined;
}

export type Supervision = Pick<ShardPoolOptions, 'watchLimits' | 'workerHeapMbMax'>;

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #routes: readonly CompiledRoute[];
  readonly #recordRoutes: readonly CompiledRecordRoute[];
  readonly #slab: SessionSlab;
  readonly #ledger: Ledger<Match>;
  readonly #pool: ShardPool;
  readonly #table: RouteTable;
  readonly #targets: Targets;
  readonly #health: BridgeHealth;
  readonly #rotation: Rotation;
  readonly #sessions: Sessions;
  readonly #pubackWatch: PubackWatch<Session>;
  readonly #letters: DeadLetterStore;
  readonly #desk: DeadLetterDesk;
  readonly #flow: MqttToKafka;
  readonly #recordFlow: KafkaToMqtt;
  readonly #settling: Settling;

  /** Reads what an earlier run has left; starts nothing. Rejects with an OperatingError. */
  static async open(options: BridgeOptions): Promise<Bridge> {
    const { connector, dataDir } = options;
    const name = `${connector.name}-${connector.instanceId}`;
    const letters = await openLetters(connector, deadLetterFolder(dataDir, name));
    return new Bridge(options, letters, await SessionStore.open(dataDir, name));
  }

  private constructor(options: BridgeOptions, letters: DeadLetterStore, store: SessionStore) {
    const { connector, events } = options;
    this.#options = options;
    this.#letters = letters;
    this.#routes = compileRoutes(connector, (route) => events.route(route));
    this.#recordRoutes = compileRecordRoutes(connector, (route) => events.recordRoute(route));
    const planned = planAll(connector, this.#routes, this.#recordRoutes, store);
    this.#slab = openSlab(connector.maxPayloadBytes, planned);
    const { receiveMaximum } = connector.mqtt;
    this.#ledger = new Ledger(receiveMaximum * planned.length + QOS0_DELIVERIES_MAX);
    this.#settling = new Settling({
      ...options,
      ledger: this.#ledger,
      sessions: planned.map(({ clientId }) => clientId),
      publishes: () => this.#recordFlow.underWay,
    });
    this.#table = new RouteTable(
      this.#routes,
      planned.map(({ routes }) => routes),
    );
    this.#targets = new Targets(connector.shards);
    this.#health = new BridgeHealth(connector.name);
    this.#rotation = new Rotation({
      ...options,
      health: this.#health,
      setKafkaCredentials: (values) => this.#pool.setCredentials(values),
      sessions: () => this.#sessions.all,
    });
    this.#sessions = new Sessions({
      ...options,
      mqttCredentialsOf: (session) => this.#rotation.mqttCredentialsOf(session),
      onState: (session, state) => this.#rotation.onSessionState(session, state),
      planned,
      store,
      table: this.#table,
      slab: this.#slab,
      health: this.#health,
      flow: () => this.#flow,
      recordFlow: () => this.#recordFlow,
      onUnreadable: (packet, fault) => keepUnreadable(this.#desk, options, packet, fault),
    });
    this.#pubackWatch = new PubackWatch(
      options.clock,
      () => this.#sessions.all,
      ({ options: { clientId } }, seconds) => {
        events.publishUnanswered(clientId, seconds);
        this.#health.sessionUnanswered(clientId, seconds);
      },
    );
    this.#pool = this.#openPool(planned.length);
    this.#desk = openDesk(this.#letters, options);
    this.#flow = this.#openFlow(planned.length);
    this.#recordFlow = this.#openRecordFlow();
  }

  /** Starts the workers and begins to dial; neither MQTT nor Kafka has to be there. */
  async start(): Promise<void> {
    await this.#sessions.open();
    this.#observe();
    for (const shard of this.#pool.shards) this.#health.shardStarting(shard.index);
    this.#pool.start();
    this.#sessions.start();
    this.#pubackWatch.start();
    await this.#rotation.start();
  }

  health(): ConnectorHealth {
    return this.#health.report([
      ...this.#routes.map(({ events }) => events.counters),
      ...this.#recordRoutes.map(({ events }) => events.route.counters),
    ]);
  }

  /** Deliveries that are not settled, both ways. */
  get inFlight(): number {
    return this.#ledger.openCount + this.#recordFlow.underWay;
  }

  /**
   * Stops: nothing new is read, what is in flight may settle for up to `timeoutMs`, then the sessions
   * disconnect normally and the workers close. Resolves with how many deliveries were left.
   */
  async stop(timeoutMs: number): Promise<number> {
    this.#rotation.stop();
    this.#sessions.stopReading();
    this.#recordFlow.stopReading();
    await this.#settling.wait(timeoutMs);
    const left = this.#flow.onDrainTimeout() + this.#recordFlow.underWay;
    this.#pubackWatch.stop();
    this.#sessions.stop();
    this.#flow.stop();
    this.#desk.close();
    await this.#pool.close((shard) => this.#recordFlow.close(shard));
    await this.#letters.close();
    return left;
  }

  /** Ends a worker as a crash would; for tests of invariant 8. */
  crashWorker(index: number): Promise<void> {
    return this.#pool.crash(index);
  }

  #openPool(sessions: number): ShardPool {
    const { connector, kafkaCredentials, events, clock } = this.#options;
    return new ShardPool({
      shards: connector.shards,
      sessions,
      sessionIndex: this.#ledger.sessionIndex,
      slab: this.#slab.memory,
      task: {
        connector: connector.name,
        clientId: clientIdBase(connector),
        kafka: connector.kafka,
        kafkaCredentials,
        messageBytesMax: connector.maxPayloadBytes + PACKET_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES,
        logLevel: connector.logLevel,
      },
      clock,
      consumers: this.#recordRoutes.map((route) => consumerOf(connector, route)),
      onRecords: (source) => this.#recordFlow.onRecords(source),
      onSettled: (shard, deliveryId, _, settlement) =>
        this.#flow.onSettled(shard, deliveryId, settlement),
      onBurstEnd: () => this.#flow.onBurstEnd(),
      onMessage: (shard, message) => this.#onWorkerMessage(shard, message),
      onLost: (shard, error) => {
        events.workerReplaced(shard.index, error.message);
        this.#health.shardDead(shard.index, error.message);
        this.#flow.onShardLost(shard);
        this.#recordFlow.onShardLost(shard.index);
      },
      onSilent: (shard, seconds) => {
        events.workerSilent(shard.index, seconds);
        this.#health.shardSilent(shard.index, seconds);
      },
      onHopeless: this.#options.onHopeless,
      ...this.#options.supervision,
    });
  }

  #openFlow(sessionCount: number): MqttToKafka {
    const { connector, events, clock } = this.#options;
    return new MqttToKafka({
      connector: connector.name,
      instanceId: connector.instanceId,
      shards: this.#pool.shards,
      targets: this.#targets,
      slab: this.#slab,
      ledger: this.#ledger,
      routes: this.#table,
      sessions: this.#sessions.all,
      sessionCount,
      onBurstEnd: () => this.#settling.onSettled(),
      desk: this.#desk,
      payloadBytesMax: connector.maxPayloadBytes,
      events,
      clock,
    });
  }

  #openRecordFlow(): KafkaToMqtt {
    const { connector, clock, random } = this.#options;
    return new KafkaToMqtt({
      connector: connector.name,
      payloadBytesMax: connector.maxPayloadBytes,
      routes: this.#recordRoutes,
      sources: this.#pool.sources,
      sessionOf: (route) => this.#sessions.publisherOf(route),
      tell: (shard, message) => this.#pool.post(shard, message),
      desk: this.#desk,
      clock,
      random,
      onEnded: () => this.#settling.onSettled(),
      onTrouble: ({ name }, detail) => this.#health.routeTrouble(name, detail),
    });
  }

  #onWorkerMessage(shard: Shard, message: FromWorker): void {
    const { events, log } = this.#options;
    if (message.kind === 'log') {
      log[message.level]({ shard: shard.index }, message.text);
    } else if (message.kind === 'kafka') {
      if (message.up) events.kafkaUp(shard.index);
      else events.kafkaDown(shard.index, message.reason, message.detail);
      if (message.up) this.#health.shardUp(shard.index);
      else this.#health.shardDown(shard.index, message.detail);
    } else if (message.kind === 'unanswered') {
      events.kafkaUnanswered(shard.index, message.seconds, message.detail);
      this.#health.shardUnanswered(shard.index, message.seconds, message.detail);
    } else if (message.kind === 'ready' && !this.#opensKafkaAtStart()) {
      this.#health.shardUp(shard.index);
    }
    this.#rotation.onWorkerMessage(shard.index, message);
    this.#flow.onMessage(shard, message);
    this.#recordFlow.onMessage(message);
  }

  /** Whether a worker connects to Kafka before the first message; where only messages give the names
   * of Kafka topics, nothing is known of Kafka until one comes. */
  #opensKafkaAtStart(): boolean {
    return (
      this.#recordRoutes.length > 0 ||
      this.#routes.some(({ template }) => template.constant !== undefined)
    );
  }

  #observe(): void {
    const letters = this.#letters;
    this.#options.events.observe({
      sessions: () => this.#sessions.all.length,
      deliveriesInFlight: () => this.#ledger.openCount - this.#flow.qos0Open,
      deliveriesInFlightMax: () => this.#ledger.capacity - QOS0_DELIVERIES_MAX,
      qos0DeliveriesInFlight: () => this.#flow.qos0Open,
      qos0DeliveriesInFlightMax: () => QOS0_DELIVERIES_MAX,
      publishesInFlight: () => this.#sessions.publishesInFlight,
      deadLetters: () => letters.letters,
      deadLettersMax: () => letters.maxLetters,
      deadLetterBytes: () => letters.bytes,
      deadLetterBytesMax: () => letters.maxBytes,
    });
  }
}

/** What a worker is told of the consumer of a route. */
function consumerOf(connector: Connector, { index, route }: CompiledRecordRoute): SourceSettings {
  return {
    routeIndex: index,
    topic: route.kafkaTopic,
    groupId: route.consumerGroupId,
    groupInstanceId: clientIdBase(connector),
    offsetReset: route.offsetReset,
    payloadBytesMax: connector.maxPayloadBytes,
  };
}

/** Room for the large payloads of all sessions, and for one of each besides. */
function openSlab(payloadBytesMax: number, planned: readonly PlannedSession[]): SessionSlab {
  const commonBytes = Math.max(SLAB_BYTES_MIN, 2 * payloadBytesMax);
  const regionBytes = PayloadSlab.regionBytes(payloadBytesMax);
  const regionsMax = Math.floor((SLAB_BYTES_MAX - commonBytes) / regionBytes);
  const regionOf = slabRegions(planned, regionsMax);
  return new SessionSlab({ commonBytes, payloadBytesMax, regionOf });
}
