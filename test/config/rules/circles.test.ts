import t from 'tap';
import { check, connector, KAFKA, topicMap } from '../documents.js';

const LOCAL = 'localBrokerConnection: { endpoint: "b:1883" }';

const toKafka = (name: string, mqttTopic: string, kafkaTopic: string) =>
  `  - mqttToKafka: { name: ${name}, mqttTopic: "${mqttTopic}", kafkaTopic: "${kafkaTopic}" }`;
const toMqtt = (name: string, kafkaTopic: string, mqttTopic: string, more = '') =>
  `  - kafkaToMqtt: { name: ${name}, kafkaTopic: "${kafkaTopic}", mqttTopic: "${mqttTopic}"${more} }`;
const map = (routes: readonly string[], name = 'm', ref = 'c') =>
  topicMap(`routes:\n${routes.join('\n')}`, name, ref);

/** Severity, path and message of what is found; the rules on other things find nothing here. */
const found = (text: string) =>
  check(text).problems.map(
    ({ severity, line, path, message }) => [severity, line, path, message] as const,
  );
const one = (...routes: string[]) => found(connector() + map(routes));

/** How the only problem is graded; `none` without one. */
function grade(...routes: string[]): string {
  const problems = one(...routes);
  if (problems.length > 1) throw new Error(JSON.stringify(problems));
  return String(problems[0]?.[0] ?? 'none');
}

t.test('a circle is refused and spelt out, with file and line of each route', async (t) => {
  const [problem, ...rest] = check(
    connector() + map([toKafka('up', 'plant/#', 'plants'), toMqtt('down', 'plants', 'plant/1')]),
  ).problems;
  t.strictSame(rest, []);
  t.strictSame(problem, {
    severity: 'error',
    file: 'test.yaml',
    line: 17,
    resource: 'KafkaConnectorTopicMap/m',
    path: 'spec.routes[1].kafkaToMqtt.mqttTopic',
    message:
      'messages would go in a circle: Kafka topic plants -> c/down (test.yaml:17) -> MQTT topic plant/1 -> c/up (test.yaml:16) -> Kafka topic plants',
    hint: 'publish to another topic or read fewer, or write allowLoop: true',
  });
});

t.test('routes that lead elsewhere are no circle', async (t) => {
  t.equal(grade(toKafka('a', 'plant/#', 'up'), toMqtt('b', 'down', 'plant/1')), 'none');
  t.equal(grade(toKafka('a', 'plant/+', 't'), toMqtt('b', 't', 'plant/1/set')), 'none');
  t.equal(grade(toKafka('a', '#', 't'), toMqtt('b', 't', '$SYS/x')), 'none');
  t.equal(grade(toKafka('a', 'a', 't'), toKafka('b', 'b', 't'), toMqtt('c', 't', 'x')), 'none');
});

t.test('a route that allows it makes no circle', async (t) => {
  t.equal(grade(toKafka('a', 'x', 't'), toMqtt('b', 't', 'x', ', allowLoop: true')), 'none');
  const longer = [toKafka('a', 'x', 't'), toMqtt('b', 't', 'y'), toKafka('c', 'y', 'u')];
  t.equal(grade(...longer, toMqtt('d', 'u', 'x', ', allowLoop: true')), 'none');
  t.equal(grade(...longer, toMqtt('d', 'u', 'x')), 'error');
});

t.test('every way to subscribe to what is published counts', async (t) => {
  for (const filter of ['a/b', 'a/+', '+/+', '#', 'a/b/#', '$share/g/a/+']) {
    t.equal(grade(toKafka('a', filter, 't'), toMqtt('b', 't', 'a/b')), 'error', filter);
  }
});

t.test('a template is refused where all that it gives comes back', async (t) => {
  t.equal(grade(toKafka('a', 'x/#', 't'), toMqtt('b', 't', `x/\${key}`)), 'error');
  t.equal(grade(toKafka('a', 'x/+/+', 't'), toMqtt('b', 't', `x/\${partition}/y`)), 'error');
  t.equal(grade(toKafka('a', 'x/t', 't'), toMqtt('b', 't', `x/\${kafkaTopic}`)), 'error');
  t.equal(grade(toKafka('a', 'x/u', 't'), toMqtt('b', 't', `x/\${inputTopic}`)), 'none');
});

t.test('a template is a warning where some of what it gives may come back', async (t) => {
  for (const [filter, topic] of [
    ['plant/1', `\${key}`],
    ['plant/1', `\${header.to}/1`],
    ['plant/+', `plant/\${key}`],
    ['plant/+/set', `plant/\${key}/set`],
    ['+', `x\${key}`],
  ] as const) {
    t.equal(grade(toKafka('a', filter, 't'), toMqtt('b', 't', topic)), 'warning', topic);
  }
  t.equal(grade(toKafka('a', 'plant/+', 't'), toMqtt('b', 't', `x/\${key}`)), 'none');
  const [problem] = one(toKafka('a', 'x', 't'), toMqtt('b', 't', `\${key}`));
  t.match(problem?.[3], /^messages may go in a circle, .* -> MQTT topic \$\{key\} filled in -> /);
});

