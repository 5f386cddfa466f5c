import t from 'tap';
import type { KafkaConnection } from '../../src/config/model.js';
import { EVENT_LOG } from '../../src/kafka/addon.js';
import { seal } from '../../src/secrets/sealed.js';
import { FakeWorker } from '../support/fake-worker.js';
import { plainKafka } from '../support/kafka-access.js';

const PLAIN = plainKafka('127.0.0.1:1');
const SASL: KafkaConnection = {
  ...PLAIN,
  authentication: { kind: 'sasl', mechanism: 'plain', secretName: 's' },
};
const IDENTITY: KafkaConnection = {
  ...PLAIN,
  authentication: { kind: 'systemAssignedManagedIdentity', audience: 'a' },
};
const login = (password: string) => ({ login: { username: 'u', password } });
const token = (value: string, expiresAtMs = 8e12) => ({
  token: { value, expiresAtMs, principal: 'p' },
});
const NONE = { abandonedRecords: 0, timedOut: false };

async function workerWith(kafka: KafkaConnection, credentials: object): Promise<FakeWorker> {
  const worker = new FakeWorker({ task: { kafka, kafkaCredentials: seal(credentials) } });
  await worker.run();
  return worker;
}

t.test('another password is set on the clients that run, once a trial has connected', async (t) => {
  const worker = await workerWith(SASL, login('old'));
  const { native, consumers } = worker;
  const { index } = native.batched();
  native.logins.length = 0;
  const generation = await worker.credentials(login('new'));
  t.equal(worker.trial()?.properties['sasl.password'], 'new');
  t.strictSame(worker.take('credentialsInUse'), [], 'what works stays until then');
  t.notOk(native.logins.some(([producer]) => producer === index));
  await worker.trialConnects();
  t.equal(worker.trial(), undefined);
  t.strictSame(native.logins.at(-1), [index, 'u', 'new']);
  t.equal(consumers.logins.length, 1);
  t.equal(consumers.renewals, 0);
  t.equal(native.batched().index, index, 'the producer is the same');
  t.strictSame(worker.take('credentialsInUse'), [
    { kind: 'credentialsInUse', generation, ...NONE },
  ]);
  native.control({
    ...OPEN,
    targetId: 1,
    topic: 'later',
    producer: { ...OPEN.producer, variant: 1 },
  });
  await worker.run();
  t.equal(native.batched(1).properties['sasl.password'], 'new', 'later ones have it too');
});

t.test('what Kafka refuses is told once for each reason, and the old stays', async (t) => {
  const worker = await workerWith(SASL, login('old'));
  const generation = await worker.credentials(login('wrong'));
  const { index } = worker.trial() ?? { index: -1 };
  const say = async (text: string) => {
    worker.native.event({ kind: EVENT_LOG, producer: index, code: 3, fatal: false, text });
    await worker.run();
  };
  await say(
    'FAIL: [thrd:a]: sasl_plaintext://a:1/1: Connect to ipv4#1.1.1.1:1 failed: Connection refused',
  );
  t.strictSame(worker.take('credentialsRefused'), [], 'a Kafka that is away refuses nothing');
  for (let i = 0; i < 3; i++)
    await say('FAIL: sasl_plaintext://a:1/1: SASL authentication error: no');
  t.match(worker.take('credentialsRefused'), [
    { generation, reason: 'authentication', detail: /^a:1 refuses the login/ },
  ]);
  t.strictSame(worker.take('kafka'), [], 'nothing is said of the connections that work');
  t.strictSame(
    worker
      .take('log')
      .map(({ level }) => level)
      .filter((level) => level !== 'debug'),
    [],
  );
  await worker.trialConnects();
  t.match(worker.take('credentialsInUse'), [{ generation }], 'it was tried on');
});

t.test(
  'where no broker gives a verdict for long, that is told, with the last obstacle',
  async (t) => {
    const worker = await workerWith(SASL, login('old'));
    const generation = await worker.credentials(login('new'));
    const { index } = worker.trial() ?? { index: -1 };
    const say = async (text: string) => {
      worker.native.event({ kind: EVENT_LOG, producer: index, code: 3, fatal: false, text });
      await worker.run();
    };
    const refusedConnect =
      'FAIL: [thrd:a]: sasl_plaintext://a:1/1: Connect to ipv4#1.1.1.1:1 failed: Connection refused';
    await worker.pass(9_000);
    await say(refusedConnect);
    t.strictSame(worker.take('credentialsUntried'), [], 'not yet');
    await worker.pass(1_000);
    t.match(worker.take('credentialsUntried'), [{ generation, reason: 'refused', detail: /a:1/ }]);
    await worker.pass(60_000);
    await say(refusedConnect);
    t.strictSame(worker.take('credentialsUntried'), [], 'once for each reason');
    await say('FAIL: sasl_plaintext://a:1/1: SASL authentication error: no');
    t.match(worker.take('credentialsRefused'), [{ generation, reason: 'authentication' }]);
    await worker.pass(60_000);
    t.strictSame(worker.take('credentialsUntried'), []);
    await worker.trialConnects();
    t.match(worker.take('credentialsInUse'), [{ generation }]);
  },
);

