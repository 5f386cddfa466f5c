import t from 'tap';
import { check, connector, KAFKA, topicMap } from '../documents.js';

function route(name: string, kafkaTopic = 't', group = '') {
  const consumerGroupId = group === '' ? '' : `, consumerGroupId: ${group}`;
  return `  - kafkaToMqtt: { name: ${name}, kafkaTopic: ${kafkaTopic}, mqttTopic: x${consumerGroupId} }`;
}

const map = (routes: readonly string[], name = 'm', ref = 'c') =>
  topicMap(`routes:\n${routes.join('\n')}`, name, ref);

const found = (text: string) =>
  check(text).problems.map(({ severity, line, path, message }) => [severity, line, path, message]);

t.test('two routes in one group would divide one topic, which is refused', async (t) => {
  const text = connector() + map([route('a-b'), route('b', 't', 'a')]);
  t.strictSame(found(text), [
    [
      'error',
      17,
      'spec.routes[1].kafkaToMqtt.consumerGroupId',
      'consumer group a-b reads this Kafka topic for another route too: test.yaml:16; each would get a part of the records',
    ],
  ]);
});

t.test('two routes in one group with topics of their own disturb each other', async (t) => {
  const text = connector() + map([route('a-b'), route('b', 'u', 'a')]);
  t.strictSame(found(text), [
    [
      'warning',
      17,
      'spec.routes[1].kafkaToMqtt.consumerGroupId',
      'consumer group a-b is that of another route too: test.yaml:16; a rebalance of one stops both',
    ],
  ]);
});

t.test('a group counts within one Kafka cluster, over all of its connectors', async (t) => {
  const maps = map([route('r')]) + map([route('r')], 'n', 'd');
  const same = connector() + connector(KAFKA.replace('kafka:', 'x:1,KAFKA:'), 'd') + maps;
  t.match(found(same), [['error', 32, 'spec.routes[0].kafkaToMqtt.name']]);
  const apart = connector() + connector(KAFKA.replace('kafka:', 'other:'), 'd') + maps;
  t.same(found(apart), []);
});

t.test('routes with groups of their own may read one topic', async (t) => {
  t.same(found(connector() + map([route('a'), route('b'), route('c', 't', 'a')])), []);
});
