import t, { type Test } from 'tap';
import type { KafkaConnection } from '../../src/config/model.js';
import { inspectKafka } from '../../src/kafka/inspect.js';
import { type KafkaAccess, plainAccess } from '../../src/kafka/security-properties.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { type Kafka, startKafka } from '../support/real/kafka.js';
import {
  addressOf,
  certificateFile,
  type Listener,
  PASSWORD,
  USER,
  unsecuredToken,
} from '../support/real/kafka-security.js';

/* What a real Kafka says of topics and groups, with and without ACLs, and that it is the same afterwards. */

const TIMEOUT_MS = 30_000;
/** What needs no waiting is known well before the time is over. */
const SOON_MS = TIMEOUT_MS / 2;

async function start(t: Test, options: Parameters<typeof startKafka>[0]): Promise<Kafka> {
  const kafka = await startKafka(options);
  t.teardown(() => kafka.stop());
  return kafka;
}

/** Everything that an inspection could have made. */
async function contentsOf({ bootstrap, tool }: Kafka): Promise<string> {
  const at = ['--bootstrap-server', bootstrap];
  const topics = await tool('TopicCommand', [...at, '--describe']);
  const groups = await tool('consumer.group.ConsumerGroupCommand', [...at, '--list']);
  const offsets = await tool('GetOffsetShell', at);
  return [topics, groups, offsets].join('\n');
}

/** Gives a group an offset of its own, as its members would by committing one. */
async function makeGroup({ bootstrap, tool }: Kafka, group: string, topic: string): Promise<void> {
  const reset = ['--reset-offsets', '--to-earliest', '--execute', '--topic', topic];
  const at = ['--bootstrap-server', bootstrap, '--group', group];
  await tool('consumer.group.ConsumerGroupCommand', [...at, ...reset]);
}

t.test('without an authorizer, everything is allowed, and nothing is made', async (t) => {
  const kafka = await start(t, {});
  await kafka.createTopic('plain', 3);
  await kafka.createTopic('small', 1, { config: { 'max.message.bytes': '5000' } });
  const access = plainAccess(kafka.bootstrap);
  const request = {
    topics: ['plain', 'small', 'absent', 'no name'],
    groups: ['new', 'used'],
    timeoutMs: TIMEOUT_MS,
  };
  const before = await contentsOf(kafka);
  t.notMatch(before, '__consumer_offsets', 'no group has been asked about yet');
  const first = await inspectKafka(access, request);
  t.equal(await contentsOf(kafka), before);
  t.equal(first.fault, undefined);
  t.strictSame(
    first.brokers.map(({ id, host, port }) => `${id} ${host}:${port}`),
    [`1 ${kafka.bootstrap}`],
  );
  t.strictSame(
    first.groups.map(({ mayJoin, error }) => [mayJoin, error]),
    [
      [undefined, undefined],
      [undefined, undefined],
    ],
  );
  const allowed = { exists: true, error: undefined, mayWrite: true, mayRead: true };
  t.match(first.topics, [
    { name: 'plain', partitions: 3, maxMessageBytes: 1_048_588, ...allowed },
    { name: 'small', partitions: 1, maxMessageBytes: 5_000, ...allowed },
    { name: 'absent', exists: false, partitions: 0, error: /^there is no topic absent/ },
    { name: 'no name', exists: undefined, error: /^Kafka takes no name for no name of a topic/ },
  ]);
  await makeGroup(kafka, 'used', 'plain');
  const used = await contentsOf(kafka);
  const second = await inspectKafka(access, request);
  t.strictSame(second.groups, [
    { name: 'new', mayJoin: true, error: undefined },
    { name: 'used', mayJoin: true, error: undefined },
  ]);
  t.equal(await contentsOf(kafka), used);
});

const secured = startSecured();

/** Kafka with ACLs: its plain listener is for anybody, alice may do what the ACLs say. */
async function startSecured(): Promise<Kafka> {
  const kafka = await startKafka({
    secure: true,
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'false',
    },
  });
  t.teardown(() => kafka.stop());
  for (const topic of ['writable', 'readable', 'closed', 'both']) await kafka.createTopic(topic, 2);
  await allow(kafka, ['--operation', 'Write', '--topic', 'writable']);
  await allow(kafka, ['--operation', 'Read', '--topic', 'readable', '--group', 'may']);
  await allow(kafka, ['--operation', 'All', '--topic', 'both']);
  await allow(kafka, ['--operation', 'Describe', '--group', 'sees']);
  await makeGroup(kafka, 'others', 'readable');
  return kafka;
}

async function allow({ bootstrap, tool }: Kafka, what: readonly string[]): Promise<void> {
  const principal = ['--add', '--allow-principal', `User:${USER}`];
  await tool('AclCommand', ['--bootstrap-server', bootstrap, ...principal, ...what]);
}

type How = Partial<Pick<KafkaConnection, 'tls' | 'authentication'>>;

