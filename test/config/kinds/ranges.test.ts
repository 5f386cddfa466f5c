import t from 'tap';
import { check, connector, KAFKA, ROUTE, toKafka, toMqtt, topicMap } from '../documents.js';

const RANGES: readonly (readonly [string, string, number, number, (line: string) => string])[] = [
  ...(
    [
      ['instances', 0, 65_535],
      ['shards', 1, 64],
      ['maxPayloadBytes', 1_024, 267_386_880],
    ] as const
  ).map(([name, low, high]) => {
    const write = (line: string) => connector(`${line}\n${KAFKA}`) + topicMap();
    return [name, `spec.${name}`, low, high, write] as const;
  }),
  ...(
    [
      ['sessionExpirySeconds', 0, 4_294_967_295],
      ['receiveMaximum', 1, 65_535],
      ['keepAliveSeconds', 0, 65_535],
    ] as const
  ).map(([name, low, high]) => {
    const write = (line: string) =>
      connector(`localBrokerConnection:\n  ${line}\n${KAFKA}`) + topicMap();
    return [name, `spec.localBrokerConnection.${name}`, low, high, write] as const;
  }),
  ...(
    [
      ['latencyMs', 0, 65_535],
      ['maxMessages', 0, 4_294_967_295],
      ['maxBytes', 0, 4_294_967_295],
    ] as const
  ).map(([name, low, high]) => {
    const write = (line: string) =>
      connector() + topicMap(`batching:\n  enabled: true\n  ${line}\n${ROUTE}`);
    return [name, `spec.batching.${name}`, low, high, write] as const;
  }),
  [
    'maxKafkaTopics',
    'spec.maxKafkaTopics',
    1,
    1_000_000,
    (line) => connector() + topicMap(`${line}\n${ROUTE}`),
  ],
  [
    'groupMinimumShareNumber',
    'spec.routes[0].mqttToKafka.sharedSubscription.groupMinimumShareNumber',
    0,
    255,
    (line) =>
      connector() +
      toKafka(`mqttTopic: a\nkafkaTopic: t\nsharedSubscription:\n  groupName: g\n  ${line}`),
  ],
  ...(
    [
      ['commitIntervalMs', 10, 60_000],
      ['revokeTimeoutMs', 0, 60_000],
    ] as const
  ).map(([name, low, high]) => {
    const write = (line: string) => connector() + toMqtt(`mqttTopic: a\nkafkaTopic: t\n${line}`);
    return [name, `spec.routes[0].kafkaToMqtt.${name}`, low, high, write] as const;
  }),
];

for (const [name, path, low, high, write] of RANGES) {
  t.test(`${name} takes ${low} to ${high} and nothing beyond`, async (t) => {
    for (const inside of [low, high]) {
      const errors = check(write(`${name}: ${inside}`)).problems.filter(
        ({ severity }) => severity === 'error',
      );
      t.same(errors, [], `${inside}`);
    }
    for (const outside of [low - 1, high + 1]) {
      const found = check(write(`${name}: ${outside}`)).problems;
      t.same(
        found.map((problem) => [problem.path, problem.message, problem.hint]),
        [[path, `${outside} is out of range`, `must be a whole number from ${low} to ${high}`]],
      );
    }
  });
}
