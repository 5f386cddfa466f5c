/* What becomes of one record from Kafka: the routes that read it, and for each the PUBLISH, without
 * connecting to anything. Everything is asked of the code that carries records; the PUBLISH is encoded
 * and read back by the lane that reads packets off the wire.
 */
import type { Connector, KafkaToMqttRoute, Model, Route, TopicMap } from '../config/model.js';
import { ABSENT, type Publish } from '../mqtt/receive/publish.js';
import { LEFT_OUT_PLACES, whyLeftOut } from '../route/left-out.js';
import { compileMqttTopic, MqttTopicWriter } from '../route/mqtt-topic-template.js';
import { hop } from '../route/origin.js';
import { nextUserProperty, u16 } from '../route/properties.js';
import type { RecordBytes } from '../route/record-bytes.js';
import { EXPIRED, LOOPED, PropertiesWriter, TOO_LARGE } from '../route/to-mqtt.js';
import { bytesOf } from './explanation.js';
import { type KafkaRecord, recordBytesOf } from './kafka-record.js';
import { readBack } from './message.js';
import type {
  ConnectorToMqtt,
  OutcomeToMqtt,
  PropertyExplanation,
  PublishExplanation,
  RouteToMqtt,
  ToMqttExplanation,
} from './to-mqtt-explanation.js';

/** @param nowMs since the epoch: what has expired by then is not published */
export function explainRecord(model: Model, record: KafkaRecord, nowMs: number): ToMqttExplanation {
  const connectors = model.connectors.map((connector) =>
    explainConnector(connector, record, nowMs),
  );
  const { kafkaTopic, partition, payloadBytes } = record;
  return {
    kafkaTopic,
    partition,
    payloadBytes,
    routesMatched: connectors.reduce((sum, { matched }) => sum + matched.length, 0),
    connectors,
  };
}

function explainConnector(
  connector: Connector,
  record: KafkaRecord,
  nowMs: number,
): ConnectorToMqtt {
  const { name, instanceId, shards } = connector;
  const matched: RouteToMqtt[] = [];
  const notMatched: { route: string; why: string }[] = [];
  for (const map of connector.topicMaps) {
    for (const route of map.routes) {
      if (route.kind === 'kafkaToMqtt' && route.kafkaTopic === record.kafkaTopic) {
        matched.push(explainRoute({ connector, map, route }, record, nowMs));
      } else {
        notMatched.push({ route: route.name, why: whyNotRead(route, record.kafkaTopic) });
      }
    }
  }
  return { connector: name, instanceId, shards, matched, notMatched };
}

function whyNotRead(route: Route, kafkaTopic: string): string {
  if (route.kind === 'mqttToKafka') return 'it goes from MQTT to Kafka';
  const near = route.kafkaTopic.toLowerCase() === kafkaTopic.toLowerCase();
  return `it reads ${route.kafkaTopic}${near ? '; upper and lower case differ' : ''}`;
}

interface Reading {
  readonly connector: Connector;
  readonly map: TopicMap;
  readonly route: KafkaToMqttRoute;
}

function explainRoute(reading: Reading, record: KafkaRecord, nowMs: number): RouteToMqtt {
  const { map, route } = reading;
  const { offsetReset, commitIntervalMs, revokeTimeoutMs, consumerGroupId: groupId } = route;
  return {
    route: route.name,
    topicMap: map.name,
    source: `${route.source.file}:${route.source.line}`,
    consumer: { groupId, offsetReset, commitIntervalMs, revokeTimeoutMs },
    ...explainPublish(reading, recordBytesOf(record), nowMs),
  };
}

