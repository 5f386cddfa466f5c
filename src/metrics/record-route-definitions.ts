/* The metrics of routes from Kafka to MQTT. */
import { type MetricDefinition, ofRecordRoute } from './metric-definition.js';

export const recordRouteMetrics: readonly MetricDefinition[] = [
  ofRecordRoute(
    'counter',
    { name: 'millrace_records_consumed_total', help: 'Records read from Kafka' },
    (route) => route.recordsConsumed,
  ),
  ofRecordRoute(
    'counter',
    { name: 'millrace_record_payload_bytes_total', help: 'Value bytes of the records read' },
    (route) => route.payloadBytesConsumed,
  ),
  ofRecordRoute(
    'counter',
    {
      name: 'millrace_publishes_sent_total',
      help: 'PUBLISH packets sent, without those that were sent again after a reconnect',
    },
    (route) => route.publishesSent,
  ),
  ofRecordRoute(
    'counter',
    {
      name: 'millrace_publishes_resent_total',
      help: 'PUBLISH packets sent again after a reconnect',
    },
    (route) => route.publishesResent,
  ),
  ofRecordRoute(
    'counter',
    {
      name: 'millrace_publishes_acknowledged_total',
      help: 'PUBLISH packets that the broker took: QoS 1 by its PUBACK, QoS 0 once written',
    },
    (route) => route.publishesAcknowledged,
  ),
  ofRecordRoute(
    'counter',
    {
      name: 'millrace_publishes_without_subscribers_total',
      help: 'PUBACKs with No matching subscribers (0x10)',
    },
    (route) => route.publishesUnheard,
  ),
  ofRecordRoute(
    'counter',
    {
      name: 'millrace_record_headers_left_out_total',
      help: 'Headers that MQTT cannot carry; the message went without them',
    },
    (route) => route.headersLeftOut,
  ),
  ofRecordRoute(
    'counter',
    {
      name: 'millrace_publish_retain_left_out_total',
      help: 'Messages sent without RETAIN because the broker has no retained messages',
    },
    (route) => route.retainLeftOut,
  ),
  ofRecordRoute(
    'gauge',
    {
      name: 'millrace_records_held',
      help: 'Records that the broker did not take and that wait to be tried again, now',
    },
    (route) => route.recordsHeldNow,
  ),
  ofRecordRoute(
    'counter',
    { name: 'millrace_offset_commits_total', help: 'Commits of offsets that Kafka took' },
    (route) => route.commitsSucceeded,
  ),
  ofRecordRoute(
    'counter',
    {
      name: 'millrace_offset_commit_failures_total',
      help: 'Commits of offsets that failed; each is tried again',
    },
    (route) => route.commitsFailed,
  ),
  ofRecordRoute(
    'gauge',
    { name: 'millrace_partitions_assigned', help: 'Partitions that the route reads now' },
    (route) => route.partitionsAssigned,
  ),
];
