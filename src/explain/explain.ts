/* What becomes of one message: its routes, and for each the record, without connecting to anything.
 * Everything is asked of the code that carries messages: the lane reads the PUBLISH, the trie finds
 * its routes, and the frame that it would become is written and read back.
 */
import { systemClock } from '../base/clock.js';
import { createLog } from '../base/log.js';
import { readFrame } from '../channel/frame.js';
import { HEADER_PART_BYTES_MAX, PACKET_OVERHEAD_BYTES } from '../config/limits.js';
import type { Connector, Model } from '../config/model.js';
import { type PlannedSession, planSessions } from '../engine/session-plan.js';
import { RouteTable } from '../flow/to-kafka/route-table.js';
import {
  type CompiledRoute,
  compileRoutes,
  planTopic,
  shardIndexOf,
  targetOf,
} from '../flow/to-kafka/routes.js';
import { ConnectorEvents } from '../metrics/events.js';
import { ABSENT, type Publish } from '../mqtt/receive/publish.js';
import type { Subscription } from '../mqtt/subscriptions.js';
import { deadlineOf, frameBytesMax, loops, writeFrame } from '../route/to-kafka.js';
import { type Target, Targets } from '../shard/targets.js';
import type {
  ConnectorExplanation,
  Explanation,
  Fit,
  Outcome,
  RecordExplanation,
  RouteExplanation,
} from './explanation.js';
import { type Message, publishOf } from './message.js';
import { describeRecord } from './record.js';
import { whyNoMatch } from './why-not.js';

export interface ExplainOptions {
  /** How many partitions the Kafka topic has, where that is known. */
  readonly partitions: number | undefined;
}

/** What is wrong with the message itself, by MQTT 5. */
export interface MessageFault {
  readonly fault: string;
}

/**
 * What becomes of `message` in each connector of the model, or why no broker would send it. Connects to
 * nothing; uses the code that carries messages, so that the two cannot differ.
 */
export function explain(
  model: Model,
  message: Message,
  options: ExplainOptions,
): Explanation | MessageFault {
  // Once without any route, so that what MQTT 5 forbids is said even where nothing matches.
  const publish = publishOf(message, 1, 1);
  if ('fault' in publish) return publish;
  const connectors = model.connectors.map((connector) =>
    explainConnector(connector, message, options),
  );
  return {
    topicName: message.topicName,
    qos: message.qos,
    payloadBytes: message.payloadBytes,
    routesMatched: connectors.reduce((sum, { matched }) => sum + matched.length, 0),
    connectors,
  };
}

/** A route that matches, by way of one subscription. */
interface Found {
  readonly route: CompiledRoute;
  readonly subscription: Subscription;
  readonly sessions: readonly string[];
}

function explainConnector(
  connector: Connector,
  message: Message,
  options: ExplainOptions,
): ConnectorExplanation {
  // Nothing happens for these to count or to log.
  const events = new ConnectorEvents(connector.name, createLog('fatal', 'explain'), systemClock);
  const routes = compileRoutes(connector, (name) => events.route(name));
  const found = findRoutes(routes, planSessions(connector, routes, []), message);
  const notMatched = connector.topicMaps
    .flatMap((map) => map.routes)
    .filter(({ name }) => !found.some(({ route }) => route.name === name))
    .map((route) => ({
      route: route.name,
      why:
        route.kind === 'kafkaToMqtt'
          ? 'it goes from Kafka to MQTT'
          : `${JSON.stringify(route.topicFilter)} does not match: ${whyNoMatch(route.topicFilter, message.topicName)}`,
    }));
  const { name, instanceId, shards } = connector;
  const matched = found.map((one) => explainRoute(connector, one, message, options));
  return { connector: name, instanceId, shards, matched, notMatched };
}

/** Routes of the message in the order in which they are written, with all sessions that have them. */
function findRoutes(
  routes: readonly CompiledRoute[],
  sessions: readonly PlannedSession[],
  message: Message,
): Found[] {
  const table = new RouteTable(
    routes,
    sessions.map((session) => session.routes),
  );
  const found = new Map<CompiledRoute, Found>();
  for (const [index, session] of sessions.entries()) {
    // What the broker does for us otherwise: topic filters decide.
    table.useFilters(index, true);
    const publish = publishOf(message, 1, 1) as Publish;
    publish.subscriptionIds = 0;
    for (const route of table.match(index, publish)) {
      const of = session.routes.find((planned) => planned.routes.includes(route));
      const subscription = session.subscriptions.find(({ id }) => id === of?.subscriptionId);
      if (subscription === undefined) continue;
      const others = found.get(route)?.sessions ?? [];
      found.set(route, { route, subscription, sessions: [...others, session.clientId] });
    }
  }
  return [...found.values()].sort((a, b) => a.route.index - b.route.index);
}