/** The data path's own decisions, in its order. */
function explainPublish(
  { connector, map, route }: Reading,
  record: RecordBytes,
  nowMs: number,
): { outcome: OutcomeToMqtt; publish: PublishExplanation | undefined } {
  const ends = (outcome: OutcomeToMqtt) => ({ outcome, publish: undefined });
  const { maxPayloadBytes } = connector;
  if (record.payloadBytes > maxPayloadBytes) {
    const why = `the payload has ${record.payloadBytes} bytes, more than maxPayloadBytes (${maxPayloadBytes})`;
    return ends({ kind: 'deadLetter', reason: 'oversize', why });
  }
  const { copyMqttProperties, loopGuard } = map;
  const through = hop(connector.name, route.name);
  const writer = new PropertiesWriter({
    copyMqttProperties,
    loopGuard,
    retain: route.retain,
    through,
  });
  const verdict = writer.write(record, nowMs);
  if (verdict === EXPIRED) {
    return ends({ kind: 'expired', why: 'nothing is left of its Message Expiry Interval' });
  }
  if (verdict === LOOPED) {
    return ends({ kind: 'loopStopped', why: 'it has come through this route before' });
  }
  const topic = new MqttTopicWriter();
  if (!topic.write(compileMqttTopic(route.mqttTopic, route.kafkaTopic), record)) {
    return ends({ kind: 'deadLetter', reason: 'mqttTopicInvalid', why: topic.fault });
  }
  const read = readBack({
    topic: topic.bytes.subarray(0, topic.length),
    qos: route.qos,
    retain: writer.retain,
    properties: writer.bytes.subarray(0, writer.length),
    payloadBytes: record.payloadBytes,
  });
  if (verdict === TOO_LARGE || 'fault' in read) {
    const why = 'its headers are more than the properties of one PUBLISH may be';
    return ends({ kind: 'deadLetter', reason: 'publishTooLarge', why });
  }
  const publish = {
    ...describe(read),
    leftOut: leftOutOf(writer, record),
    leftOutMore: Math.max(writer.leftOut - LEFT_OUT_PLACES, 0),
    maxPayloadBytes,
    onNoSubscriber: route.onNoSubscriber,
  };
  return { outcome: { kind: 'publish' }, publish };
}

function leftOutOf(writer: PropertiesWriter, record: RecordBytes) {
  const listed = Math.min(writer.leftOut, LEFT_OUT_PLACES);
  return [...writer.leftOutAt.subarray(0, listed)].map((at) => whyLeftOut(record, at));
}

function describe(publish: Publish) {
  const { qos, retain, payloadBytes, packetBytes } = publish;
  return {
    topic: textOf(publish, publish.topicStart, publish.topicEnd),
    qos: qos as 0 | 1,
    retain,
    properties: propertiesOf(publish),
    userProperties: userPropertiesOf(publish),
    payloadBytes,
    packetBytes,
  };
}

function propertiesOf(publish: Publish): PropertyExplanation[] {
  const { bytes, payloadFormat, expirySeconds } = publish;
  const found: PropertyExplanation[] = [];
  const add = (name: string, start: number, end: number) => {
    if (start !== ABSENT) found.push({ name, value: bytesOf(bytes.subarray(start, end)) });
  };
  const number = (name: string, value: number, note?: string) => {
    if (value === ABSENT) return;
    const text = { text: String(value) };
    found.push(note === undefined ? { name, value: text } : { name, value: text, note });
  };
  number('Payload Format Indicator', payloadFormat);
  number('Message Expiry Interval', expirySeconds, 'it falls for as long as the record waits');
  add('Content Type', publish.contentTypeStart, publish.contentTypeEnd);
  add('Response Topic', publish.responseTopicStart, publish.responseTopicEnd);
  add('Correlation Data', publish.correlationDataStart, publish.correlationDataEnd);
  return found;
}

function userPropertiesOf(publish: Publish): PropertyExplanation[] {
  const { bytes, propertiesEnd } = publish;
  const found: PropertyExplanation[] = [];
  let at = nextUserProperty(bytes, publish.propertiesStart, propertiesEnd);
  while (at >= 0) {
    const nameEnd = at + 2 + u16(bytes, at);
    const valueEnd = nameEnd + 2 + u16(bytes, nameEnd);
    const name = textOf(publish, at + 2, nameEnd);
    found.push({ name, value: bytesOf(bytes.subarray(nameEnd + 2, valueEnd)) });
    at = nextUserProperty(bytes, valueEnd, propertiesEnd);
  }
  return found;
}

function textOf({ bytes }: Publish, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString('utf8');
}
