/* The resources that a bench gives to the connector under test. */
import { stringify } from 'yaml';
import { routeFilterOf } from './load/payload.js';
import { payloadBytesMax } from './load/payload-mix.js';
import {
  type BenchOptions,
  keyPropertyOf,
  payloadOfMessages,
  publishes,
  reads,
} from './options.js';
import type { RoundNames } from './round-names.js';

/** `maxPayloadBytes` where a resource does not give it. */
const PAYLOAD_BYTES_DEFAULT = 16_777_216;
export const CONNECTOR_NAME = 'bench';
const API_VERSION = 'mq.iotoperations.azure.com/v1beta1';

export interface BenchEndpoints extends RoundNames {
  /** `HOST:PORT`. */
  readonly mqttEndpoint: string;
  readonly bootstrapServers: string;
}

/** The name of the route of that number to Kafka. */
export function routeNameOf(route: number, routes: number): string {
  return routes === 1 ? 'bench' : `bench-${route}`;
}

/** A KafkaConnector and its KafkaConnectorTopicMap, as YAML documents. */
export function connectorYaml(options: BenchOptions, endpoints: BenchEndpoints): string {
  const tls = { tlsEnabled: false };
  const maxPayloadBytes = payloadBytesMax(payloadOfMessages(options));
  const connector = {
    apiVersion: API_VERSION,
    kind: 'KafkaConnector',
    metadata: { name: CONNECTOR_NAME, namespace: 'default' },
    spec: {
      image: { pullPolicy: 'IfNotPresent', repository: 'millrace', tag: 'bench' },
      instances: 1,
      clientIdPrefix: endpoints.atBroker?.clientIdPrefix ?? 'millrace',
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
        // A broker keeps nothing of it when the connector is gone.
        ...(endpoints.atBroker === undefined ? {} : { sessionExpirySeconds: 0 }),
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
      kafkaConnectorRef: CONNECTOR_NAME,
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

function routesOf(options: BenchOptions, endpoints: BenchEndpoints): unknown[] {
  const { feedTopic, feedRoot } = endpoints;
  const kafkaToMqtt = {
    name: 'feed',
    kafkaTopic: feedTopic,
    mqttTopic: `${feedRoot}/\${key}`,
    consumerGroupId: feedTopic,
    qos: options.qos,
  };
  return [
    ...(publishes(options) ? loadRoutesOf(options, endpoints) : []),
    ...(reads(options) ? [{ kafkaToMqtt }] : []),
  ];
}

function loadRoutesOf(options: BenchOptions, endpoints: BenchEndpoints): unknown[] {
  const { acks, qos, connections } = options;
  const { kafkaTopic, loadRoot, atBroker } = endpoints;
  const routes = Array.from({ length: options.routes }, (_, n) => ({
    name: routeNameOf(n, options.routes),
    mqttTopic: routeFilterOf(loadRoot, n, options.routes),
    kafkaTopic,
    kafkaAcks: acks,
    qos,
  }));
  if (atBroker !== undefined) {
    const { readyMqttTopic, readyKafkaTopic } = atBroker;
    const ready = { name: 'ready', mqttTopic: readyMqttTopic, kafkaTopic: readyKafkaTopic, qos: 0 };
    // Last, as routes are subscribed in their order: where this one receives, all do.
    return [...routes, ready].map((mqttToKafka) => ({ mqttToKafka }));
  }
  if (connections === 1) return routes.map((mqttToKafka) => ({ mqttToKafka }));
  const sharedSubscription = { groupName: 'bench', groupMinimumShareNumber: connections };
  return routes.map((route) => ({ mqttToKafka: { ...route, sharedSubscription } }));
}
