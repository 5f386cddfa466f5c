import kafka from 'node-rdkafka';
import t, { type Test } from 'tap';
import type { KafkaConnection } from '../../src/config/model.js';
import { faithfulHeaders, openKafkaSender } from '../../src/dead-letter/kafka-sender.js';
import type { ReplayRecord } from '../../src/dead-letter/replay.js';
import { bytesOf } from '../support/dead-letters.js';

function connectionTo(bootstrapServers: string): KafkaConnection {
  return { bootstrapServers, tls: undefined, authentication: { kind: 'none' } };
}

/** librdkafka's own Kafka, in this process, for as long as the test runs. */
async function startKafka(t: Test): Promise<string> {
  // A debugging setting of librdkafka's, which node-rdkafka leaves out of its types.
  const settings = { 'bootstrap.servers': 'mock', 'test.mock.num.brokers': 1 };
  const host = new kafka.Producer(settings as kafka.ProducerGlobalConfig);
  t.teardown(() => new Promise<void>((resolve) => host.disconnect(() => resolve())));
  const metadata = await new Promise<kafka.Metadata>((resolve, reject) => {
    host.connect({ timeout: 10_000 }, (error, found) => (error ? reject(error) : resolve(found)));
  });
  return metadata.brokers.map(({ host: name, port }) => `${name}:${port}`).join(',');
}

async function readBack(t: Test, servers: string, topic: string, count: number) {
  const consumer = new kafka.KafkaConsumer(
    { 'bootstrap.servers': servers, 'group.id': 'reader', 'enable.auto.commit': false },
    { 'auto.offset.reset': 'earliest' },
  );
  t.teardown(() => new Promise<void>((resolve) => consumer.disconnect(() => resolve())));
  await new Promise<void>((resolve, reject) => {
    consumer.connect({ timeout: 10_000 }, (error) => (error ? reject(error) : resolve()));
  });
  const messages: kafka.Message[] = [];
  await new Promise<void>((resolve) => {
    consumer.on('data', (message) => {
      messages.push(message);
      if (messages.length === count) resolve();
    });
    consumer.subscribe([topic]);
    consumer.consume();
  });
  return messages;
}

const record: ReplayRecord = {
  topic: 'receiving',
  partition: undefined,
  key: bytesOf('device-7'),
  headers: [
    ['colour', bytesOf('red')],
    ['Topic', bytesOf('plant/1/größe')],
    ['colour', bytesOf('blue')],
    ['empty', bytesOf('')],
  ],
  value: new Uint8Array([0, 255, 1]),
};

t.test('records reach Kafka with key, headers in order and any payload', async (t) => {
  const servers = await startKafka(t);
  const sender = await openKafkaSender(connectionTo(servers), 10_000);
  await sender.send(record);
  await sender.send({ ...record, partition: 0, key: null, headers: [], value: new Uint8Array() });
  await sender.close();
  const messages = await readBack(t, servers, 'receiving', 2);
  const full = messages.find(({ key }) => key !== null && key !== undefined);
  const bare = messages.find((message) => message !== full);
  t.equal(String(full?.key), 'device-7');
  t.same(full?.value, Buffer.from(record.value));
  t.same(
    full?.headers?.map((header) => Object.entries(header).map(([n, v]) => [n, String(v)])[0]),
    record.headers.map(([name, value]) => [name, Buffer.from(value).toString()]),
  );
  t.equal(bare?.partition, 0);
  t.same(bare?.value, Buffer.alloc(0));
  t.notOk(bare?.headers?.length);
});

t.test('a record that Kafka does not take is a failure', async (t) => {
  const servers = await startKafka(t);
  const sender = await openKafkaSender(connectionTo(servers), 2_000);
  t.teardown(() => sender.close());
  await t.rejects(sender.send({ ...record, partition: 99 }), {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: /^Kafka did not confirm it: /,
  });
  await sender.send(record);
});

t.test('a Kafka that is not there is a failure after the time-out', async (t) => {
  await t.rejects(openKafkaSender(connectionTo('127.0.0.1:1'), 300), {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: /^Kafka at 127\.0\.0\.1:1 does not answer/,
  });
});

t.test('a Kafka that asks for TLS or authentication is refused', async (t) => {
  const plain = connectionTo('127.0.0.1:1');
  for (const connection of [
    { ...plain, tls: { caConfigMap: undefined } },
    { ...plain, authentication: { kind: 'x509', secretName: 's' } as const },
  ]) {
    await t.rejects(openKafkaSender(connection, 300), { message: /not supported yet/ });
  }
});

t.test('headers that would not arrive as they are stop their letter', async (t) => {
  t.same(
    faithfulHeaders([
      ['a', bytesOf('€')],
      ['a', bytesOf('')],
    ]),
    [{ a: '€' }, { a: '' }],
  );
  for (const value of [new Uint8Array([0xff]), bytesOf('a\0b')]) {
    t.throws(() => faithfulHeaders([['Correlation Data', value]]), {
      code: 'ERR_DEAD_LETTER_REPLAY',
      message: /"Correlation Data" holds bytes that are not text/,
    });
  }
});