t.test(
  'a Kafka topic that is made from the message is followed as far as it is known',
  async (t) => {
    const byTopic = (filter: string, template: string, mqttTopic: string) =>
      grade(toKafka('a', filter, template), toMqtt('b', 'x.1', mqttTopic));
    t.equal(byTopic('x/#', `\${topic}`, 'x/1'), 'error');
    t.equal(byTopic('x/#', `\${topic}`, 'x/2'), 'none');
    t.equal(byTopic('x/#', `\${topic.1}.1`, 'x/2'), 'error');
    t.equal(byTopic('x/#', `\${topic.3}`, 'x/2'), 'none', 'a message without the level is none');
    t.equal(byTopic('x/#', `\${topic}`, `x/\${key}`), 'warning');
    t.equal(byTopic('x/1', `\${topic}`, `x/\${key}`), 'warning');
    t.equal(byTopic('x/2', `\${topic}`, `x/\${key}`), 'none', 'the filter names the topic');
    t.equal(byTopic('x/#', `x.\${property.p}`, 'x/2'), 'warning');
    t.equal(byTopic('x/#', `y.\${property.p}`, 'x/2'), 'none');
    t.equal(byTopic('y/#', `x.\${topic.3}`, `y/\${key}/1`), 'warning');
  },
);

const two = (kafka: string, local: string, maps: string) =>
  found(connector(`${KAFKA}\n${LOCAL}`) + connector(`${kafka}\n${local}`, 'd') + maps);

t.test('a circle over two connectors is found where they share broker and Kafka', async (t) => {
  const maps = map([toKafka('a', 'x', 't')]) + map([toMqtt('b', 't', 'x')], 'n', 'd');
  const [problem, ...rest] = two(KAFKA, LOCAL, maps);
  t.same(rest, []);
  t.equal(problem?.[0], 'error');
  t.match(problem?.[3], / -> d\/b \(test.yaml:\d+\) -> MQTT topic x -> c\/a \(test.yaml:\d+\) -> /);
  t.same(two(KAFKA.replace('kafka:', 'other:'), LOCAL, maps), []);
  t.same(two(KAFKA, LOCAL.replace('b:', 'other:'), maps), []);
  t.equal(two(KAFKA.replace('kafka:9092', 'x:1, kafka:9092'), LOCAL, maps).length, 1);
  t.equal(two(KAFKA, LOCAL.replace('b:', 'mqtt://B:'), maps).length, 1, 'however it is written');
});

t.test('a longer circle needs only what its routes share', async (t) => {
  const maps =
    map([toKafka('a', 'x', 't'), toMqtt('b', 'u', 'x')]) +
    map([toKafka('c', 'y', 'u'), toMqtt('d', 't', 'y')], 'n', 'd');
  const [problem, ...rest] = two(KAFKA, LOCAL.replace('b:', 'other:'), maps);
  t.same(rest, []);
  t.match(
    problem?.[3].replaceAll(/ \(test.yaml:\d+\)/g, ''),
    'messages would go in a circle: Kafka topic u -> c/b -> MQTT topic x -> c/a -> Kafka topic t -> d/d -> MQTT topic y -> d/c -> Kafka topic u',
  );
  t.same(two(KAFKA.replace('kafka:', 'other:'), LOCAL, maps), []);
});

t.test('each circle is told once, and each of several', async (t) => {
  const problems = one(
    toKafka('a', 'x', 't'),
    toMqtt('b', 't', 'x'),
    toKafka('c', 'y', 'u'),
    toMqtt('d', 'u', 'y'),
    toMqtt('e', 'u', 'z'),
  );
  t.same(
    problems.map(([, , path]) => path),
    ['spec.routes[1].kafkaToMqtt.mqttTopic', 'spec.routes[3].kafkaToMqtt.mqttTopic'],
  );
});

t.test('a faulty topic hides no other problem and makes no circle', async (t) => {
  const problems = one(toKafka('a', 'x/#/y', 't'), toMqtt('b', 't', `x/\${ky}`));
  t.same(
    problems.map(([, , path]) => path),
    ['spec.routes[0].mqttToKafka.mqttTopic', 'spec.routes[1].kafkaToMqtt.mqttTopic'],
  );
});

t.test('long templates take no time', async (t) => {
  const long = `${'a'.repeat(20_000)}/\${key}`;
  t.equal(grade(toKafka('a', `+/${'b'.repeat(20_000)}`, 't'), toMqtt('b', 't', long)), 'warning');
});
