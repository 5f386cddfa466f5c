import t from 'tap';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import { addon } from '../../src/kafka/addon.js';
import { type ConsumerSettings, consumerProperties } from '../../src/kafka/consumer-config.js';
import { NO_CREDENTIALS, plainKafka } from '../support/kafka-access.js';

const TASK = {
  clientId: 'client',
  kafka: plainKafka('127.0.0.1:1'),
  kafkaCredentials: NO_CREDENTIALS,
  messageBytesMax: 17_000_000,
} as const;

const SETTINGS: ConsumerSettings = {
  groupId: 'group',
  groupInstanceId: undefined,
  offsetReset: 'earliest',
};

function open(properties: Readonly<Record<string, string>>): void {
  const ring = new Uint8Array(createRingMemory(1024));
  const large = new Uint8Array(new SharedArrayBuffer(0));
  new addon.Consumer(properties, 'topic', ring, large, -1, -1).destroy();
}

t.test('librdkafka takes every property, whatever the settings', async (t) => {
  for (const messageBytesMax of [1_000, 17_000_000, 269_000_000, 2 ** 31]) {
    for (const groupInstanceId of [undefined, 'instance']) {
      for (const offsetReset of ['earliest', 'latest'] as const) {
        const settings = { ...SETTINGS, groupInstanceId, offsetReset };
        const properties = consumerProperties({ ...TASK, messageBytesMax }, settings);
        t.doesNotThrow(() => open(properties));
        t.equal(properties['group.instance.id'], groupInstanceId);
        t.equal(properties['auto.offset.reset'], offsetReset);
      }
    }
  }
});

t.test('nothing is committed that was only read', async (t) => {
  t.match(consumerProperties(TASK, SETTINGS), {
    'enable.auto.commit': 'false',
    'enable.auto.offset.store': 'false',
  });
});

t.test('what is fetched ahead is bounded, and holds the largest record', async (t) => {
  const small = consumerProperties({ ...TASK, messageBytesMax: 1_000 }, SETTINGS);
  t.match(small, {
    'queued.max.messages.kbytes': '16384',
    'fetch.max.bytes': String(16 * 2 ** 20),
    'fetch.message.max.bytes': String(2 ** 20),
  });
  const large = consumerProperties({ ...TASK, messageBytesMax: 100_000_000 }, SETTINGS);
  t.equal(large['fetch.message.max.bytes'], '100000000');
  t.equal(large['fetch.max.bytes'], '100000000');
  t.ok(Number(large['queued.max.messages.kbytes']) * 1024 >= 100_000_000);
});

t.test(
  'a response with the largest batch that a broker takes by default can be received',
  async (t) => {
    for (const messageBytesMax of [1_000, 200_000_000]) {
      const properties = consumerProperties({ ...TASK, messageBytesMax }, SETTINGS);
      const receive = Number(properties['receive.message.max.bytes']);
      t.ok(receive > 100 * 2 ** 20);
      t.ok(receive >= Number(properties['fetch.max.bytes']) + 512);
    }
  },
);
