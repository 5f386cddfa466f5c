import t from 'tap';
import {
  formatHostPort,
  parseKafkaEndpoint,
  parseMqttEndpoint,
} from '../../../src/config/rules/endpoints.js';

t.test('Kafka end points are hosts and ports with commas between them', async (t) => {
  const parsed = parseKafkaEndpoint('a.example:9092, my_broker:1,[::1]:65535 ,10.0.0.1:9093');
  t.ok(parsed.ok);
  t.same(parsed.ok && parsed.value.map(formatHostPort), [
    'a.example:9092',
    'my_broker:1',
    '[::1]:65535',
    '10.0.0.1:9093',
  ]);
});

for (const [text, message] of [
  ['kafka', 'has no port'],
  ['[::1]', 'has no port'],
  ['kafka:', 'has no valid port'],
  ['kafka:0', 'has no valid port'],
  ['kafka:65536', 'has no valid port'],
  ['kafka:9x', 'has no valid port'],
  ['kafka:-1', 'has no valid port'],
  [':9092', 'has no valid host name'],
  ['::1:9092', 'has no valid host name'],
  ['ka fka:9092', 'has no valid host name'],
  ['kafka:9092,', 'entry 2 is empty'],
  ['kafka:9092,,b:1', 'entry 2 is empty'],
  ['a:1,b', 'entry 2 has no port'],
  ['PLAINTEXT://kafka:9092', 'has a scheme'],
  ['user:hunter2@kafka:9092', 'has credentials in it'],
] as const) {
  t.test(`the Kafka end point ${text} is refused`, async (t) => {
    const parsed = parseKafkaEndpoint(text);
    t.equal(!parsed.ok && parsed.fault.message, message);
    t.notMatch(JSON.stringify(parsed), /hunter2/);
  });
}

for (const [text, expected] of [
  ['localhost:1883', { scheme: 'mqtt', host: 'localhost', port: 1883, webSocketPath: undefined }],
  ['mqtt://[::1]:1', { scheme: 'mqtt', host: '::1', port: 1, webSocketPath: undefined }],
  ['MQTTS://b:8883', { scheme: 'mqtts', host: 'b', port: 8883, webSocketPath: undefined }],
  ['ws://b:80', { scheme: 'ws', host: 'b', port: 80, webSocketPath: '/' }],
  ['wss://b:443/mqtt', { scheme: 'wss', host: 'b', port: 443, webSocketPath: '/mqtt' }],
] as const) {
  t.test(`the MQTT end point ${text} is understood`, async (t) => {
    const parsed = parseMqttEndpoint(text);
    t.strictSame(parsed, { ok: true, value: expected });
  });
}

for (const [text, message] of [
  ['localhost', 'has no port'],
  ['http://b:80', 'has a scheme that is not known'],
  ['b:1883/mqtt', 'has a path after the port'],
  ['mqtt://u:hunter2@b:1883', 'has credentials in it'],
  ['a:1,b:2', 'has no valid host name'],
] as const) {
  t.test(`the MQTT end point ${text} is refused`, async (t) => {
    const parsed = parseMqttEndpoint(text);
    t.equal(!parsed.ok && parsed.fault.message, message);
    t.notMatch(JSON.stringify(parsed), /hunter2/);
  });
}
