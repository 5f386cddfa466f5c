/* Where Event Hubs need other settings than Kafka: what Microsoft recommends for librdkafka in
 * "Apache Kafka client configurations for Azure Event Hubs" (Azure documentation, event-hubs,
 * apache-kafka-configurations, December 2025). `socket.keepalive.enable` is on for every Kafka.
 */

/** `metadata.max.age.ms`: Azure closes what is idle for 240 s. */
export const METADATA_AGE_MS_MAX = '180000';
/** `request.timeout.ms`: they take at least 20 s, whatever a request says. */
export const REQUEST_TIMEOUT_MS = '60000';
/** `session.timeout.ms` */
export const SESSION_TIMEOUT_MS = '30000';
