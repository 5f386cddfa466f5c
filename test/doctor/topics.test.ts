import t from 'tap';
import type { KafkaInspection } from '../../src/channel/kafka-inspection.js';
import type { Connector } from '../../src/config/model.js';
import { kafkaNeeds } from '../../src/doctor/kafka-needs.js';
import { type Step, Steps } from '../../src/doctor/report.js';
import { checkTopics } from '../../src/doctor/topics.js';
import { connector, modelOf, topicMap } from '../config/documents.js';

const ROUTES = [
  'routes:',
  '  - mqttToKafka: { name: in, mqttTopic: a/#, kafkaTopic: both }',
  '  - kafkaToMqtt: { name: out, mqttTopic: c, kafkaTopic: both, allowLoop: true }',
].join('\n');

function connectorAt(endpoint: string, maxPayloadBytes: number): Connector {
  const kafka = `kafkaConnection: { endpoint: "${endpoint}", tls: { tlsEnabled: true } }\nmaxPayloadBytes: ${maxPayloadBytes}`;
  const [found] = modelOf(connector(kafka) + topicMap(ROUTES)).connectors;
  return found as Connector;
}

function stepsOf(of: Connector, topic: Partial<KafkaInspection['topics'][number]>): Step[] {
  const found: Step[] = [];
  const [group] = kafkaNeeds(of).groups;
  checkTopics(new Steps('c', 'kafka', (step) => found.push(step)), of, {
    fault: undefined,
    brokers: [],
    topics: [
      {
        name: 'both',
        exists: true,
        partitions: 1,
        error: undefined,
        maxMessageBytes: undefined,
        mayWrite: true,
        mayRead: true,
        ...topic,
      },
    ],
    groups: [{ name: group?.name ?? '', mayJoin: true, error: undefined }],
  });
  return found;
}

const HUB = 'n.servicebus.windows.net:9093';

t.test('a topic that is written and read is needed once, for all of its routes', async (t) => {
  const needs = kafkaNeeds(connectorAt('kafka:9092', 1_024));
  t.match(needs.topics, [{ name: 'both', routes: ['in', 'out'], isWritten: true, isRead: true }]);
  const checks = stepsOf(connectorAt('kafka:9092', 1_024), {}).map(({ check }) => check);
  t.strictSame(checks, ['topic', 'size', 'write', 'read', 'group']);
});

t.test('what a record has around its payload counts', async (t) => {
  const size = (maxMessageBytes: number) =>
    stepsOf(connectorAt('kafka:9092', 100_000), { maxMessageBytes })[1];
  t.match(size(100_000), { check: 'size', outcome: 'warning' });
  t.match(size(101_000), { check: 'size', outcome: 'passed' });
});

t.test('of Event Hubs, which do not tell, their own limit is known', async (t) => {
  const size = (endpoint: string, bytes: number) => stepsOf(connectorAt(endpoint, bytes), {})[1];
  t.match(size(HUB, 2_000_000), {
    check: 'size',
    outcome: 'warning',
    text: /^Event Hubs take 1048576 bytes.*maxPayloadBytes is 2000000/,
  });
  t.match(size(HUB, 1_000_000), { check: 'size', outcome: 'skipped' });
  t.match(size('kafka:9092', 2_000_000), { check: 'size', outcome: 'skipped' });
});
