/* What a metric of ours is, and the shapes that they have: of a route or of a connector, with a
 * reason or without, read from the counters or answered by the engine.
 */
import type { Clock } from '../base/clock.js';
import type { ConnectorCounters, ConnectorGauges, RouteCounters } from './counters.js';
import type { CountByReason } from './reasons.js';
import type { RecordRouteCounters } from './record-route.js';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
  /** Called at a scrape, for each connector. */
  samples(counters: ConnectorCounters, clock: Clock): Sample[];
}

type Described = Pick<MetricDefinition, 'name' | 'help'>;

/** Makes metrics of each of these routes. */
function ofRoutes<Counters extends { readonly route: string }>(
  routesOf: (counters: ConnectorCounters) => Iterable<Counters>,
) {
  return (
    type: MetricDefinition['type'],
    described: Described,
    read: (route: Counters) => number,
  ): MetricDefinition => ({
    ...described,
    type,
    labels: ['connector', 'route'],
    samples: (counters) =>
      Array.from(routesOf(counters), (route) => ({
        labels: { connector: counters.connector, route: route.route },
        value: read(route),
      })),
  });
}

/** A metric of each route to Kafka. */
export const ofRoute = ofRoutes<RouteCounters>(({ routes }) => routes.values());

/** A metric of each route from Kafka to MQTT. */
export const ofRecordRoute = ofRoutes<RecordRouteCounters>(({ recordRoutes }) =>
  recordRoutes.values(),
);

/** A counter of each route and reason. */
export function ofRouteByReason(
  described: Described,
  read: (route: RouteCounters) => CountByReason<string>,
): MetricDefinition {
  return {
    ...described,
    type: 'counter',
    labels: ['connector', 'route', 'reason'],
    samples: ({ connector, routes }) =>
      [...routes.values()].flatMap((counters) =>
        Object.entries(read(counters)).map(([reason, value]) => ({
          labels: { connector, route: counters.route, reason },
          value,
        })),
      ),
  };
}

/** A metric of each connector, with further labels where `read` gives any. */
export function ofConnector(
  type: MetricDefinition['type'],
  described: Described & { labels?: readonly string[] },
  read: (counters: ConnectorCounters, clock: Clock) => readonly Sample[] | number,
): MetricDefinition {
  return {
    name: described.name,
    help: described.help,
    type,
    labels: ['connector', ...(described.labels ?? [])],
    samples: (counters, clock) => {
      const { connector } = counters;
      const result = read(counters, clock);
      if (typeof result === 'number') return [{ labels: { connector }, value: result }];
      return result.map(({ labels, value }) => ({ labels: { connector, ...labels }, value }));
    },
  };
}

/** A gauge that the engine answers; absent until it has said how. */
export function ofEngine(described: Described, gauge: keyof ConnectorGauges): MetricDefinition {
  return ofConnector('gauge', described, ({ gauges }) =>
    gauges === undefined ? [] : [{ labels: {}, value: gauges[gauge]() }],
  );
}

/** One counter for each reason of a closed list, so that a label takes no text from the network. */
export function byReason(
  counts: CountByReason<string>,
  more: Record<string, string> = {},
): Sample[] {
  return Object.entries(counts).map(([reason, value]) => ({ labels: { ...more, reason }, value }));
}
