/* The validated configuration: what `load` and `validate` make of the documents, and the only part
 * of config/ that the rest of Millrace imports. Deep-frozen: every default is applied, every name
 * is resolved, every number is in its range.
 */
import type { LogLevel } from '../base/log.js';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4';
export type PartitionStrategy = 'default' | 'static' | 'topic' | 'property';
export type KafkaAcks = 'zero' | 'one' | 'all';
export type Qos = 0 | 1;

/** Where a resource was written, for messages to people. */
export interface Source {
  readonly file: string;
  readonly line: number;
}

export interface Model {
  readonly connectors: readonly Connector[];
}

/** One KafkaConnector with the topic maps that refer to it. */
export interface Connector {
  readonly name: string;
  readonly source: Source;
  readonly instances: number;
  /** 0-based; which of `instances` this process is. */
  readonly instanceId: number;
  readonly clientIdPrefix: string | undefined;
  readonly logLevel: LogLevel;
  /** Extension: how many workers, each with its own producers. */
  readonly shards: number;
  /** Extension: the largest payload carried, in bytes. */
  readonly maxPayloadBytes: number;
  /** Extension: what happens to a larger one. `refuse` announces a Maximum Packet Size. */
  readonly oversize: 'refuse' | 'deadLetter';
  readonly kafka: KafkaConnection;
  readonly mqtt: MqttConnection;
  readonly topicMaps: readonly TopicMap[];
}

export interface KafkaConnection {
  /** host:port, separated by commas. */
  readonly bootstrapServers: string;
  /** Whether it is an Azure Event Hubs namespace. */
  readonly isEventHubs: boolean;
  /** `undefined`: plain. */
  readonly tls: Tls | undefined;
  readonly authentication: KafkaAuthentication;
}

export interface Tls {
  /** The config map that holds the CA; `undefined`: the CAs that the system trusts. */
  readonly caConfigMap: string | undefined;
}

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

/** Secrets by name only: their values are read when a connection is made (secrets/secret-source.ts). */
export type KafkaAuthentication =
  | { readonly kind: 'none' }
  | { readonly kind: 'sasl'; readonly mechanism: SaslMechanism; readonly secretName: string }
  | { readonly kind: 'x509'; readonly secretName: string }
  | { readonly kind: 'systemAssignedManagedIdentity'; readonly audience: string };

export interface MqttConnection {
  readonly host: string;
  readonly port: number;
  /** Present where MQTT travels over WebSocket. */
  readonly webSocketPath: string | undefined;
  /** `undefined`: plain. */
  readonly tls: Tls | undefined;
  readonly authentication: MqttAuthentication;
  /** Extension: the protocols offered to the server by ALPN; none where it is empty. */
  readonly alpnProtocols: readonly string[];
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly receiveMaximum: number;
}

/**
 * Secrets by name only, as for Kafka. `required: false`: the token is sent where a pod has one mounted,
 * and nothing where it has none.
 */
export type MqttAuthentication =
  | { readonly kind: 'none' }
  | { readonly kind: 'usernamePassword'; readonly secretName: string }
  | { readonly kind: 'x509'; readonly secretName: string }
  | { readonly kind: 'kubernetes'; readonly audience: string; readonly required: boolean };

/** `linger.ms` and batch limits; `undefined` where batching is off: nothing waits. */
export interface Batching {
  readonly latencyMs: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
}

export interface TopicMap {
  readonly name: string;
  readonly source: Source;
  readonly compression: Compression;
  readonly batching: Batching | undefined;
  readonly partitionStrategy: PartitionStrategy;
  /** Present where the strategy is `property`. */
  readonly partitionKeyProperty: string | undefined;
  readonly copyMqttProperties: boolean;
  /** Extension: the header `Topic` on each record. */
  readonly preserveTopic: boolean;
  /** Extension: stop a message that comes through the same route again. */
  readonly loopGuard: boolean;
  /** Extension: how many distinct names `kafkaTopic` templates may give. */
  readonly maxKafkaTopics: number;
  readonly routes: readonly Route[];
}

export type Route = MqttToKafkaRoute | KafkaToMqttRoute;

export interface MqttToKafkaRoute {
  readonly kind: 'mqttToKafka';
  readonly name: string;
  readonly source: Source;
  /** The topic filter, without any `$share/<group>/` before it. */
  readonly topicFilter: string;
  readonly sharedSubscription: SharedSubscription | undefined;
  /** A Kafka topic name, or a template: see route/template.ts. */
  readonly kafkaTopic: string;
  readonly kafkaAcks: KafkaAcks;
  readonly qos: Qos;
  /** Extension: a session of its own, so that its held deliveries stall nobody else. */
  readonly ownSession: boolean;
}

export interface SharedSubscription {
  readonly groupName: string;
  /** How many subscribers this instance opens in the group, at least 1. */
  readonly subscribers: number;
}

export interface KafkaToMqttRoute {
  readonly kind: 'kafkaToMqtt';
  readonly name: string;
  readonly source: Source;
  readonly kafkaTopic: string;
  /** An MQTT topic name, or a template: see route/mqtt-topic-template.ts. */
  readonly mqttTopic: string;
  /** The whole of it, the name of the route included. */
  readonly consumerGroupId: string;
  readonly qos: Qos;
  /** Extension: where a partition without a committed offset begins. */
  readonly offsetReset: 'earliest' | 'latest';
  /** Extension: how often offsets are committed. */
  readonly commitIntervalMs: number;
  /** Extension: how long a revoked partition, or a stop, waits for PUBACKs. */
  readonly revokeTimeoutMs: number;
  /** Extension: what No matching subscribers (0x10) in a PUBACK means for the record. */
  readonly onNoSubscriber: 'accept' | 'hold';
  /** Extension: `keep` sets RETAIN where the header `Retain` says so. */
  readonly retain: 'keep' | 'never';
  /** Extension: the route may be part of a circle. */
  readonly allowLoop: boolean;
  /** Extension: a session of its own, so that what it waits for stalls nobody else. */
  readonly ownSession: boolean;
}
