/* The resources that a bench gives to the connector under test. */
import { stringify } from 'yaml';
import { payloadBytesMax } from './load/payload-mix.js';
import {
  type BenchOptions,
  keyPropertyOf,
  payloadOfMessages,
  publishes,
  reads,
} from './options.js';

/** `maxPayloadBytes` where a resource does not give it. */
const PAYLOAD_BYTES_DEFAULT = 16_777_216;
const API_VERSION = 'mq.iotoperations.azure.com/v1beta1';

export interface BenchEndpoints {
  /** `HOST:PORT`. */
  readonly mqttEndpoint: string;
  readonly bootstrapServers: string;
  /** What it writes to. */
  readonly kafkaTopic: string;
  /** What it reads; its consumer group begins with the same name. */
  readonly feedTopic: string;
}

/** A KafkaConnector and its KafkaConnectorTopicMap, as YAML documents. */
export function connectorYaml(options: BenchOptions, endpoints: BenchEndpoints): string {
  const tls = { tlsEnabled: false };
  const maxPayloadBytes = payloadBytesMax(payloadOfMessages(options));
  const connector = {
    apiVersion: API_VERSION,
    kind: 'KafkaConnector',
    metadata: { name: 'bench', namespace: 'default' },
    spec: {
      image: { pullPolicy: 'IfNotPresent', repository: 'millrace', tag: 'bench' },
      instances: 1,
      clientIdPrefix: 'millrace',
      logLevel: 'warn',
      ...(options.shards === undefined ? {} : { shards: options.shards }),
      ...(maxPayloadBytes > PAYLOAD_BYTES_DEFAULT ? { maxPayloadBytes } : {}),
      kafkaConnection: {
        endpoint: endpoints.bootstrapServers,
        tls,
        authentication: { enabled: false },
      },
      localBrokerConnection: {
        endpoint: endpoints.mqttEndpoint,
        tls,
        receiveMaximum: options.receiveMaximum,
      },
    },
  };
  const batching =
    options.latencyMs === undefined
      ? { enabled: false }
      : { enabled: true, latencyMs: options.latencyMs };
  const topicMap = {
    apiVersion: API_VERSION,
    kind: 'KafkaConnectorTopicMap',
    metadata: { name: 'bench', namespace: 'default' },
    spec: {
      kafkaConnectorRef: 'bench',
      compression: options.compression,
      batching,
      ...partitioning(options),
      copyMqttProperties: options.copyProperties,
      routes: routesOf(options, endpoints),
    },
  };
  return `${stringify(connector)}---\n${stringify(topicMap)}`;
}

function partitioning(options: BenchOptions) {
  const partitionKeyProperty = publishes(options) ? keyPropertyOf(options) : undefined;
  if (partitionKeyProperty === undefined) return { partitionStrategy: 'topic' };
  return { partitionStrategy: 'property', partitionKeyProperty };
}

function routesOf(options: BenchOptions, { kafkaTopic, feedTopic }: BenchEndpoints): unknown[] {
  const { acks, qos, connections } = options;
  const mqttToKafka = {
    name: 'bench',
    mqttTopic: 'bench/#',
    kafkaTopic,
    kafkaAcks: acks,
    qos,
    ...(connections === 1
      ? {}
      : { sharedSubscription: { groupName: 'bench', groupMinimumShareNumber: connections } }),
  };
  const kafkaToMqtt = {
    name: 'feed',
    kafkaTopic: feedTopic,
    mqttTopic: `feed/\${key}`,
    consumerGroupId: feedTopic,
    qos,
  };
  return [
    ...(publishes(options) ? [{ mqttToKafka }] : []),
    ...(reads(options) ? [{ kafkaToMqtt }] : []),
  ];
}
