/* What a KafkaConnectorTopicMap must satisfy beyond its schema. */
import type { Partially } from '../kinds/field.js';
import type { KafkaConnectorTopicMapSpec } from '../kinds/kafka-connector-topic-map.js';
import { nearest } from '../nearest.js';
import type { Fault, Path, Reporter } from '../problem-list.js';
import type { ConnectorResource, TopicMapResource } from '../resource.js';
import { isEventHubs } from './connector.js';
import { parseKafkaEndpoint } from './endpoints.js';
import {
  controlFault,
  kafkaTopicFault,
  kafkaTopicTemplateFault,
  mqttStringFault,
  mqttTopicTemplateFault,
  shareNameFault,
  splitSharedFilter,
  topicFilterFault,
} from './names.js';

type Spec = Partially<KafkaConnectorTopicMapSpec>;
type Route = NonNullable<NonNullable<Spec['routes']>[number]>;
type MqttToKafka = NonNullable<Route['mqttToKafka']>;
type KafkaToMqtt = NonNullable<Route['kafkaToMqtt']>;

export interface MapContext {
  readonly connectors: ReadonlyMap<string, ConnectorResource>;
  /** There may be connectors that could not be read. */
  readonly isIncomplete: boolean;
  /** Where each route name of each connector was first met: `file:line`. */
  readonly routeNames: Map<string, string>;
}

/**
 * Reports what is wrong with one KafkaConnectorTopicMap, also in relation to its connector and to the
 * routes of other maps, which `context` collects; throws nothing.
 */
export function checkTopicMap(resource: TopicMapResource, context: MapContext): void {
  const { spec, report } = resource;
  const ref = spec.kafkaConnectorRef;
  const connector = ref === undefined ? undefined : context.connectors.get(ref);
  if (ref !== undefined && connector === undefined && !context.isIncomplete) {
    report.error(['spec', 'kafkaConnectorRef'], missingConnector(ref, context));
  }
  checkCompression(resource, connector);
  checkBatching(resource);
  checkPartitioning(resource);
  if (spec.routes?.length === 0) {
    report.warning(['spec', 'routes'], { message: 'is empty', hint: 'add a route' });
  }
  for (const [index, route] of (spec.routes ?? []).entries()) {
    if (route === undefined) continue;
    const path = ['spec', 'routes', index];
    checkDirections(path, resource);
    checkRouteName(route, path, resource, context);
    if (route.mqttToKafka !== undefined) {
      const instances = connector?.spec.instances ?? 1;
      checkMqttToKafka(route.mqttToKafka, [...path, 'mqttToKafka'], resource, instances);
    }
    if (route.kafkaToMqtt !== undefined) {
      checkKafkaToMqtt(route.kafkaToMqtt, [...path, 'kafkaToMqtt'], report);
    }
  }
}

function missingConnector(ref: string, { connectors }: MapContext): Fault {
  const names = [...connectors.keys()];
  const near = nearest(ref, names);
  const known = names.length === 0 ? 'there is none' : `there are: ${names.join(', ')}`;
  return {
    message: `there is no KafkaConnector ${ref}`,
    hint: near === undefined ? known : `did you mean ${near}?`,
  };
}

/** What Azure's documentation says of Event Hubs: "Only gzip compression is supported". */
function checkCompression(
  { spec, report }: TopicMapResource,
  connector: ConnectorResource | undefined,
): void {
  const { compression } = spec;
  if (compression !== 'snappy' && compression !== 'lz4') return;
  const endpoint = parseKafkaEndpoint(connector?.spec.kafkaConnection?.endpoint ?? '');
  if (!endpoint.ok || !isEventHubs(endpoint.value)) return;
  const message = `Event Hubs take no ${compression}, by their documentation`;
  report.warning(['spec', 'compression'], { message, hint: 'write gzip, or none' });
}

/** librdkafka's ranges of `batch.num.messages` and `batch.size`. */
const BATCH_RANGES = { maxMessages: 1_000_000, maxBytes: 2_147_483_647 } as const;

/** The nearest value that librdkafka takes, for values that the reference allows and librdkafka does not. */
export function clampToBatchRange(field: keyof typeof BATCH_RANGES, value: number): number {
  return Math.min(Math.max(value, 1), BATCH_RANGES[field]);
}

function checkBatching({ spec, document, report }: TopicMapResource): void {
  const { batching } = spec;
  if (batching === undefined) return;
  const path = ['spec', 'batching'];
  if (batching.enabled !== true) {
    checkForgottenEnabled(document.written(path), path, report);
    return;
  }
  for (const field of ['maxMessages', 'maxBytes'] as const) {
    const value = batching[field];
    if (value === undefined) continue;
    const clamped = clampToBatchRange(field, value);
    if (clamped === value) continue;
    report.warning([...path, field], {
      message: `${value} is beyond what Kafka clients allow; ${clamped} is used`,
      hint: `write a number from 1 to ${BATCH_RANGES[field]}`,
    });
  }
}

/** The default of `enabled` is false, so limits alone do nothing. */
function checkForgottenEnabled(written: readonly string[], path: Path, report: Reporter): void {
  if (written.length === 0 || written.includes('enabled')) return;
  const message = 'has no effect: batching.enabled is not set';
  report.warning(path, { message, hint: 'write enabled: true, or leave batching out' });
}

