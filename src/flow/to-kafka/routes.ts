/* Routes of the model, compiled for the data path: what a route makes of a topic name is worked out
 * once and kept with the topic.
 */

import type { ProducerSettings } from '../../channel/protocol.js';
import { INSTANCE, KEYED, type PartitionRule, ROUND_ROBIN } from '../../channel/protocol.js';
import type { Connector, MqttToKafkaRoute, TopicMap } from '../../config/model.js';
import type { RouteEvents } from '../../metrics/events.js';
import type { DeadLetterReason } from '../../metrics/reasons.js';
import type { Publish } from '../../mqtt/receive/publish.js';
import { NO_TOPIC, type Topic } from '../../mqtt/receive/topic-cache.js';
import { hop } from '../../route/origin.js';
import { findUserProperty, u16, valueText } from '../../route/properties.js';
import { compileTemplate, expandTemplate, type Template } from '../../route/template.js';
import { loops, planRecords, type RecordPlan, type RecordShape } from '../../route/to-kafka.js';
import { shardOf } from '../../shard/shard-of.js';
import type { Target, Targets } from '../../shard/targets.js';

/** Without batching nothing waits; what is queued at the same moment still shares a request. */
const UNBATCHED = { latencyMs: 0, maxMessages: 10_000, maxBytes: 1_000_000 };
const IN_FLIGHT_IDEMPOTENT = 5;

export interface CompiledRoute {
  readonly index: number;
  readonly name: string;
  readonly route: MqttToKafkaRoute;
  readonly map: TopicMap;
  readonly shape: RecordShape;
  readonly template: Template;
  readonly rule: PartitionRule;
  readonly producer: Omit<ProducerSettings, 'variant'>;
  readonly events: RouteEvents;
  /** By Kafka topic. */
  readonly targets: Map<string, Target>;
}

/** Which routes a PUBLISH goes to, and its topic: what a delivery is remembered by. */
export interface Match {
  readonly topic: Topic;
  readonly routes: readonly CompiledRoute[];
  /** Where it is one route: its counters (metrics/route-traffic.ts), at hand without the route. */
  readonly traffic: Float64Array | undefined;
  readonly trafficAt: number;
}

export function matchOf(topic: Topic, routes: readonly CompiledRoute[]): Match {
  const traffic = routes.length === 1 ? routes[0]?.events.counters.traffic : undefined;
  return { topic, routes, traffic: traffic?.values, trafficAt: traffic?.at ?? 0 };
}

export interface Fault {
  readonly reason: DeadLetterReason;
  readonly message: string;
}

/** What one route makes of one topic name. */
export interface Planned {
  readonly match: Match;
  readonly route: CompiledRoute;
  readonly plan: RecordPlan;
  /** The user property whose value is the key; undefined where none is. */
  readonly keyProperty: Uint8Array | undefined;
  /** Undefined where it takes a message's properties to tell, or where there is a fault. */
  readonly target: Target | undefined;
  /** The shard that the key belongs to; -1 where any will do or where the message tells. */
  readonly shard: number;
  readonly fault: Fault | undefined;
}

export function compileRoutes(
  connector: Connector,
  eventsOf: (route: string) => RouteEvents,
): CompiledRoute[] {
  const compiled: CompiledRoute[] = [];
  for (const map of connector.topicMaps) {
    for (const route of map.routes) {
      if (route.kind !== 'mqttToKafka') continue;
      compiled.push(compileRoute(connector, map, route, compiled.length, eventsOf(route.name)));
    }
  }
  return compiled;
}

function compileRoute(
  connector: Connector,
  map: TopicMap,
  route: MqttToKafkaRoute,
  index: number,
  events: RouteEvents,
): CompiledRoute {
  const keyed = map.partitionStrategy === 'topic' || map.partitionStrategy === 'property';
  const idempotent = route.kafkaAcks === 'all';
  const batching = map.batching ?? UNBATCHED;
  return {
    index,
    name: route.name,
    route,
    map,
    shape: recordShape(connector, map, route, index),
    template: compileTemplate(route.kafkaTopic),
    rule: map.partitionStrategy === 'static' ? INSTANCE : keyed ? KEYED : ROUND_ROBIN,
    producer: {
      lingerMs: batching.latencyMs,
      batchMessagesMax: batching.maxMessages,
      batchBytesMax: batching.maxBytes,
      idempotent,
      // Requests of a producer that is not idempotent may overtake one another when one is retried.
      requestsInFlightMax: idempotent || !keyed ? IN_FLIGHT_IDEMPOTENT : 1,
    },
    events,
    targets: new Map(),
  };
}

