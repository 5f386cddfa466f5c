/* Every metric of ours: its name, what it means and how its samples are read from the counters. The
 * registry and docs/reference/metrics.md are both made from these tables.
 */
import type { ConnectorCounters } from './counters.js';
import { credentialMetrics } from './credential-definitions.js';
import type { LatencyHistogram } from './latency-histogram.js';
import {
  byReason,
  type MetricDefinition,
  ofConnector,
  ofEngine,
  ofRoute,
  ofRouteByReason,
} from './metric-definition.js';
import { recordRouteMetrics } from './record-route-definitions.js';

export interface LabelledHistogram {
  readonly labels: Readonly<Record<string, string>>;
  readonly histogram: LatencyHistogram;
}

const routeMetrics: readonly MetricDefinition[] = [
  ofRoute(
    'counter',
    {
      name: 'millrace_publishes_received_total',
      help: 'PUBLISH packets received, counted for each route that they match',
    },
    ({ traffic }) => traffic.publishesReceived,
  ),
  ofRoute(
    'counter',
    {
      name: 'millrace_publish_payload_bytes_total',
      help: 'Payload bytes of the PUBLISH packets received, for each route that they match',
    },
    ({ traffic }) => traffic.payloadBytesReceived,
  ),
  ofRoute(
    'counter',
    { name: 'millrace_records_sent_total', help: 'Records handed to a Kafka producer' },
    ({ traffic }) => traffic.recordsSent,
  ),
  ofRoute(
    'counter',
    {
      name: 'millrace_records_delivered_total',
      help: 'Records whose delivery report says success at the acks of the route',
    },
    ({ traffic }) => traffic.recordsDelivered,
  ),
  ofRoute(
    'counter',
    {
      name: 'millrace_messages_expired_total',
      help: 'Messages not sent because their Message Expiry Interval had passed; acknowledged',
    },
    (route) => route.messagesExpired,
  ),
  ofRoute(
    'counter',
    {
      name: 'millrace_messages_loop_stopped_total',
      help: 'Messages not sent because they had come through the same route before; acknowledged',
    },
    (route) => route.messagesLoopStopped,
  ),
  ofRoute(
    'counter',
    {
      name: 'millrace_record_keys_missing_total',
      help: 'Messages without the property named by partitionKeyProperty; sent like `default`',
    },
    (route) => route.keysMissing,
  ),
  ofRouteByReason(
    {
      name: 'millrace_messages_dead_lettered_total',
      help: 'Messages that can never be delivered, written to the dead-letter store',
    },
    (route) => route.deadLettered,
  ),
  ofRouteByReason(
    {
      name: 'millrace_holds_total',
      help: 'How often a shard began to hold a Kafka topic, or a message for the dead-letter store, to try it again and again',
    },
    (route) => route.holds,
  ),
  ofRoute(
    'gauge',
    {
      name: 'millrace_holds',
      help: 'What is held now, each with all that waits behind it: Kafka topics, counted by shard, and messages for the dead-letter store',
    },
    (route) => route.holdsNow,
  ),
];