function checkPartitioning({ spec, document, report }: TopicMapResource): void {
  const path = ['spec', 'partitionKeyProperty'];
  const { partitionStrategy, partitionKeyProperty: property } = spec;
  if (
    partitionStrategy === 'property' &&
    !document.written(['spec']).includes('partitionKeyProperty')
  ) {
    const hint = 'name the user property whose value is the key';
    report.error(path, { message: 'is missing: partitionStrategy is property', hint });
  }
  if (property === undefined) return;
  const fault = mqttStringFault(property);
  if (fault !== undefined) report.error(path, fault);
  if (partitionStrategy === undefined || partitionStrategy === 'property') return;
  const message = `has no effect: partitionStrategy is ${partitionStrategy}`;
  report.warning(path, { message, hint: 'write partitionStrategy: property, or leave it out' });
}

function checkDirections(path: Path, { document, report }: TopicMapResource): void {
  const written = document.written(path);
  const count = Number(written.includes('mqttToKafka')) + Number(written.includes('kafkaToMqtt'));
  if (count === 1) return;
  const message = count === 0 ? 'has no direction' : 'has both directions';
  const hint =
    count === 0 ? 'give it mqttToKafka or kafkaToMqtt' : 'make two routes of it, one for each';
  report.error(path, { message, hint });
}

function checkRouteName(
  route: Route,
  path: Path,
  { document, spec, report }: TopicMapResource,
  { routeNames }: MapContext,
): void {
  for (const direction of ['mqttToKafka', 'kafkaToMqtt'] as const) {
    const name = route[direction]?.name;
    if (name === undefined) continue;
    const field = [...path, direction, 'name'];
    // It becomes a part of a client identifier.
    const fault = mqttStringFault(name);
    if (fault !== undefined) report.error(field, fault);
    const key = JSON.stringify([spec.kafkaConnectorRef, name]);
    const first = routeNames.get(key);
    if (first === undefined) routeNames.set(key, `${document.file}:${document.lineAt(field)}`);
    else {
      const message = `another route of the connector has this name: ${first}`;
      report.error(field, { message, hint: 'rename one of the two' });
    }
  }
}

function checkMqttToKafka(
  route: MqttToKafka,
  path: Path,
  { spec, document, report }: TopicMapResource,
  instances: number,
): void {
  const { mqttTopic, kafkaTopic } = route;
  const inFilter = mqttTopic === undefined ? undefined : splitSharedFilter(mqttTopic);
  if (mqttTopic !== undefined) {
    const fault = topicFilterFault(mqttTopic);
    if (fault !== undefined) report.error([...path, 'mqttTopic'], fault);
  }
  if (kafkaTopic !== undefined) {
    const fault = kafkaTopicTemplateFault(kafkaTopic, inFilter?.topicFilter ?? mqttTopic);
    if (fault !== undefined) report.error([...path, 'kafkaTopic'], fault);
  }
  checkShare(route, path, report);
  const sharesByField = document.written(path).includes('sharedSubscription');
  const field = [...path, sharesByField ? 'sharedSubscription' : 'mqttTopic'];
  const isShared = sharesByField || inFilter !== undefined;
  const strategy = spec.partitionStrategy;
  if (isShared && (strategy === 'topic' || strategy === 'property')) {
    report.warning(field, {
      message: `a shared subscription gives up the order per key of partitionStrategy ${strategy}`,
      hint: 'leave the shared subscription out where order matters',
    });
  }
  if (!isShared && mqttTopic !== undefined && instances > 1) {
    report.warning(field, {
      message: `each of the ${instances} instances gets every message`,
      hint: 'add a sharedSubscription to divide them',
    });
  }
}

function checkShare({ mqttTopic, sharedSubscription }: MqttToKafka, path: Path, report: Reporter) {
  const groupName = sharedSubscription?.groupName;
  if (groupName === undefined || mqttTopic === undefined) return;
  const inFilter = splitSharedFilter(mqttTopic);
  if (inFilter !== undefined) {
    report.error([...path, 'mqttTopic'], {
      message: 'names a shared subscription, and so does sharedSubscription',
      hint: 'leave $share/<group>/ out of mqttTopic',
    });
    return;
  }
  const fault = shareNameFault(groupName) ?? mqttStringFault(`$share/${groupName}/${mqttTopic}`);
  if (fault !== undefined) report.error([...path, 'sharedSubscription', 'groupName'], fault);
}

function checkKafkaToMqtt(route: KafkaToMqtt, path: Path, report: Reporter): void {
  if (route.kafkaTopic !== undefined) {
    const fault = kafkaTopicFault(route.kafkaTopic);
    if (fault !== undefined) report.error([...path, 'kafkaTopic'], fault);
  }
  if (route.mqttTopic !== undefined) {
    const fault = mqttTopicTemplateFault(route.mqttTopic);
    if (fault !== undefined) report.error([...path, 'mqttTopic'], fault);
  }
  if (route.consumerGroupId !== undefined) {
    // Whatever reads groups, librdkafka included, takes them for lines of text that end at a NUL.
    const fault = mqttStringFault(route.consumerGroupId) ?? controlFault(route.consumerGroupId);
    if (fault !== undefined) report.error([...path, 'consumerGroupId'], fault);
  }
  if (route.onNoSubscriber === 'hold' && route.qos === 0) {
    const message = 'has no effect: at QoS 0 the broker does not say whether anybody subscribes';
    report.warning([...path, 'onNoSubscriber'], { message, hint: 'write qos: 1, or leave it out' });
  }
}