/** How the records of a route are made. */
function recordShape(
  connector: Connector,
  map: TopicMap,
  route: MqttToKafkaRoute,
  index: number,
): RecordShape {
  const { partitionStrategy, partitionKeyProperty } = map;
  return {
    routeIndex: index,
    keyIsTopic: partitionStrategy === 'topic',
    keyProperty:
      partitionStrategy === 'property' && partitionKeyProperty !== undefined
        ? new TextEncoder().encode(partitionKeyProperty)
        : undefined,
    copyMqttProperties: map.copyMqttProperties,
    preserveTopic: map.preserveTopic,
    loopGuard: map.loopGuard,
    through: hop(connector.name, route.name),
  };
}

/** Whether a route leaves this PUBLISH alone: it has been through it before, or its time is over. */
export function passesBy(route: CompiledRoute, publish: Publish): boolean {
  return publish.expirySeconds === 0 || (route.map.loopGuard && loops(route.shape, publish));
}

/** What this route makes of messages of this topic. */
export function planTopic(
  route: CompiledRoute,
  topic: Topic,
  targets: Targets,
  shards: number,
  instanceId: number,
): Planned {
  const match = matchOf(topic, [route]);
  const plan = planRecords(route.shape, topic.bytes);
  const resolved = route.template.usesProperties
    ? undefined
    : resolveTarget(route, topic, () => undefined, targets, instanceId);
  return {
    match,
    route,
    plan,
    keyProperty: route.shape.keyProperty,
    target: resolved !== undefined && 'id' in resolved ? resolved : undefined,
    fault: resolved !== undefined && 'reason' in resolved ? resolved : undefined,
    shard: homeShard(route, topic, shards),
  };
}

/** What a plan takes at most beside what its size varies with: measured, and rounded up. */
const PLANNED_BYTES = 512;

/** How much memory `planned` keeps, its topic aside. */
export function plannedBytes({ plan, fault }: Planned): number {
  return PLANNED_BYTES + plan.prefixBytes + 2 * (fault?.message.length ?? 0);
}

/** The target of a message; a fault where its Kafka topic cannot be. */
export function targetOf(
  planned: Planned,
  publish: Publish,
  targets: Targets,
  instanceId: number,
): Target | Fault {
  const known = planned.target ?? planned.fault;
  if (known !== undefined) return known;
  const property = (name: string) => {
    const at = findUserProperty(publish, Buffer.from(name));
    return at < 0 ? undefined : valueText(publish.bytes, at);
  };
  return resolveTarget(planned.route, planned.match.topic, property, targets, instanceId);
}

/** The target of a route whose Kafka topic is the same for every message; undefined for others. */
export function constantTarget(
  route: CompiledRoute,
  targets: Targets,
  instanceId: number,
): Target | undefined {
  if (route.template.constant === undefined) return undefined;
  const resolved = resolveTarget(route, NO_TOPIC, () => undefined, targets, instanceId);
  return 'id' in resolved ? resolved : undefined;
}

/** The shard of a message's key; -1 where any will do. */
export function shardIndexOf(planned: Planned, publish: Publish, shards: number): number {
  const { keyProperty } = planned;
  if (keyProperty === undefined) return planned.shard;
  const at = findUserProperty(publish, keyProperty);
  if (at < 0) return planned.shard;
  const start = at + 2;
  return shardOf(publish.bytes, start, start + u16(publish.bytes, at), shards);
}

function resolveTarget(
  route: CompiledRoute,
  topic: Topic,
  property: (name: string) => string | undefined,
  targets: Targets,
  instanceId: number,
): Target | Fault {
  const { constant } = route.template;
  // Most routes have one Kafka topic, for which no name need be decoded.
  const only = constant === undefined ? undefined : route.targets.get(constant);
  if (only !== undefined) return only;
  const expansion = expandTemplate(route.template, topic.name, property);
  if ('fault' in expansion) return { reason: 'kafkaTopicInvalid', message: expansion.fault };
  const known = route.targets.get(expansion.name);
  if (known !== undefined) return known;
  const { maxKafkaTopics } = route.map;
  if (route.targets.size >= maxKafkaTopics) {
    const message = `${expansion.name} would be more Kafka topics than maxKafkaTopics (${maxKafkaTopics})`;
    return { reason: 'kafkaTopicLimit', message };
  }
  const target = targets.get(route.producer, {
    topic: expansion.name,
    acks: route.route.kafkaAcks,
    compression: route.map.compression,
    rule: route.rule,
    instanceId,
  });
  route.targets.set(expansion.name, target);
  return target;
}

function homeShard(route: CompiledRoute, topic: Topic, shards: number): number {
  if (route.shape.keyIsTopic) return shardOf(topic.bytes, 0, topic.bytes.length, shards);
  // One partition takes all: a single producer fills requests best.
  if (route.rule === INSTANCE) return route.index % shards;
  return -1;
}
