/* What is counted of the messages of a route on their way to Kafka: that they came, and what became of them.
 * Dead letters are counted when they are on the disk (dead-lettering.ts). Main thread only.
 */
import { type Outcome, PART_EXPIRED, PERSISTED } from '../../delivery/ledger.js';
import { countDelivered, countReceived, countSent } from '../../metrics/route-traffic.js';
import type { Publish } from '../../mqtt/receive/publish.js';
import { type CompiledRoute, type Match, type Planned, passesBy } from './routes.js';

/** A part becomes a record. */
export function countRecord(planned: Planned, publish: Publish): void {
  const { traffic, trafficAt } = planned.match;
  countReceived(traffic as Float64Array, trafficAt, publish.payloadBytes);
  countSent(traffic as Float64Array, trafficAt);
}

/** A part goes to the dead-letter store and never was a record. Without a route: nothing is counted. */
export function countNoRecord(route: CompiledRoute | undefined, publish: Publish): void {
  route?.events.publishReceived(publish.payloadBytes);
}

/** What routes left alone; once for a PUBLISH, however often it was offered. */
export function countPassedBy(matched: readonly CompiledRoute[], publish: Publish): void {
  for (const route of matched) {
    if (publish.expirySeconds === 0) route.events.messageExpired();
    else if (passesBy(route, publish)) route.events.loopStopped(publish.topic?.name ?? '');
  }
}

/** What became of a delivery. */
export function countOutcome(match: Match, outcome: Outcome, latencyMs: number): void {
  if (outcome === PERSISTED && match.traffic !== undefined) {
    countDelivered(match.traffic, match.trafficAt, latencyMs);
    return;
  }
  for (const route of match.routes) {
    if (outcome === PERSISTED) route.events.recordDelivered(latencyMs);
    else if (outcome === PART_EXPIRED) route.events.messageExpired();
  }
}