t.test('a cluster that says nothing at all is an obstacle too', async (t) => {
  const worker = await workerWith(SASL, login('old'));
  const generation = await worker.credentials(login('new'));
  await worker.pass(10_000);
  t.match(worker.take('credentialsUntried'), [
    { generation, reason: 'timeout', detail: 'no broker of the cluster answers' },
  ]);
  worker.change.close();
});

t.test('a trial waits longer from one failure to the next', async (t) => {
  const worker = await workerWith(SASL, login('old'));
  await worker.credentials(login('new'));
  t.match(worker.trial()?.properties, {
    'reconnect.backoff.ms': '1000',
    'reconnect.backoff.max.ms': '60000',
  });
  t.equal(worker.native.batched().properties['reconnect.backoff.ms'], '100');
});

t.test('what a trial said last is nobody’s when another one is open, or none', async (t) => {
  const worker = await workerWith(SASL, login('old'));
  await worker.credentials(login('first'));
  const first = worker.trial()?.index ?? -1;
  await worker.credentials(login('second'));
  const second = worker.trial()?.index ?? -1;
  const text = 'FAIL: sasl_plaintext://a:1/1: SASL authentication error: no';
  worker.native.event({ kind: EVENT_LOG, producer: first, code: 3, fatal: false, text });
  await worker.run();
  await worker.trialConnects();
  for (const producer of [first, second])
    worker.native.event({ kind: EVENT_LOG, producer, code: 3, fatal: false, text });
  await worker.run();
  t.strictSame(worker.take('log'), []);
  t.strictSame(worker.take('credentialsRefused'), []);
  t.match(worker.take('credentialsInUse'), [{ generation: 2 }]);
});

t.test('of credentials that come one after another the last ones count', async (t) => {
  const worker = await workerWith(SASL, login('old'));
  for (const password of ['a', 'b', 'c']) await worker.credentials(login(password));
  t.equal(worker.native.open().length, 2, 'one trial at a time');
  await worker.trialConnects();
  t.match(worker.take('credentialsInUse'), [{ generation: 3 }]);
  t.strictSame(worker.native.logins.at(-1)?.slice(1), ['u', 'c']);
  const back = await worker.credentials(login('c'));
  t.match(worker.take('credentialsInUse'), [{ generation: back }], 'the same again is no change');
  t.equal(worker.trial(), undefined);
});

t.test('those that come while clients are replaced wait, the last ones only', async (t) => {
  const worker = await workerWith(PLAIN, { caPem: 'old' });
  let renewed = () => {};
  worker.consumers.renewed = new Promise((resolve) => {
    renewed = resolve;
  });
  await worker.credentials({ caPem: '1' });
  await worker.trialConnects();
  t.equal(worker.consumers.renewals, 1);
  for (const caPem of ['2', '3', '4']) await worker.credentials({ caPem });
  t.equal(worker.trial(), undefined);
  renewed();
  await worker.pass(1_000);
  t.match(worker.take('credentialsInUse'), [{ generation: 1 }]);
  await worker.trialConnects();
  await worker.pass(1_000);
  t.match(worker.take('credentialsInUse'), [{ generation: 4 }]);
  t.equal(worker.consumers.renewals, 2);
});

t.test('the first token is set at once; a renewed one after a trial', async (t) => {
  const worker = await workerWith(IDENTITY, {});
  await worker.credentials(token('first'));
  t.strictSame(worker.native.logins, [[0, 'first']]);
  t.match(worker.take('credentialsInUse'), [{ generation: 1 }]);
  await worker.credentials(token('second', 9e12));
  t.strictSame(worker.native.logins.slice(1), [[worker.trial()?.index, 'second']]);
  await worker.trialConnects();
  t.strictSame(worker.native.logins.at(-1), [0, 'second']);
});

t.test('after the old token has expired there is nothing to lose', async (t) => {
  const worker = await workerWith(IDENTITY, token('old', 1));
  worker.native.logins.length = 0;
  await worker.credentials(token('new', 9e12));
  t.strictSame(worker.native.logins, [[0, 'new']]);
  t.match(worker.take('credentialsInUse'), [{ generation: 1 }]);
});

t.test('a token that librdkafka does not take is refused, and the old stays', async (t) => {
  const worker = await workerWith(IDENTITY, token('old'));
  worker.native.loginFault = 'the token has expired';
  await worker.credentials(token('new', 9e12));
  const refused = { generation: 1, reason: 'authentication', detail: 'the token has expired' };
  t.match(worker.take('credentialsRefused'), [refused]);
  t.equal(worker.native.open().length, 1, 'the trial is gone');
});

t.test('a worker that waits for a token says so, once', async (t) => {
  const worker = await workerWith(IDENTITY, {});
  worker.native.tell(worker.native.batched(), false);
  await worker.run();
  for (let i = 0; i < 5; i++) await worker.pass(1000);
  t.match(worker.take('kafka'), [
    { up: false, reason: 'network' },
    { up: false, reason: 'authentication', detail: /there is no token yet for a/ },
  ]);
});

const OPEN = {
  kind: 'openTarget',
  producer: {
    lingerMs: 0,
    batchMessagesMax: 10,
    batchBytesMax: 1_000_000,
    idempotent: true,
    requestsInFlightMax: 1,
    variant: 0,
  },
  acks: 'all',
  compression: 'none',
  rule: 0,
  instanceId: 0,
} as const;
