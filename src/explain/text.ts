/* An explanation for people. Pure. */
import { printable } from '../base/printable.js';
import type {
  ConnectorExplanation,
  Explanation,
  Fit,
  Outcome,
  ProducerExplanation,
  RecordExplanation,
  RouteExplanation,
} from './explanation.js';
import { bytesText, field, list, quoted } from './words.js';

/** The explanation as lines for people, newline at the end, safe for a terminal. */
export function explanationText(explanation: Explanation): string {
  const { topicName, qos, payloadBytes, routesMatched, connectors } = explanation;
  const lines = [
    `${quoted(topicName)}, QoS ${qos}, ${payloadBytes} bytes: ${countOf(routesMatched)}`,
    ...connectors.flatMap(connectorLines),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function countOf(routes: number): string {
  if (routes === 0) return 'no route matches, so that nothing subscribes to it';
  return routes === 1 ? '1 route matches' : `${routes} routes match`;
}

function connectorLines(one: ConnectorExplanation): string[] {
  return [
    '',
    `connector ${one.connector}, instance ${one.instanceId}`,
    ...one.matched.flatMap(routeLines),
    ...one.notMatched.map(({ route, why }) => `  not ${route}: ${printable(why)}`),
  ];
}

function routeLines(route: RouteExplanation): string[] {
  const { subscription, record, outcome, fit } = route;
  const sharing = subscription.shared ? ', of which the group gives it to one subscriber' : '';
  return [
    `  route ${route.route} (KafkaConnectorTopicMap/${route.topicMap}, ${printable(route.source)})`,
    field('subscription', `${quoted(subscription.filter)} at QoS ${subscription.qos}${sharing}`),
    field(subscription.sessions.length === 1 ? 'session' : 'sessions', list(subscription.sessions)),
    field('QoS', `${route.qos}${route.qos === 0 ? ': never sent again, may be lost' : ''}`),
    field('fits', fitText(fit)),
    field('outcome', outcomeText(outcome)),
    ...(record === undefined ? [] : recordLines(record)),
  ];
}

function fitText({ fits, packetBytes, maximumPacketSize, maxPayloadBytes }: Fit): string {
  const limit =
    maximumPacketSize === null
      ? `maxPayloadBytes ${maxPayloadBytes}, no Maximum Packet Size is announced`
      : `Maximum Packet Size ${maximumPacketSize}`;
  return `${fits ? 'yes' : 'no'}: a packet of ${packetBytes} bytes; ${limit}`;
}

function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'record':
      return 'a record';
    case 'notSent':
      return `never reaches the connector: ${printable(outcome.why)}`;
    case 'expired':
      return `expired, acknowledged, no record: ${printable(outcome.why)}`;
    case 'loopStopped':
      return `stopped by the loop guard, acknowledged, no record: ${printable(outcome.why)}`;
    case 'deadLetter':
      return `dead letter (${outcome.reason}): ${printable(outcome.why)}`;
  }
}

function recordLines(record: RecordExplanation): string[] {
  const { partition, shard, headers, producer } = record;
  const where = partition.partition === null ? '' : `: ${partition.partition}`;
  return [
    field('Kafka topic', record.kafkaTopic),
    field('key', keyText(record)),
    field('partition', `${partition.inWords}${where}`),
    field('shard', shard === null ? 'any' : String(shard)),
    field('headers', headers.length === 0 ? 'none' : String(headers.length)),
    ...headers.map(({ name, value, note }) => {
      const suffix = note === undefined ? '' : ` (${note})`;
      return `        ${printable(name)}: ${bytesText(value)}${suffix}`;
    }),
    field('acks', acksText(producer)),
    field('compression', producer.compression),
    field('batching', batchingText(producer)),
    ...record.deadLetterReasons.map(({ reason, when }) =>
      field('dead letter', `${reason}, if ${printable(when)}`),
    ),
  ];
}

function keyText({ key, keyMissing }: RecordExplanation): string {
  if (key !== null) return bytesText(key);
  return keyMissing ? 'none: the message lacks the property; counted, sent like default' : 'none';
}

function acksText({ acks, idempotent, requestsInFlightMax }: ProducerExplanation): string {
  const promise = {
    zero: 'Kafka answers nothing; what it loses is lost',
    one: 'the leader of the partition has it',
    all: 'all in-sync replicas have it',
  }[acks];
  const producer = idempotent ? 'idempotent producer' : 'producer';
  return `${acks}: ${promise}; ${producer}, requests in flight: ${requestsInFlightMax}`;
}

function batchingText(producer: ProducerExplanation): string {
  if (!producer.batching) return 'off: nothing waits';
  const { lingerMs, batchMessagesMax, batchBytesMax } = producer;
  return `up to ${lingerMs} ms, ${batchMessagesMax} messages or ${batchBytesMax} bytes`;
}
