import t from 'tap';
import { addon } from '../../src/kafka/addon.js';
import { producerProperties, topicProperties } from '../../src/kafka/client-config.js';
import { SETTINGS } from '../support/fake-worker.js';
import { NO_CREDENTIALS, plainKafka } from '../support/kafka-access.js';
import { NativeShard } from '../support/native-shard.js';

const TASK = {
  clientId: 'client',
  kafka: plainKafka('127.0.0.1:1'),
  kafkaCredentials: NO_CREDENTIALS,
  messageBytesMax: 17_000_000,
} as const;

t.test('librdkafka takes every property, whatever the settings', (t) => {
  const shard = new NativeShard();
  for (const idempotent of [true, false]) {
    for (const solo of [true, false]) {
      const settings = { ...SETTINGS, idempotent, lingerMs: 900_000, batchMessagesMax: 1_000_000 };
      const producer = shard.native.addProducer(producerProperties(TASK, settings, solo));
      for (const acks of idempotent ? (['all'] as const) : (['zero', 'one', 'all'] as const)) {
        for (const compression of ['none', 'gzip', 'snappy', 'lz4'] as const) {
          const properties = topicProperties({ acks, compression }, TASK.kafka);
          const topic = `${acks}-${compression}`;
          t.doesNotThrow(() => {
            shard.native.setTarget(0, producer, topic, properties, 0, 0, solo);
          });
        }
      }
    }
  }
  shard.close();
  t.end();
});

t.test('librdkafka never gives a record up by itself', (t) => {
  const properties = producerProperties(TASK, SETTINGS, false);
  t.equal(
    topicProperties({ acks: 'one', compression: 'none' }, TASK.kafka)['message.timeout.ms'],
    '0',
  );
  t.equal(properties['message.send.max.retries'], String(2 ** 31 - 1));
  t.equal(properties['message.max.bytes'], '17000000');
  t.end();
});

t.test('a topic that does not exist is told after seconds, so that somebody is', (t) => {
  const properties = producerProperties(TASK, SETTINGS, false);
  t.equal(properties['topic.metadata.propagation.max.ms'], '5000');
  t.end();
});

t.test('records that are sent alone go one by one', (t) => {
  const settings = { ...SETTINGS, lingerMs: 5, requestsInFlightMax: 5 };
  t.match(producerProperties(TASK, settings, true), {
    'linger.ms': '0',
    'batch.num.messages': '1',
    'max.in.flight.requests.per.connection': '1',
  });
  t.match(producerProperties(TASK, settings, false), {
    'linger.ms': '5',
    'batch.num.messages': '10000',
    'max.in.flight.requests.per.connection': '5',
  });
  t.end();
});

t.test('the librdkafka that is loaded is the one that these were written for', (t) => {
  t.match(addon.librdkafkaVersion, /^2\./);
  t.end();
});
