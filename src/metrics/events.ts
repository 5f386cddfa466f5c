/* One method for each thing that happens: it moves the counters and writes the log line, so that
 * the two never tell different stories. What happens for every message only counts; what an
 * operator must see is logged, at most once in ten seconds for each connector, route and reason.
 *
 * Main thread only. Topic names, client identifiers and error texts from the wire go into log
 * lines (JSON, escaped) and never into labels.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import { shortText } from '../base/short-text.js';
import { ConnectorCounters, type ConnectorGauges, type RouteCounters } from './counters.js';
import { type CredentialCounters, CredentialEvents, type Side } from './credential-events.js';
import { LogLimit } from './log-limit.js';
import type {
  ConnectionLossReason,
  DeadLetterReason,
  HoldReason,
  Qos0LossReason,
} from './reasons.js';
import { RecordRouteEvents } from './record-route.js';
import { countDelivered, countReceived, countSent } from './route-traffic.js';

const logIntervalMs = 10_000;

/** For the log line of a dead letter. */
export interface DeadLetterDetail {
  readonly id: string;
  readonly topicName: string;
  readonly message: string;
}

export class ConnectorEvents {
  readonly counters: ConnectorCounters;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #limit: LogLimit;
  readonly #routes = new Map<string, RouteEvents>();
  /** What was logged of the access token that could not be had; undefined: there is one. */
  #accessTokenTrouble: string | undefined;

  constructor(connector: string, log: Log, clock: Clock) {
    this.counters = new ConnectorCounters(connector);
    this.#log = log.child({ connector });
    this.#clock = clock;
    this.#limit = new LogLimit(clock, logIntervalMs);
  }

  /** The same object for the same name; look it up once for each route, not for each message. */
  route(name: string): RouteEvents {
    const known = this.#routes.get(name);
    if (known !== undefined) return known;
    const events = new RouteEvents(this.counters.route(name), this.#log, this.#limit);
    this.#routes.set(name, events);
    return events;
  }

  /** Of a route from Kafka to MQTT. */
  recordRoute(name: string): RecordRouteEvents {
    const counters = this.counters.recordRoute(name);
    return new RecordRouteEvents(counters, this.route(name), this.#log, this.#limit);
  }

  /** Of the values that connections of one side are made with. */
  credentials(side: Side): CredentialEvents {
    const counters = this.counters.credentials.get(side) as CredentialCounters;
    return new CredentialEvents(counters, this.#log);
  }

  /** The engine says how its gauges are read. */
  observe(gauges: ConnectorGauges): void {
    this.counters.gauges = gauges;
  }

  pubackSent(reasonCode: number): void {
    if (reasonCode < 0x80) this.counters.pubacksSucceeded += 1;
    else this.counters.pubacksRefused += 1;
  }

  /** A PUBLISH whose Subscription Identifiers no route has: a subscription of an earlier run. */
  publishUnrouted(topicName: string): void {
    this.counters.publishesUnrouted += 1;
    const suppressed = this.#limit.admit('unrouted');
    if (suppressed === undefined) return;
    this.#log.warn(
      { topicName: shortText(topicName), suppressed },
      'a PUBLISH matches no route; acknowledged',
    );
  }

  /** A QoS 1 message was left to the broker to send again: Kafka may have it or not. */
  messageUnconfirmed(): void {
    this.counters.messagesUnconfirmed += 1;
  }

  /** A redelivered PUBLISH whose first delivery is still open. */
  redeliveryJoined(): void {
    this.counters.redeliveriesJoined += 1;
  }

  mqttConnected(session: string, sessionPresent: boolean): void {
    this.counters.mqttConnects += 1;
    this.counters.sessionsConnected.add(session);
    this.#log.info({ session, sessionPresent }, 'connected to the MQTT broker');
  }

  /** The other subscriptions of the session go on, and this one is tried again. */
  subscriptionRefused(session: string, topicFilter: string, reason: string): void {
    const { subscriptionsRefused } = this.counters;
    const refused = subscriptionsRefused.get(session) ?? new Set<string>();
    subscriptionsRefused.set(session, refused.add(topicFilter));
    const suppressed = this.#limit.admit(`subscription ${session} ${topicFilter}`);
    if (suppressed === undefined) return;
    this.#log.error(
      { session, topicFilter, reason, suppressed },
      'the broker refuses a subscription',
    );
  }

  subscriptionGranted(session: string, topicFilter: string): void {
    this.counters.subscriptionsRefused.get(session)?.delete(topicFilter);
    this.#log.info(
      { session, topicFilter },
      'the broker grants a subscription that it had refused',
    );
  }

