/* Which MQTT sessions a connector has: one for all its unshared routes, one for each subscriber of a
 * shared route, one for a route with `ownSession`. Pure.
 */
import type { Connector } from '../config/model.js';
import type { SessionRoute } from '../flow/to-kafka/route-table.js';
import type { CompiledRoute } from '../flow/to-kafka/routes.js';
import type { CompiledRecordRoute } from '../flow/to-mqtt/record-routes.js';
import { type Subscription, subscriptionIds } from '../mqtt/subscriptions.js';

export interface PlannedSession {
  readonly clientId: string;
  readonly subscriptions: readonly Subscription[];
  readonly routes: readonly SessionRoute[];
  /** From Kafka: what they read is published over this session. */
  readonly recordRoutes: readonly CompiledRecordRoute[];
  /** No longer configured: what the broker still has for it is taken, then the session is ended. */
  readonly retired: boolean;
}

/** The sessions of this instance of a connector; client identifiers as property-mapping has them. */
export function planSessions(
  connector: Connector,
  routes: readonly CompiledRoute[],
  recordRoutes: readonly CompiledRecordRoute[],
): PlannedSession[] {
  const base = clientIdBase(connector);
  const common = routes.filter(
    ({ route }) => route.sharedSubscription === undefined && !route.ownSession,
  );
  const commonRecords = recordRoutes.filter(({ route }) => !route.ownSession);
  const sessions: PlannedSession[] = [];
  if (common.length + commonRecords.length > 0) {
    sessions.push(planSession(base, common, commonRecords));
  }
  for (const compiled of routes) {
    if (common.includes(compiled)) continue;
    const subscribers = compiled.route.sharedSubscription?.subscribers ?? 1;
    for (let n = 0; n < subscribers; n++) {
      sessions.push(planSession(`${base}-${compiled.name}-${n}`, [compiled], []));
    }
  }
  for (const compiled of recordRoutes) {
    if (commonRecords.includes(compiled)) continue;
    sessions.push(planSession(`${base}-${compiled.name}-0`, [], [compiled]));
  }
  return sessions;
}

/** What client identifiers of this instance begin with, on either side. */
export function clientIdBase(connector: Connector): string {
  return [connector.clientIdPrefix, connector.name, connector.instanceId]
    .filter((part) => part !== undefined)
    .join('-');
}

/**
 * A session of an earlier configuration, which had these filters. What arrives goes to the routes that
 * still have the filter, such as those of a subscriber that is one too many now.
 */
export function planRetired(
  clientId: string,
  filters: readonly string[],
  routes: readonly CompiledRoute[],
): PlannedSession {
  const found: SessionRoute[] = [];
  for (const [filter, subscriptionId] of subscriptionIds(filters)) {
    const sharing = routes.filter((route) => subscriptionFilter(route) === filter);
    const first = sharing[0];
    if (first === undefined) continue;
    found.push({ subscriptionId, topicFilter: first.route.topicFilter, routes: sharing });
  }
  return { clientId, subscriptions: [], routes: found, recordRoutes: [], retired: true };
}

/**
 * By session: which region of the slab is its own, of `regionsMax` at most (at least 1). Where there
 * are too few, the subscribers of one route share, and only beyond that the sessions of several.
 */
export function slabRegions(planned: readonly PlannedSession[], regionsMax: number): number[] {
  const byRoute = new Map<string, number>();
  for (const session of planned) {
    const name = routeName(session);
    if (!byRoute.has(name)) byRoute.set(name, byRoute.size % regionsMax);
  }
  let next = byRoute.size;
  const given = new Set<string>();
  return planned.map((session) => {
    const name = routeName(session);
    if (!given.has(name) || next >= regionsMax) {
      given.add(name);
      return byRoute.get(name) as number;
    }
    return next++;
  });
}

/** The first route that a session is for; its only one, but for the session of all unshared ones. */
function routeName({ routes }: PlannedSession): string {
  return routes[0]?.routes[0]?.name ?? '';
}

/** The filter as it goes into SUBSCRIBE. */
export function subscriptionFilter({ route }: CompiledRoute): string {
  const shared = route.sharedSubscription;
  return shared === undefined
    ? route.topicFilter
    : `$share/${shared.groupName}/${route.topicFilter}`;
}

function planSession(
  clientId: string,
  routes: readonly CompiledRoute[],
  recordRoutes: readonly CompiledRecordRoute[],
): PlannedSession {
  // A second SUBSCRIBE to a filter replaces the first, so routes with one filter share it.
  const byFilter = new Map<string, CompiledRoute[]>();
  for (const route of routes) {
    const filter = subscriptionFilter(route);
    byFilter.set(filter, [...(byFilter.get(filter) ?? []), route]);
  }
  const ids = subscriptionIds([...byFilter.keys()]);
  const planned = [...byFilter].map(([filter, sharing]) => ({
    filter,
    sharing,
    id: ids.get(filter) as number,
  }));
  return {
    clientId,
    retired: false,
    recordRoutes,
    subscriptions: planned.map(({ filter, sharing, id }) => ({
      filter,
      id,
      qos: sharing.some(({ route }) => route.qos === 1) ? 1 : 0,
    })),
    routes: planned.map(({ sharing, id }) => ({
      subscriptionId: id,
      topicFilter: (sharing[0] as CompiledRoute).route.topicFilter,
      routes: sharing,
    })),
  };
}