async function accessBy(listener: Listener, how: How, given: KafkaCredentials) {
  const { kafka } = plainAccess(addressOf(await secured, listener));
  const access: KafkaAccess = {
    kafka: { ...kafka, ...how },
    kafkaCredentials: seal<KafkaCredentials>(given),
  };
  return access;
}

const PLAIN = { kind: 'sasl', mechanism: 'plain', secretName: 'login' } as const;
const IDENTITY = {
  kind: 'systemAssignedManagedIdentity',
  audience: 'https://hubs.example',
} as const;
const LOGIN = { username: USER, password: PASSWORD };

t.test('with ACLs, each topic and group shows what they allow, and nothing is made', async (t) => {
  const kafka = await secured;
  const before = await contentsOf(kafka);
  const request = {
    topics: ['writable', 'readable', 'both', 'closed', 'absent'],
    groups: ['may', 'sees', 'others'],
    timeoutMs: TIMEOUT_MS,
  };
  const byPassword = await accessBy('sasl', { authentication: PLAIN }, { login: LOGIN });
  const token = unsecuredToken(USER, 600_000);
  const byToken = await accessBy('oauth', { authentication: IDENTITY }, { token });
  for (const access of [byPassword, byToken]) {
    const { fault, topics, groups } = await inspectKafka(access, request);
    t.equal(fault, undefined);
    t.match(topics, [
      { exists: true, partitions: 2, mayWrite: true, mayRead: false, error: undefined },
      { exists: true, partitions: 2, mayWrite: false, mayRead: true, error: undefined },
      { exists: true, partitions: 2, mayWrite: true, mayRead: true, error: undefined },
      { exists: undefined, mayWrite: false, mayRead: false, error: /does not let us see topic cl/ },
      { exists: undefined, mayWrite: false, mayRead: false, error: /does not let us see topic ab/ },
    ]);
    // Only who may describe configurations is told.
    t.strictSame(
      topics.map(({ maxMessageBytes }) => maxMessageBytes),
      [undefined, undefined, 1_048_588, undefined, undefined],
    );
    t.match(groups, [
      { mayJoin: true, error: undefined },
      { mayJoin: false, error: undefined },
      { mayJoin: false, error: /^Kafka does not let us join consumer group others: no ACL/ },
    ]);
  }
  t.equal(await contentsOf(kafka), before);
});

t.test('over TLS the same is told', async (t) => {
  const caPem = await certificateFile(await secured, 'ca.pem');
  const access = await accessBy('tls', { tls: { caConfigMap: 'ca' } }, { caPem });
  const request = { topics: ['closed'], groups: ['others'], timeoutMs: TIMEOUT_MS };
  const { fault, topics, groups } = await inspectKafka(access, request);
  t.equal(fault, undefined);
  t.match(topics, [{ exists: true, mayWrite: true, mayRead: true }]);
  t.match(groups, [{ mayJoin: true }]);
});

t.test('what can never connect is known long before the time is over', async (t) => {
  const kafka = await secured;
  const tls = { caConfigMap: 'ca' };
  const [caPem, otherPem] = await Promise.all([
    certificateFile(kafka, 'ca.pem'),
    certificateFile(kafka, 'other-ca.pem'),
  ]);
  const wrong = { username: USER, password: 'planted-wrong' };
  const { value } = unsecuredToken(USER, -60_000);
  const token = { value, expiresAtMs: Date.now() + 600_000, principal: USER };
  const cases: readonly (readonly [Listener, How, KafkaCredentials, string, RegExp])[] = [
    ['tls', { tls }, { caPem: otherPem }, 'tls', /of a CA that is not trusted/],
    ['expired', { tls }, { caPem }, 'tls', /has expired/],
    ['mtls', { tls }, { caPem }, 'authentication', /asks for a client certificate/],
    ['sasl', { authentication: PLAIN }, { login: wrong }, 'authentication', /refuses the login/],
    ['oauth', { authentication: IDENTITY }, { token }, 'authentication', /refuses the token/],
    ['plain', { tls }, { caPem }, 'protocol', /does not speak TLS/],
    ['tls', {}, {}, 'protocol', /ends the connection at its start/],
  ];
  const request = { topics: ['closed'], groups: ['others'], timeoutMs: TIMEOUT_MS };
  for (const [listener, how, given, reason, detail] of cases) {
    const began = performance.now();
    const found = await inspectKafka(await accessBy(listener, how, given), request);
    t.match(found.fault, { reason, detail }, `${listener} ${reason}`);
    t.ok(performance.now() - began < SOON_MS, `${listener}: not after the whole time`);
    t.match(found.topics, [{ exists: undefined, error: undefined, mayWrite: undefined }]);
    t.notMatch(JSON.stringify(found), 'planted-wrong');
  }
});

t.test('a Kafka that has stopped answering is a fault within the time', async (t) => {
  const kafka = await secured;
  await kafka.pause(1);
  t.teardown(() => kafka.resume(1));
  const request = { topics: ['closed'], groups: [], timeoutMs: 2_000 };
  const { fault } = await inspectKafka(plainAccess(kafka.bootstrap), request);
  t.match(fault, { reason: 'timeout', detail: kafka.bootstrap });
});
