import t from 'tap';
import { compileMqttTopic, MqttTopicWriter } from '../../src/route/mqtt-topic-template.js';
import { kafkaRecord, type RecordSpec } from '../support/kafka-record.js';

const writer = new MqttTopicWriter();

/** The topic name, or why there is none. */
function expand(source: string, record: RecordSpec = {}): string {
  const template = compileMqttTopic(source, 'orders.v1');
  return writer.write(template, kafkaRecord(record)) ? writer.name : `fault: ${writer.fault}`;
}

t.test('a template of text and the Kafka topic is the same for every record', async (t) => {
  t.equal(compileMqttTopic('plant/é', 't').constant, 'plant/é');
  t.equal(compileMqttTopic(`plant/\${kafkaTopic}/x`, 't').constant, 'plant/t/x');
  t.equal(compileMqttTopic(`\${inputTopic}`, 't').constant, 't', 'as Azure IoT Operations says it');
  t.equal(compileMqttTopic(`a/\${key}`, 't').constant, undefined);
  t.equal(expand(`plant/\${kafkaTopic}/x`), 'plant/orders.v1/x');
});

t.test('key, partition and headers are put in as they are', async (t) => {
  t.equal(expand(`plant/\${key}/set`, { key: 'a/b' }), 'plant/a/b/set');
  t.equal(expand(`p\${partition}`, { partition: 2_147_483_647 }), 'p2147483647');
  t.equal(expand(`\${key}\${key}`, { key: 'é' }), 'éé');
  const headers = [
    ['unit', 'first'],
    ['a.b', 'c'],
    ['unit', 'last'],
    ['unit2', 'x'],
  ] as const;
  t.equal(expand(`\${header.unit}/\${header.a.b}`, { headers }), 'last/c');
  t.equal(expand(`x\${header.unit}`, { headers: [['unit', '']] }), 'x');
});

t.test('what the record lacks is a fault that names it', async (t) => {
  t.equal(expand(`x/\${key}`), 'fault: the record has no key');
  t.equal(expand(`x/\${key}`, { key: '' }), 'x/', 'an empty key is one');
  t.equal(expand(`\${header.unit}`), 'fault: the record has no header "unit"');
  const headers = [['unit', null]] as const;
  t.equal(expand(`\${header.unit}`, { headers }), 'fault: the header "unit" has no value');
});

t.test('what MQTT forbids in a topic name is a fault', async (t) => {
  t.equal(expand(`x/\${key}`, { key: 'a/+' }), 'fault: the MQTT topic would have + in it');
  t.equal(expand(`x/\${key}`, { key: '#' }), 'fault: the MQTT topic would have # in it');
  t.equal(expand(`x/\${key}`, { key: 'a\0b' }), 'fault: the MQTT topic would have U+0000 in it');
  t.equal(expand(`\${key}`, { key: '' }), 'fault: the MQTT topic would be empty');
  const broken = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]];
  for (const bytes of broken) {
    const key = Uint8Array.from(bytes);
    t.equal(expand(`x/\${key}`, { key }), 'fault: the MQTT topic would not be UTF-8', `${bytes}`);
  }
});

t.test('a topic name has at most 65,535 bytes', async (t) => {
  t.equal(expand(`x\${key}`, { key: 'k'.repeat(65_534) }).length, 65_535);
  const fault = 'fault: the MQTT topic would have 65536 bytes or more; at most 65535';
  t.equal(expand(`x\${key}`, { key: 'k'.repeat(65_535) }), fault);
  t.equal(expand(`\${key}x`, { key: 'k'.repeat(65_535) }), fault);
  const headers = [['big', 'v'.repeat(1_000_000)]] as const;
  t.match(expand(`\${header.big}`, { headers }), /^fault: .* 1000000 bytes or more/);
});

t.test('one fault leaves nothing behind for the next record', async (t) => {
  t.match(expand(`\${key}/x`, { key: '+' }), /^fault/);
  t.equal(expand(`\${key}/x`, { key: 'a' }), 'a/x');
});
