/* The configuration that kernels run with: one connector with one route each way. */
import { createLog } from '../../src/base/log.js';
import type {
  Connector,
  KafkaToMqttRoute,
  MqttToKafkaRoute,
  TopicMap,
} from '../../src/config/model.js';
import {
  type CompiledRecordRoute,
  compileRecordRoutes,
} from '../../src/flow/to-mqtt/record-routes.js';
import { ConnectorEvents } from '../../src/metrics/events.js';
import { stillClock } from './still-clock.js';

const SOURCE = { file: 'kernel.yaml', line: 1 };

const UP: MqttToKafkaRoute = {
  kind: 'mqttToKafka',
  name: 'up',
  source: SOURCE,
  topicFilter: 'plant/#',
  sharedSubscription: undefined,
  kafkaTopic: 'plant',
  kafkaAcks: 'one',
  qos: 1,
  ownSession: false,
};

const DOWN: KafkaToMqttRoute = {
  kind: 'kafkaToMqtt',
  name: 'down',
  source: SOURCE,
  kafkaTopic: 'commands',
  mqttTopic: `devices/\${key}`,
  consumerGroupId: 'group',
  qos: 1,
  offsetReset: 'earliest',
  commitIntervalMs: 1_000,
  revokeTimeoutMs: 30_000,
  onNoSubscriber: 'accept',
  retain: 'keep',
  allowLoop: false,
  ownSession: false,
};

export function connectorOf(changes: Partial<TopicMap>): Connector {
  const map: TopicMap = {
    name: 'map',
    source: SOURCE,
    compression: 'none',
    batching: undefined,
    partitionStrategy: 'topic',
    partitionKeyProperty: undefined,
    copyMqttProperties: false,
    preserveTopic: true,
    loopGuard: true,
    maxKafkaTopics: 100,
    routes: [UP, DOWN],
    ...changes,
  };
  return {
    name: 'kernel',
    source: SOURCE,
    instances: 1,
    instanceId: 0,
    clientIdPrefix: undefined,
    logLevel: 'error',
    shards: 1,
    maxPayloadBytes: 1_000_000,
    oversize: 'refuse',
    kafka: {
      bootstrapServers: 'kafka:9092',
      isEventHubs: false,
      tls: undefined,
      authentication: { kind: 'none' },
    },
    mqtt: {
      host: 'broker',
      port: 1883,
      webSocketPath: undefined,
      tls: undefined,
      authentication: { kind: 'none' },
      alpnProtocols: [],
      keepAliveSeconds: 60,
      sessionExpirySeconds: 3_600,
      receiveMaximum: 1_000,
    },
    topicMaps: [map],
  };
}

export function connectorEvents(): ConnectorEvents {
  return new ConnectorEvents('kernel', createLog('error', 'kernel'), stillClock);
}

/** A route from Kafka whose MQTT topic is made of the record's key. */
export function compiledRecordRoute(): CompiledRecordRoute {
  const events = connectorEvents();
  const [route] = compileRecordRoutes(connectorOf({ copyMqttProperties: true }), (name) =>
    events.recordRoute(name),
  );
  return route as CompiledRecordRoute;
}