function explainRoute(
  connector: Connector,
  { route, subscription, sessions }: Found,
  message: Message,
  options: ExplainOptions,
): RouteExplanation {
  // [MQTT-3.8.4-8]: the lower of what was published and what was granted.
  const qos = Math.min(message.qos, subscription.qos) as 0 | 1;
  const publish = publishOf(message, qos, subscription.id) as Publish;
  const fit = fitOf(connector, publish);
  const { outcome, record } = explainRecord(connector, route, publish, fit, options);
  const { file, line } = route.route.source;
  return {
    route: route.name,
    topicMap: route.map.name,
    source: `${file}:${line}`,
    subscription: {
      filter: subscription.filter,
      qos: subscription.qos,
      subscriptionIdentifier: subscription.id,
      shared: route.route.sharedSubscription !== undefined,
      sessions,
    },
    qos,
    outcome,
    fit,
    record,
  };
}

function fitOf({ maxPayloadBytes, oversize }: Connector, publish: Publish): Fit {
  const { packetBytes, payloadBytes } = publish;
  const maximumPacketSize = oversize === 'refuse' ? maxPayloadBytes + PACKET_OVERHEAD_BYTES : null;
  const fits =
    maximumPacketSize === null ? payloadBytes <= maxPayloadBytes : packetBytes <= maximumPacketSize;
  return { packetBytes, maxPayloadBytes, maximumPacketSize, oversize, fits };
}

/** The data path's own decisions, in its order: MqttToKafka.onPublish. */
function explainRecord(
  connector: Connector,
  route: CompiledRoute,
  publish: Publish,
  fit: Fit,
  options: ExplainOptions,
): { outcome: Outcome; record: RecordExplanation | undefined } {
  const ends = (outcome: Outcome) => ({ outcome, record: undefined });
  const early = beforeTheRoutes(publish, fit);
  if (early !== undefined) return ends(early);
  if (publish.expirySeconds === 0) {
    return ends({ kind: 'expired', why: 'nothing is left of its Message Expiry Interval' });
  }
  if (route.map.loopGuard && loops(route.shape, publish)) {
    return ends({ kind: 'loopStopped', why: 'it has come through this route before' });
  }
  const { shards, instanceId } = connector;
  const targets = new Targets(shards);
  const topic = publish.topic as NonNullable<Publish['topic']>;
  const planned = planTopic(route, topic, targets, shards, instanceId);
  const target = targetOf(planned, publish, targets, instanceId);
  if ('reason' in target) {
    return ends({ kind: 'deadLetter', reason: target.reason, why: target.message });
  }
  const memory = new ArrayBuffer(frameBytesMax(planned.plan, publish));
  const frames = {
    bytes: new Uint8Array(memory),
    words: new Int32Array(memory),
    view: new DataView(memory),
  };
  const deadlineMs = publish.expirySeconds === ABSENT ? 0 : deadlineOf(publish, 0);
  const bytes = writeFrame(frames, 0, planned.plan, publish, 0, target.id, deadlineMs);
  const frame = readFrame(frames.bytes.subarray(0, bytes), new Uint8Array(0), 0);
  const shard = shardIndexOf(planned, publish, shards);
  const record = describeRecord(
    { route, target: target as Target, frame, publish, shard },
    options,
  );
  return { outcome: { kind: 'record' }, record };
}

/** What ends before any route is asked: mqtt/connection.ts and the broker itself. */
function beforeTheRoutes(publish: Publish, fit: Fit): Outcome | undefined {
  const { maxPayloadBytes, maximumPacketSize, packetBytes } = fit;
  const { unreadBytes } = publish;
  if (unreadBytes > 0 && (fit.fits || maximumPacketSize === null)) {
    const why = `topic name and properties take ${unreadBytes} bytes, more than ${HEADER_PART_BYTES_MAX}`;
    return { kind: 'deadLetter', reason: 'propertiesTooLarge', why };
  }
  if (fit.fits) return undefined;
  if (maximumPacketSize === null) {
    const why = `the payload has ${publish.payloadBytes} bytes, more than maxPayloadBytes (${maxPayloadBytes})`;
    return { kind: 'deadLetter', reason: 'oversize', why };
  }
  const why =
    `a packet of ${packetBytes} bytes is over the Maximum Packet Size of ${maximumPacketSize}: ` +
    'the broker drops it silently, after it acknowledged the publisher';
  return { kind: 'notSent', why };
}
