/* An explanation of a record from Kafka, for people. Pure. */
import { printable } from '../base/printable.js';
import type {
  ConnectorToMqtt,
  ConsumerExplanation,
  OutcomeToMqtt,
  PropertyExplanation,
  PublishExplanation,
  RouteToMqtt,
  ToMqttExplanation,
} from './to-mqtt-explanation.js';
import { bytesText, field, quoted } from './words.js';

export function toMqttText(explanation: ToMqttExplanation): string {
  const { kafkaTopic, partition, payloadBytes, routesMatched, connectors } = explanation;
  const lines = [
    `Kafka topic ${kafkaTopic}, partition ${partition}, ${payloadBytes} bytes: ${countOf(routesMatched)}`,
    ...connectors.flatMap(connectorLines),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function countOf(routes: number): string {
  if (routes === 0) return 'no route reads it';
  return routes === 1 ? '1 route reads it' : `${routes} routes read it`;
}

function connectorLines(one: ConnectorToMqtt): string[] {
  return [
    '',
    `connector ${one.connector}, instance ${one.instanceId}`,
    ...one.matched.flatMap(routeLines),
    ...one.notMatched.map(({ route, why }) => `  not ${route}: ${printable(why)}`),
  ];
}

function routeLines({ route, topicMap, source, consumer, outcome, publish }: RouteToMqtt) {
  return [
    `  route ${route} (KafkaConnectorTopicMap/${topicMap}, ${printable(source)})`,
    field('consumer group', consumerText(consumer)),
    field('outcome', outcomeText(outcome)),
    ...(publish === undefined ? [] : publishLines(publish)),
  ];
}

function consumerText({ groupId, offsetReset, commitIntervalMs }: ConsumerExplanation): string {
  const start = offsetReset === 'earliest' ? 'the oldest record' : 'what comes from now on';
  return `${printable(groupId)}; without an offset it begins with ${start}; commits every ${commitIntervalMs} ms`;
}

function outcomeText(outcome: OutcomeToMqtt): string {
  switch (outcome.kind) {
    case 'publish':
      return 'a PUBLISH';
    case 'expired':
      return `expired, its offset moves on: ${printable(outcome.why)}`;
    case 'loopStopped':
      return `stopped by the loop guard, its offset moves on: ${printable(outcome.why)}`;
    case 'deadLetter':
      return `dead letter (${outcome.reason}): ${printable(outcome.why)}`;
  }
}

function publishLines(publish: PublishExplanation): string[] {
  const { topic, retain, properties, userProperties, leftOut, leftOutMore } = publish;
  return [
    field('topic', quoted(topic)),
    field('QoS', qosText(publish)),
    field('RETAIN', retain ? 'set' : 'not set'),
    field('properties', countText(properties.length, userProperties.length)),
    ...properties.map((property) => propertyLine(printable(property.name), property)),
    ...userProperties.map((property) => propertyLine(quoted(property.name), property)),
    ...leftOut.map(({ header, why }) =>
      field('left out', `${header === undefined ? 'the key' : quoted(header)}: ${printable(why)}`),
    ),
    ...(leftOutMore === 0 ? [] : [field('left out', `${leftOutMore} more`)]),
    field(
      'fits',
      `yes: a payload of ${publish.payloadBytes} bytes; maxPayloadBytes ${publish.maxPayloadBytes}`,
    ),
    field(
      'packet',
      `${publish.packetBytes} bytes; a broker with a lower Maximum Packet Size makes it a dead letter`,
    ),
  ];
}

function qosText({ qos, onNoSubscriber }: PublishExplanation): string {
  if (qos === 0) return '0: may be lost, the offset moves on when it is written';
  const nobody =
    onNoSubscriber === 'hold' ? 'it is held and tried again' : 'it counts as published';
  return `1: the offset moves on when the broker has acknowledged it; without a subscriber ${nobody}`;
}

function countText(named: number, user: number): string {
  if (named + user === 0) return 'none';
  return `${named + user}, of which ${user} user properties, with their names in quotes`;
}

function propertyLine(name: string, { value, note }: PropertyExplanation): string {
  return `        ${name}: ${bytesText(value)}${note === undefined ? '' : ` (${note})`}`;
}
