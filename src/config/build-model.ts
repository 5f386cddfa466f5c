/* Checked resources -> the model: both spellings become one, names are resolved, numbers are in
 * the range that the parts below can use.
 */

import { Value } from '@sinclair/typebox/value';
import { assert } from '../base/assert.js';
import { deepFreeze } from '../base/deep-freeze.js';
import {
  type KafkaConnectorSpec,
  KUBERNETES_AUDIENCE,
  LocalBrokerConnection,
  SHARDS_MAX,
} from './kinds/kafka-connector.js';
import type { KafkaConnectorTopicMapSpec } from './kinds/kafka-connector-topic-map.js';
import type {
  Connector,
  KafkaAuthentication,
  KafkaConnection,
  Model,
  MqttAuthentication,
  MqttConnection,
  Route,
  SaslMechanism,
  SharedSubscription,
  Source,
  Tls,
  TopicMap,
} from './model.js';
import type { ConnectorResource, Resources, TopicMapResource } from './resource.js';
import { isEventHubs } from './rules/connector.js';
import {
  formatHostPort,
  meansTls,
  parseKafkaEndpoint,
  parseMqttEndpoint,
} from './rules/endpoints.js';
import { consumerGroupOf, splitSharedFilter } from './rules/names.js';
import { clampToBatchRange } from './rules/topic-map.js';

export interface BuildOptions {
  readonly instanceId: number;
  readonly cores: number;
}

/** Only for resources in which no rule found an error. */
export function buildModel(resources: Resources, options: BuildOptions): Model {
  const connectors = resources.connectors.map((resource) => {
    const maps = resources.topicMaps.filter((map) => map.spec.kafkaConnectorRef === resource.name);
    return connectorOf(resource, maps, options);
  });
  return deepFreeze({ connectors });
}

function connectorOf(
  resource: ConnectorResource,
  maps: readonly TopicMapResource[],
  { instanceId, cores }: BuildOptions,
): Connector {
  const spec = resource.complete;
  assert(spec !== undefined, 'a connector without errors is complete');
  return {
    name: resource.name,
    source: sourceOf(resource, []),
    instances: spec.instances,
    instanceId,
    clientIdPrefix: spec.clientIdPrefix,
    logLevel: spec.logLevel,
    shards: spec.shards ?? Math.min(Math.max(cores - 1, 1), SHARDS_MAX),
    maxPayloadBytes: spec.maxPayloadBytes,
    oversize: spec.oversize,
    kafka: kafkaOf(spec.kafkaConnection),
    mqtt: mqttOf(spec.localBrokerConnection),
    topicMaps: maps.map(topicMapOf),
  };
}

type Resource = ConnectorResource | TopicMapResource;

function sourceOf({ document }: Resource, path: readonly (string | number)[]): Source {
  return { file: document.file, line: document.lineAt(path) };
}

function kafkaOf(spec: KafkaConnectorSpec['kafkaConnection']): KafkaConnection {
  const endpoint = parseKafkaEndpoint(spec.endpoint);
  assert(endpoint.ok, 'a checked Kafka end point parses');
  return {
    bootstrapServers: endpoint.value.map(formatHostPort).join(','),
    isEventHubs: isEventHubs(endpoint.value),
    tls: tlsOf(spec.tls),
    authentication: kafkaAuthenticationOf(spec.authentication),
  };
}

function tlsOf(spec: KafkaConnectorSpec['kafkaConnection']['tls']): Tls | undefined {
  if (!spec.tlsEnabled) return undefined;
  return { caConfigMap: spec.caConfigMap ?? spec.trustedCaCertificateConfigMap };
}

const MECHANISMS: Readonly<Record<string, SaslMechanism>> = {
  plain: 'plain',
  'scram-sha-256': 'scram-sha-256',
  scramSha256: 'scram-sha-256',
  'scram-sha-512': 'scram-sha-512',
  scramSha512: 'scram-sha-512',
};

function kafkaAuthenticationOf(
  spec: KafkaConnectorSpec['kafkaConnection']['authentication'],
): KafkaAuthentication {
  const type = spec?.enabled ? spec.authType : undefined;
  if (type?.sasl !== undefined) {
    const mechanism = MECHANISMS[type.sasl.saslType];
    const secretName = type.sasl.secretName ?? type.sasl.token?.secretName;
    assert(mechanism !== undefined, 'a checked SASL type is known');
    assert(secretName !== undefined, 'checked SASL names a secret');
    return { kind: 'sasl', mechanism, secretName };
  }
  if (type?.x509 !== undefined) return { kind: 'x509', secretName: type.x509.secretName };
  const identity = type?.systemAssignedManagedIdentity;
  if (identity === undefined) return { kind: 'none' };
  return { kind: 'systemAssignedManagedIdentity', audience: identity.audience };
}