  /** Also for a connection that could not be made. `detail` is for people. */
  mqttLost(session: string, reason: ConnectionLossReason, detail: string): void {
    this.#disconnected(session);
    this.counters.mqttLosses[reason] += 1;
    const suppressed = this.#limit.admit(`mqtt ${session} ${reason}`);
    if (suppressed === undefined) return;
    this.#log.warn({ session, reason, detail, suppressed }, 'no connection to the MQTT broker');
  }

  /** A connection that we gave up for one with new credentials, which is made at once. */
  mqttRenewed(session: string): void {
    this.#disconnected(session);
    this.counters.mqttLosses.newCredentials += 1;
    this.#log.info({ session }, 'connects to the MQTT broker again, with new credentials');
  }

  /** A connection that we ended ourselves: a drain, a route that was removed. */
  mqttClosed(session: string): void {
    this.#disconnected(session);
    this.#log.info({ session }, 'disconnected from the MQTT broker');
  }

  #disconnected(session: string): void {
    this.counters.sessionsConnected.delete(session);
    this.counters.subscriptionsRefused.delete(session);
  }

  kafkaUp(shard: number): void {
    const counters = this.counters.shard(shard);
    if (counters.kafkaUp) return;
    counters.kafkaUp = true;
    this.#log.info({ shard }, 'Kafka answers');
  }

  kafkaDown(shard: number, reason: ConnectionLossReason, detail: string): void {
    this.counters.shard(shard).kafkaUp = false;
    this.counters.kafkaLosses[reason] += 1;
    const suppressed = this.#limit.admit(`kafka ${shard} ${reason}`);
    if (suppressed === undefined) return;
    this.#log.warn({ shard, reason, detail, suppressed }, 'no connection to Kafka');
  }

  /** For how long Kafka has said nothing of a record, although it is connected; 0: it has. */
  kafkaUnanswered(shard: number, seconds: number, detail: string): void {
    const counters = this.counters.shard(shard);
    const before = counters.recordsUnansweredSeconds;
    counters.recordsUnansweredSeconds = seconds;
    if (before > 0 || seconds === 0) return;
    this.#log.warn({ shard, seconds, detail }, 'Kafka is connected, and says nothing of a record');
  }

  /** The same of the MQTT broker and a PUBLISH of QoS 1. */
  publishUnanswered(session: string, seconds: number): void {
    const { publishesUnansweredSeconds } = this.counters;
    const before = publishesUnansweredSeconds.get(session) ?? 0;
    publishesUnansweredSeconds.set(session, seconds);
    if (before > 0 || seconds === 0) return;
    this.#log.warn({ session, seconds }, 'the MQTT broker does not acknowledge a PUBLISH');
  }

  /** A first access token, or another one. */
  accessTokenIssued(expiresAtMs: number): void {
    this.counters.accessTokens += 1;
    this.counters.accessTokenExpiresAtMs = expiresAtMs;
    const expiresAt = new Date(expiresAtMs).toISOString();
    this.#log.info({ expiresAt }, 'there is a new access token');
  }

  /** `detail` is for people; logged when it is another one than before. */
  accessTokenMissing(detail: string): void {
    this.counters.accessTokenFailures += 1;
    if (detail === this.#accessTokenTrouble) return;
    this.#accessTokenTrouble = detail;
    this.#log.warn({ detail }, 'no access token could be had; it is tried again');
  }

  accessTokenWell(): void {
    if (this.#accessTokenTrouble === undefined) return;
    this.#accessTokenTrouble = undefined;
    this.#log.info('access tokens can be had again');
  }

  workerReplaced(shard: number, detail: string): void {
    this.counters.shard(shard).workersReplaced += 1;
    this.counters.shard(shard).kafkaUp = false;
    this.counters.shard(shard).recordsUnansweredSeconds = 0;
    this.#log.error({ shard, detail }, 'a worker died and is replaced');
  }

  /** For how long the loop of a worker has not turned, in seconds; 0: it turns. Said once a second. */
  workerSilent(shard: number, seconds: number): void {
    const counters = this.counters.shard(shard);
    const before = counters.workerSilentSeconds;
    counters.workerSilentSeconds = seconds;
    if (before === 0 && seconds > 0) {
      this.#log.warn({ shard, seconds }, 'a worker does nothing; if it stays so, it is replaced');
    }
  }

  /** Back-pressure has reached the socket. */
  socketPaused(session: string): void {
    if (this.counters.pausedSinceMs.has(session)) return;
    this.counters.pausedSinceMs.set(session, this.#clock.monotonicMs());
  }

  socketResumed(session: string): void {
    const sinceMs = this.counters.pausedSinceMs.get(session);
    if (sinceMs === undefined) return;
    this.counters.pausedSinceMs.delete(session);
    this.counters.pausedMs += this.#clock.monotonicMs() - sinceMs;
  }

  qos0Lost(count: number, reason: Qos0LossReason): void {
    if (count === 0) return;
    this.counters.qos0Lost[reason] += count;
    const suppressed = this.#limit.admit(`qos0 ${reason}`);
    if (suppressed === undefined) return;
    this.#log.warn({ count, reason, suppressed }, 'QoS 0 messages were lost');
  }
}

export class RouteEvents {
  readonly counters: RouteCounters;
  readonly #log: Log;
  readonly #limit: LogLimit;

  constructor(counters: RouteCounters, log: Log, limit: LogLimit) {
    this.counters = counters;
    this.#log = log.child({ route: counters.route });
    this.#limit = limit;
  }

  publishReceived(payloadBytes: number): void {
    const { values, at } = this.counters.traffic;
    countReceived(values, at, payloadBytes);
  }

  recordSent(): void {
    const { values, at } = this.counters.traffic;
    countSent(values, at);
  }

  recordDelivered(latencyMs: number): void {
    const { values, at } = this.counters.traffic;
    countDelivered(values, at, latencyMs);
  }

  /** Nothing of its Message Expiry Interval was left; acknowledged and not sent. */
  messageExpired(): void {
    this.counters.messagesExpired += 1;
  }

  /** It has come through this route before; acknowledged and not sent. */
  loopStopped(topicName: string): void {
    this.counters.messagesLoopStopped += 1;
    const suppressed = this.#limit.admit(`loop ${this.counters.route}`);
    if (suppressed === undefined) return;
    this.#log.warn(
      { topicName: shortText(topicName), suppressed },
      'a message came through this route again; stopped',
    );
  }

  /** It lacks the property named by partitionKeyProperty; sent like `default`. */
  keyMissing(): void {
    this.counters.keysMissing += 1;
  }

  /** Call it when the letter is on the disk. */
  deadLettered(reason: DeadLetterReason, detail: DeadLetterDetail): void {
    this.counters.deadLettered[reason] += 1;
    const suppressed = this.#limit.admit(`dead letter ${this.counters.route} ${reason}`);
    if (suppressed === undefined) return;
    const { id, message } = detail;
    const topicName = shortText(detail.topicName);
    this.#log.warn({ reason, id, topicName, detail: message, suppressed }, 'dead letter');
  }

  /** A Kafka topic or a dead letter is held from now on; every further attempt is silent. */
  holdBegan(reason: HoldReason, detail: string): void {
    this.counters.holds[reason] += 1;
    this.counters.holdsNow += 1;
    this.counters.heldDetail = detail;
    const suppressed = this.#limit.admit(`held ${this.counters.route} ${reason}`);
    if (suppressed === undefined) return;
    this.#log.warn({ reason, detail, suppressed }, 'held and tried again');
  }

  /** However it ended: delivered, dead-lettered, or left to a redelivery. */
  holdEnded(): void {
    this.counters.holdsNow -= 1;
    if (this.counters.holdsNow === 0) this.counters.heldDetail = '';
  }
}
