/* What is counted, as plain numbers: the data path adds to them directly, and Prometheus reads them
 * at a scrape (definitions.ts). Main thread only. Every one of them only rises, except where the
 * comment says gauge.
 */
import { CredentialCounters, type Side } from './credential-events.js';
import {
  type ConnectionLossReason,
  type CountByReason,
  connectionLossReasons,
  type DeadLetterReason,
  deadLetterReasons,
  type HoldReason,
  holdReasons,
  type Qos0LossReason,
  qos0LossReasons,
  zeroCounts,
} from './reasons.js';
import { RecordRouteCounters } from './record-route.js';
import { type RouteTraffic, TrafficMemory } from './route-traffic.js';

export class RouteCounters {
  readonly route: string;
  /** What every message counts. */
  readonly traffic: RouteTraffic;
  messagesExpired = 0;
  messagesLoopStopped = 0;
  keysMissing = 0;
  /** Gauge: what is held at this moment: Kafka topics, each by the shards that hold it, and messages
   * that the dead-letter store does not take. */
  holdsNow = 0;
  /** Why the last of them is; empty while nothing is held. */
  heldDetail = '';
  readonly deadLettered: CountByReason<DeadLetterReason> = zeroCounts(deadLetterReasons);
  readonly holds: CountByReason<HoldReason> = zeroCounts(holdReasons);

  constructor(route: string, traffic: RouteTraffic) {
    this.route = route;
    this.traffic = traffic;
  }
}

export class ShardCounters {
  readonly shard: number;
  /** Gauge: whether this shard's producer has a broker that answers. */
  kafkaUp = false;
  workersReplaced = 0;
  /** Gauge: for how long the loop of its worker has not turned; 0 where it turns. */
  workerSilentSeconds = 0;
  /** Gauge: for how long Kafka has said nothing of a record, where that is too long; else 0. */
  recordsUnansweredSeconds = 0;

  constructor(shard: number) {
    this.shard = shard;
  }
}

/** What only the engine knows; called at a scrape, so each must be cheap. */
export interface ConnectorGauges {
  /** Sessions that the configuration asks for. */
  sessions(): number;
  /** Of QoS 1. */
  deliveriesInFlight(): number;
  deliveriesInFlightMax(): number;
  publishesInFlight(): number;
  qos0DeliveriesInFlight(): number;
  qos0DeliveriesInFlightMax(): number;
  deadLetters(): number;
  deadLettersMax(): number;
  deadLetterBytes(): number;
  deadLetterBytesMax(): number;
}

export class ConnectorCounters {
  readonly connector: string;
  readonly routes = new Map<string, RouteCounters>();
  readonly #trafficMemory = new TrafficMemory();
  /** Of routes from Kafka to MQTT, beside what they have among `routes`. */
  readonly recordRoutes = new Map<string, RecordRouteCounters>();
  readonly shards = new Map<number, ShardCounters>();
  readonly credentials: ReadonlyMap<Side, CredentialCounters> = new Map(
    (['kafka', 'mqtt'] as const).map((side) => [side, new CredentialCounters(side)]),
  );
  pubacksSucceeded = 0;
  pubacksRefused = 0;
  publishesUnrouted = 0;
  redeliveriesJoined = 0;
  messagesUnconfirmed = 0;
  mqttConnects = 0;
  accessTokens = 0;
  accessTokenFailures = 0;
  /** Gauge: when the access token expires, since 1970; undefined where there is none. */
  accessTokenExpiresAtMs: number | undefined;
  readonly mqttLosses: CountByReason<ConnectionLossReason> = zeroCounts(connectionLossReasons);
  readonly kafkaLosses: CountByReason<ConnectionLossReason> = zeroCounts(connectionLossReasons);
  readonly qos0Lost: CountByReason<Qos0LossReason> = zeroCounts(qos0LossReasons);
  /** Gauge: by session, for how long a PUBLISH has not been acknowledged, where that is too long. */
  readonly publishesUnansweredSeconds = new Map<string, number>();
  /** Gauge: the sessions that have a connection now. */
  readonly sessionsConnected = new Set<string>();
  /** Gauge: by session, the topic filters that the broker refuses now. */
  readonly subscriptionsRefused = new Map<string, Set<string>>();
  /** Time of the pauses that are over. */
  pausedMs = 0;
  /** Gauge: when each session that is paused now was paused. */
  readonly pausedSinceMs = new Map<string, number>();
  gauges: ConnectorGauges | undefined;

  constructor(connector: string) {
    this.connector = connector;
  }

  route(name: string): RouteCounters {
    const known = this.routes.get(name);
    if (known !== undefined) return known;
    const counters = new RouteCounters(name, this.#trafficMemory.take());
    this.routes.set(name, counters);
    return counters;
  }

  recordRoute(name: string): RecordRouteCounters {
    const known = this.recordRoutes.get(name);
    if (known !== undefined) return known;
    const counters = new RecordRouteCounters(name);
    this.recordRoutes.set(name, counters);
    return counters;
  }

  shard(index: number): ShardCounters {
    const known = this.shards.get(index);
    if (known !== undefined) return known;
    const counters = new ShardCounters(index);
    this.shards.set(index, counters);
    return counters;
  }

  pausedMsUntil(nowMs: number): number {
    let total = this.pausedMs;
    for (const sinceMs of this.pausedSinceMs.values()) total += nowMs - sinceMs;
    return total;
  }
}