function mqttOf(written: KafkaConnectorSpec['localBrokerConnection']): MqttConnection {
  const spec = written ?? Value.Default(LocalBrokerConnection, {});
  assert(Value.Check(LocalBrokerConnection, spec), 'the defaults satisfy their own schema');
  const endpoint = parseMqttEndpoint(spec.endpoint);
  assert(endpoint.ok, 'a checked MQTT end point parses');
  const { scheme, host, port, webSocketPath } = endpoint.value;
  const tlsEnabled = spec.tls.tlsEnabled || meansTls(scheme);
  return {
    host,
    port,
    webSocketPath,
    tls: tlsOf({ ...spec.tls, tlsEnabled }),
    authentication:
      written === undefined
        ? { kind: 'kubernetes', audience: KUBERNETES_AUDIENCE, required: false }
        : mqttAuthenticationOf(written.authentication),
    alpnProtocols: tlsEnabled ? spec.tls.alpnProtocols : [],
    keepAliveSeconds: spec.keepAliveSeconds,
    sessionExpirySeconds: spec.sessionExpirySeconds,
    receiveMaximum: spec.receiveMaximum,
  };
}

function mqttAuthenticationOf(
  spec: NonNullable<KafkaConnectorSpec['localBrokerConnection']>['authentication'],
): MqttAuthentication {
  const { kubernetes, usernamePassword, x509 } = spec ?? {};
  if (kubernetes !== undefined) {
    return { kind: 'kubernetes', audience: kubernetes.audience, required: true };
  }
  if (usernamePassword !== undefined) return { kind: 'usernamePassword', ...usernamePassword };
  return x509 === undefined ? { kind: 'none' } : { kind: 'x509', ...x509 };
}

function topicMapOf(resource: TopicMapResource): TopicMap {
  const spec = resource.complete;
  assert(spec !== undefined, 'a topic map without errors is complete');
  const { enabled, latencyMs, maxMessages, maxBytes } = spec.batching;
  const isKeyed = spec.partitionStrategy === 'property';
  return {
    name: resource.name,
    source: sourceOf(resource, []),
    compression: spec.compression,
    batching: enabled
      ? {
          latencyMs,
          maxMessages: clampToBatchRange('maxMessages', maxMessages),
          maxBytes: clampToBatchRange('maxBytes', maxBytes),
        }
      : undefined,
    partitionStrategy: spec.partitionStrategy,
    partitionKeyProperty: isKeyed ? spec.partitionKeyProperty : undefined,
    copyMqttProperties: spec.copyMqttProperties === true || spec.copyMqttProperties === 'true',
    preserveTopic: spec.preserveTopic,
    loopGuard: spec.loopGuard,
    maxKafkaTopics: spec.maxKafkaTopics,
    routes: spec.routes.map((route, index) =>
      routeOf(route, sourceOf(resource, ['spec', 'routes', index])),
    ),
  };
}

type RouteSpec = KafkaConnectorTopicMapSpec['routes'][number];

function routeOf({ mqttToKafka, kafkaToMqtt }: RouteSpec, source: Source): Route {
  if (mqttToKafka !== undefined) {
    const { name, kafkaTopic, kafkaAcks, ownSession } = mqttToKafka;
    const shared = splitSharedFilter(mqttToKafka.mqttTopic);
    return {
      kind: 'mqttToKafka',
      name,
      source,
      topicFilter: shared?.topicFilter ?? mqttToKafka.mqttTopic,
      sharedSubscription: sharedOf(mqttToKafka.sharedSubscription, shared?.groupName),
      kafkaTopic,
      kafkaAcks,
      qos: qosOf(mqttToKafka.qos),
      ownSession,
    };
  }
  assert(kafkaToMqtt !== undefined, 'a checked route has a direction');
  const { name, consumerGroupId } = kafkaToMqtt;
  return {
    ...kafkaToMqtt,
    kind: 'kafkaToMqtt',
    source,
    consumerGroupId: consumerGroupOf(name, consumerGroupId),
    qos: qosOf(kafkaToMqtt.qos),
  };
}

function sharedOf(
  spec: { groupName: string; groupMinimumShareNumber: number } | undefined,
  groupInFilter: string | undefined,
): SharedSubscription | undefined {
  if (groupInFilter !== undefined) return { groupName: groupInFilter, subscribers: 1 };
  if (spec === undefined) return undefined;
  return { groupName: spec.groupName, subscribers: Math.max(spec.groupMinimumShareNumber, 1) };
}

function qosOf(qos: number): 0 | 1 {
  return qos === 0 ? 0 : 1;
}