const connectorMetrics: readonly MetricDefinition[] = [
  ofConnector(
    'counter',
    {
      name: 'millrace_pubacks_sent_total',
      help: 'PUBACKs sent; `refused` has a reason code of 0x80 or above',
      labels: ['result'],
    },
    (counters) => [
      { labels: { result: 'success' }, value: counters.pubacksSucceeded },
      { labels: { result: 'refused' }, value: counters.pubacksRefused },
    ],
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_publishes_unrouted_total',
      help: 'PUBLISH packets of a stale subscription, which no route has; acknowledged',
    },
    (counters) => counters.publishesUnrouted,
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_redeliveries_joined_total',
      help: 'PUBLISH packets sent again by the broker while their first delivery was still open',
    },
    (counters) => counters.redeliveriesJoined,
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_messages_unconfirmed_total',
      help: 'QoS 1 messages left to the broker to send again, as Kafka may have them or not: each may come twice',
    },
    (counters) => counters.messagesUnconfirmed,
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_qos0_messages_lost_total',
      help: 'QoS 0 messages that were given up',
      labels: ['reason'],
    },
    (counters) => byReason(counters.qos0Lost),
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_connection_losses_total',
      help: 'Connections lost, and attempts to connect that failed, each followed by another attempt',
      labels: ['side', 'reason'],
    },
    (counters) => [
      ...byReason(counters.mqttLosses, { side: 'mqtt' }),
      ...byReason(counters.kafkaLosses, { side: 'kafka' }),
    ],
  ),
  ofConnector(
    'counter',
    { name: 'millrace_mqtt_connects_total', help: 'Successful connections to the MQTT broker' },
    (counters) => counters.mqttConnects,
  ),
  ofConnector(
    'gauge',
    { name: 'millrace_mqtt_sessions_connected', help: 'MQTT sessions that have a connection now' },
    (counters) => counters.sessionsConnected.size,
  ),
  ofEngine(
    { name: 'millrace_mqtt_sessions', help: 'MQTT sessions that the configuration asks for' },
    'sessions',
  ),
  ofConnector(
    'gauge',
    {
      name: 'millrace_mqtt_subscriptions_refused',
      help: 'Subscriptions that the MQTT broker refuses now; each is tried again',
    },
    (counters) =>
      [...counters.subscriptionsRefused.values()].reduce((sum, filters) => sum + filters.size, 0),
  ),
  ofConnector(
    'gauge',
    {
      name: 'millrace_kafka_up',
      help: '1 where the producer of the shard has a Kafka broker that answers',
      labels: ['shard'],
    },
    (counters) =>
      [...counters.shards.values()].map(({ shard, kafkaUp }) => ({
        labels: { shard: String(shard) },
        value: kafkaUp ? 1 : 0,
      })),
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_access_tokens_total',
      help: 'Access tokens that were had for the managed identity: the first, and each that replaced one',
    },
    (counters) => counters.accessTokens,
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_access_token_failures_total',
      help: 'Requests for an access token that brought none; each is tried again',
    },
    (counters) => counters.accessTokenFailures,
  ),
  ofConnector(
    'gauge',
    {
      name: 'millrace_access_token_expiry_seconds',
      help: 'Time until the access token expires, below 0 where it has; absent where there is none',
    },
    ({ accessTokenExpiresAtMs: atMs }, clock) =>
      atMs === undefined ? [] : [{ labels: {}, value: (atMs - clock.wallMs()) / 1000 }],
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_workers_replaced_total',
      help: 'Workers that died and were replaced',
      labels: ['shard'],
    },
    (counters) =>
      [...counters.shards.values()].map(({ shard, workersReplaced }) => ({
        labels: { shard: String(shard) },
        value: workersReplaced,
      })),
  ),
  ofConnector(
    'gauge',
    {
      name: 'millrace_worker_silent_seconds',
      help: 'For how long the loop of the worker has not turned; 0 where it turns',
      labels: ['shard'],
    },
    (counters) =>
      [...counters.shards.values()].map(({ shard, workerSilentSeconds }) => ({
        labels: { shard: String(shard) },
        value: workerSilentSeconds,
      })),
  ),
  ofConnector(
    'gauge',
    {
      name: 'millrace_records_unanswered_seconds',
      help: 'For how long Kafka, although connected, has said nothing of the oldest record; 0 below 30 s',
      labels: ['shard'],
    },
    (counters) =>
      [...counters.shards.values()].map(({ shard, recordsUnansweredSeconds }) => ({
        labels: { shard: String(shard) },
        value: recordsUnansweredSeconds,
      })),
  ),
  ofConnector(
    'gauge',
    {
      name: 'millrace_publishes_unanswered_seconds',
      help: 'For how long the MQTT broker has not acknowledged the oldest PUBLISH of ours; 0 below 30 s',
    },
    (counters) => Math.max(0, ...counters.publishesUnansweredSeconds.values()),
  ),
  ofConnector(
    'counter',
    {
      name: 'millrace_socket_paused_seconds_total',
      help: 'Time for which reading from the MQTT broker was paused, summed over the sessions',
    },
    (counters, clock) => counters.pausedMsUntil(clock.monotonicMs()) / 1000,
  ),
];

const engineMetrics: readonly MetricDefinition[] = [
  ofEngine(
    { name: 'millrace_deliveries_in_flight', help: 'QoS 1 deliveries that are open now' },
    'deliveriesInFlight',
  ),
  ofEngine(
    {
      name: 'millrace_deliveries_in_flight_limit',
      help: 'QoS 1 deliveries that may be open: the Receive Maximum of all sessions',
    },
    'deliveriesInFlightMax',
  ),
  ofEngine(
    {
      name: 'millrace_publishes_in_flight',
      help: 'PUBLISH packets of QoS 1 that we have sent and the broker has not acknowledged',
    },
    'publishesInFlight',
  ),
  ofEngine(
    { name: 'millrace_qos0_deliveries_in_flight', help: 'QoS 0 deliveries that are open now' },
    'qos0DeliveriesInFlight',
  ),
  ofEngine(
    {
      name: 'millrace_qos0_deliveries_in_flight_limit',
      help: 'QoS 0 deliveries that may be open, beside those of QoS 1',
    },
    'qos0DeliveriesInFlightMax',
  ),
  ofEngine(
    { name: 'millrace_dead_letters', help: 'Letters in the dead-letter store' },
    'deadLetters',
  ),
  ofEngine(
    { name: 'millrace_dead_letters_limit', help: 'Letters that the dead-letter store may hold' },
    'deadLettersMax',
  ),
  ofEngine(
    { name: 'millrace_dead_letter_bytes', help: 'Bytes in the dead-letter store' },
    'deadLetterBytes',
  ),
  ofEngine(
    {
      name: 'millrace_dead_letter_bytes_limit',
      help: 'Bytes that the dead-letter store may hold',
    },
    'deadLetterBytesMax',
  ),
];

export const metricDefinitions: readonly MetricDefinition[] = [
  ...routeMetrics,
  ...recordRouteMetrics,
  ...connectorMetrics,
  ...credentialMetrics,
  ...engineMetrics,
];

export const latencyDefinition = {
  name: 'millrace_delivery_latency_seconds',
  help: 'Time from the arrival of a PUBLISH to the delivery report of its record',
  labels: ['connector', 'route'],
  histograms: ({ connector, routes }: ConnectorCounters) =>
    [...routes.values()].map(
      (counters): LabelledHistogram => ({
        labels: { connector, route: counters.route },
        histogram: counters.traffic.latency,
      }),
    ),
} as const;
