import t, { type Test } from 'tap';
import { addon } from '../../src/kafka/addon.js';
import { openRecordSender, type SentRecord } from '../../src/kafka/record-sender.js';
import { plainAccess } from '../../src/kafka/security-properties.js';
import { seal } from '../../src/secrets/sealed.js';
import { bytesOf } from '../support/dead-letters.js';
import { readRecords } from '../support/kafka-records.js';

const MSG_SIZE_TOO_LARGE = 10;
const PRODUCE = 0;

/** librdkafka's own Kafka, in this process, for as long as the test runs. */
function startKafka(t: Test) {
  const cluster = new addon.MockCluster(1);
  cluster.createTopic('receiving', 1);
  t.teardown(() => cluster.close());
  return cluster;
}

const record: SentRecord = {
  topic: 'receiving',
  partition: undefined,
  key: bytesOf('device-7'),
  headers: [
    ['colour', bytesOf('red')],
    ['Topic', bytesOf('plant/1/größe')],
    ['Correlation Data', new Uint8Array([0xff, 0x80])],
    ['colour', bytesOf('blue')],
    ['empty', bytesOf('')],
  ],
  value: new Uint8Array([0, 255, 1]),
};

t.test('records reach Kafka with key, headers in order and any payload', async (t) => {
  const { bootstrapServers } = startKafka(t);
  const sender = await openRecordSender(plainAccess(bootstrapServers), 10_000);
  await sender.send(record);
  await sender.send({ ...record, key: null, headers: [], value: new Uint8Array() });
  await sender.send({ ...record, value: new Uint8Array(3_000_000).fill(7) });
  await sender.close();
  const [full, bare, large] = await readRecords(bootstrapServers, 'receiving');
  t.equal(String(full?.key), 'device-7');
  t.same(full?.value, Buffer.from(record.value));
  // The reader makes text of header values, so what is no text shows as U+FFFD for each byte.
  t.same(
    full?.headers.map(([name, value]) => [name, String(value)]),
    record.headers.map(([name, value]) => [name, Buffer.from(value).toString()]),
  );
  t.equal(bare?.key, null);
  t.same(bare?.value, Buffer.alloc(0));
  t.same(bare?.headers, []);
  t.ok(large?.value?.equals(Buffer.alloc(3_000_000, 7)), 'a large one');
});

t.test('a record that Kafka does not take is a failure', async (t) => {
  const cluster = startKafka(t);
  const sender = await openRecordSender(plainAccess(cluster.bootstrapServers), 5_000);
  t.teardown(() => sender.close());
  cluster.failRequests(PRODUCE, [MSG_SIZE_TOO_LARGE]);
  await t.rejects(sender.send(record), {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: 'Kafka did not confirm it: MSG_SIZE_TOO_LARGE',
  });
  await sender.send(record);
});

t.test('a Kafka that does not confirm is a failure after the time-out', async (t) => {
  const cluster = startKafka(t);
  const sender = await openRecordSender(plainAccess(cluster.bootstrapServers), 3_000);
  t.teardown(() => sender.close());
  cluster.setBrokerUp(1, false);
  await t.rejects(sender.send(record), { message: /no answer within 3000 ms/ });
});

t.test('a letter of a fixed partition is refused', async (t) => {
  const { bootstrapServers } = startKafka(t);
  const sender = await openRecordSender(plainAccess(bootstrapServers), 5_000);
  t.teardown(() => sender.close());
  await t.rejects(sender.send({ ...record, partition: 1 }), { message: /names partition 1/ });
});

t.test('a Kafka that is not there is a failure after the time-out', async (t) => {
  await t.rejects(openRecordSender(plainAccess('127.0.0.1:1'), 3_000), {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: 'no connection to Kafka: nobody listens at 127.0.0.1:1',
  });
});

t.test('a sender without a token says that it waits for one', async (t) => {
  const { kafka } = plainAccess(startKafka(t).bootstrapServers);
  const authentication = { kind: 'systemAssignedManagedIdentity', audience: 'a' } as const;
  const access = { kafka: { ...kafka, authentication }, kafkaCredentials: seal({}) };
  await t.rejects(openRecordSender(access, 1_000), {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: /^there is no token yet for a: /,
  });
});
