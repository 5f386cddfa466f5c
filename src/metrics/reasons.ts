/* Every value that a `reason` label can have. The lists are fixed, so the number of time series is
 * known from the configuration alone; whatever comes from the wire goes into log lines instead.
 */

/** Why a message went to the dead-letter store. */
export const deadLetterReasons = [
  /** Kafka refused a record that was sent alone: larger than its limit. */
  'recordTooLarge',
  /** Kafka refused a record that was sent alone: invalid. */
  'recordInvalid',
  /** A PUBLISH larger than `maxPayloadBytes`, with `oversize: deadLetter`. */
  'oversize',
  /** A PUBLISH with more bytes of topic name and properties than are read. */
  'propertiesTooLarge',
  /** The template of `kafkaTopic` gave a name that Kafka forbids. */
  'kafkaTopicInvalid',
  /** The template of `kafkaTopic` gave more distinct names than `maxKafkaTopics`. */
  'kafkaTopicLimit',
  /** A packet that MQTT 5 forbids came three times under the same packet identifier. */
  'malformedPacket',
  /** The template of `mqttTopic` gave a name that MQTT forbids. */
  'mqttTopicInvalid',
  /** A PUBLISH larger than the broker's Maximum Packet Size, or properties larger than MQTT can carry. */
  'publishTooLarge',
  /** The broker answered a PUBLISH with a reason code of 0x80 or above. */
  'publishRefused',
] as const;
export type DeadLetterReason = (typeof deadLetterReasons)[number];

/** Why a Kafka topic or a dead letter is held: it is tried again, with backoff, until it succeeds. */
export const holdReasons = [
  'notAuthorised',
  'unknownTopic',
  'quota',
  'deadLetterStore',
  'other',
] as const;
export type HoldReason = (typeof holdReasons)[number];

/** Why a connection was lost or could not be made, on either side. */
export const connectionLossReasons = [
  'refused',
  'closed',
  'timeout',
  'network',
  'tls',
  'authentication',
  'protocol',
  'serverDisconnect',
  'workerDied',
  'possiblyPersisted',
  'fatalProducer',
  /** Not lost: given up for one with new credentials. */
  'newCredentials',
  'other',
] as const;
export type ConnectionLossReason = (typeof connectionLossReasons)[number];

/** Why a QoS 0 message was given up. */
export const qos0LossReasons = ['workerDied', 'deliveryFailed', 'drainTimeout'] as const;
export type Qos0LossReason = (typeof qos0LossReasons)[number];

/** One counter for each reason of a list. */
export type CountByReason<R extends string> = Record<R, number>;

/** All keys exist from the start, so that every series is there at the first scrape. */
export function zeroCounts<R extends string>(reasons: readonly R[]): CountByReason<R> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as CountByReason<R>;
}
