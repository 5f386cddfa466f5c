import t, { type Test } from 'tap';
import { OperatingError } from '../../src/base/errors.js';
import type { InspectedTopic, KafkaInspection } from '../../src/channel/kafka-inspection.js';
import type { Inspection, Inspector } from '../../src/doctor/kafka.js';
import type { Step } from '../../src/doctor/report.js';
import { unseal } from '../../src/secrets/sealed.js';
import { connector, toKafka, topicMap } from '../config/documents.js';
import { listenPeer } from '../support/peer.js';
import { EXPIRED } from '../support/server-certificates.js';
import { systemClockAt } from '../support/wall-clock.js';
import { examined, outline, secretsOf, textsOf } from './examined.js';

/* What a Kafka would answer is made up here; which servers there are is real. */

const BEFORE = 'a step before it failed';
const UNTOLD = 'cannot be told: Kafka does not say';
const MAX_PAYLOAD = 'maxPayloadBytes: 1000000';

/** A connector at these servers, by their names or addresses; `more` are lines of kafkaConnection. */
function kafkaAt(servers: readonly string[], more = 'tls: { tlsEnabled: false }') {
  const lines = [`endpoint: "${servers.join(',')}"`, ...more.split('\n')];
  const kafka = lines.map((line) => `  ${line}`).join('\n');
  return connector(`kafkaConnection:\n${kafka}\n${MAX_PAYLOAD}`);
}

const TLS = 'tls: { tlsEnabled: true, trustedCaCertificateConfigMap: broker-ca }';
const ROUTES = topicMap(
  [
    'routes:',
    '  - mqttToKafka: { name: in, mqttTopic: a/#, kafkaTopic: written }',
    '  - mqttToKafka: { name: made, mqttTopic: b/+, kafkaTopic: "t.${topic.2}" }',
    '  - kafkaToMqtt: { name: out, mqttTopic: c, kafkaTopic: read, consumerGroupId: g }',
  ].join('\n'),
);

const TOPIC: Omit<InspectedTopic, 'name'> = {
  exists: true,
  partitions: 3,
  error: undefined,
  maxMessageBytes: 1_048_588,
  mayWrite: true,
  mayRead: true,
};

/** What is well, but for `changes`. */
function answering(
  brokers: readonly number[],
  changes: {
    readonly fault?: KafkaInspection['fault'];
    readonly written?: Partial<InspectedTopic>;
    readonly read?: Partial<InspectedTopic>;
    readonly group?: Partial<KafkaInspection['groups'][number]>;
  } = {},
): { readonly inspect: Inspector; readonly asked: Inspection[] } {
  const asked: Inspection[] = [];
  const inspect: Inspector = async (inspection) => {
    asked.push(inspection);
    return {
      fault: changes.fault,
      brokers: brokers.map((port, id) => ({ id, host: '127.0.0.1', port })),
      topics: [
        { ...TOPIC, name: 'written', ...changes.written },
        { ...TOPIC, name: 'read', ...changes.read },
      ],
      groups: inspection.request.groups.map((name) => ({
        name,
        mayJoin: true,
        error: undefined,
        ...changes.group,
      })),
    };
  };
  return { inspect, asked };
}

const ofKafka = (steps: readonly Step[]) => steps.filter(({ side }) => side === 'kafka');

async function closedPort(t: Test): Promise<number> {
  const { port, server } = await listenPeer(t, 'tcp');
  await new Promise((resolve) => server.close(resolve));
  return port;
}

t.test('where all is well every step passes', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const { inspect, asked } = answering([port]);
  const documents = kafkaAt([`127.0.0.1:${port}`]) + ROUTES;
  const steps = ofKafka(await examined(documents, { inspect }));
  t.strictSame(outline(steps, 'kafka'), [
    'passed tcp',
    'passed login',
    'passed brokers',
    'passed topic',
    'passed size',
    'passed write',
    'passed topic',
    'passed read',
    'skipped topic',
    'passed group',
  ]);
  t.match(textsOf(steps, 'skipped'), [/^cannot be checked before messages come.*\(route made\)$/]);
  t.match(asked, [
    {
      access: { kafka: { bootstrapServers: `127.0.0.1:${port}` } },
      request: { topics: ['written', 'read'], groups: [/g/], timeoutMs: 10_000 },
    },
  ]);
});

t.test('every server that is named is tried; one is enough to ask', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const closed = await closedPort(t);
  const servers = ['kafka.invalid:9092', `127.0.0.1:${closed}`, `127.0.0.1:${port}`];
  const { inspect } = answering([port]);
  const steps = ofKafka(await examined(kafkaAt(servers) + ROUTES, { inspect }));
  t.strictSame(outline(steps, 'kafka').slice(0, 6), [
    'failed name',
    'skipped tcp',
    'failed tcp',
    'passed tcp',
    'passed login',
    'passed brokers',
  ]);
  t.match(textsOf(steps, 'failed')[1], `nobody listens at 127.0.0.1:${closed} (ECONNREFUSED)`);
});

t.test('where no server is reached nobody is asked', async (t) => {
  const { inspect, asked } = answering([]);
  const closed = await closedPort(t);
  const steps = ofKafka(await examined(kafkaAt([`127.0.0.1:${closed}`]) + ROUTES, { inspect }));
  t.strictSame(asked, []);
  t.strictSame(outline(steps, 'kafka'), [
    'failed tcp',
    'skipped login',
    'skipped brokers',
    'skipped topic',
    'skipped size',
    'skipped write',
    'skipped topic',
    'skipped read',
    'skipped topic',
    'skipped group',
  ]);
  t.strictSame(
    new Set(textsOf(steps, 'skipped')).size,
    2,
    'all because of that, but for the template',
  );
});

t.test('servers that Kafka advertises are tried too', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const closed = await closedPort(t);
  const { inspect } = answering([port, closed]);
  const steps = ofKafka(await examined(kafkaAt([`127.0.0.1:${port}`]) + ROUTES, { inspect }));
  t.match(textsOf(steps, 'failed'), [
    `nobody listens at 127.0.0.1:${closed}`,
    /^Kafka advertises addresses that cannot be used from here \(see above\): look at advertised\.listeners/,
  ]);
  t.match(
    steps.find(({ check }) => check === 'topic'),
    { outcome: 'passed' },
  );
});

t.test('certificates of Kafka are verified as those of the MQTT broker', async (t) => {
  const good = await listenPeer(t, 'tls');
  const { inspect } = answering([good.port]);
  const fine = ofKafka(
    await examined(kafkaAt([`localhost:${good.port}`], TLS) + ROUTES, { inspect }),
  );
  t.match(
    fine.find(({ check }) => check === 'tls'),
    { outcome: 'passed', text: /certificate "localhost" for localhost, 127\.0\.0\.1, of/ },
  );
  const clock = systemClockAt(Date.parse('2125-12-30T00:00:00Z'));
  const soon = ofKafka(
    await examined(kafkaAt([`127.0.0.1:${good.port}`], TLS) + ROUTES, { inspect, clock }),
  );
  t.match(textsOf(soon, 'warning'), [/expires in 2 days, on 2126-01-01: renew it before$/]);
  const bad = await listenPeer(t, 'tls', EXPIRED);
  const expired = ofKafka(
    await examined(kafkaAt([`127.0.0.1:${bad.port}`], TLS) + ROUTES, { inspect }),
  );
  t.match(textsOf(expired, 'failed'), [/^the certificate of .* has expired: renew it/]);
});

t.test('a login that is refused is told once, and nothing behind it is judged', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const detail = 'kafka:9092 refuses the login (SCRAM-SHA-512): the username or the password';
  const { inspect } = answering([], { fault: { reason: 'authentication', detail } });
  const steps = ofKafka(await examined(kafkaAt([`127.0.0.1:${port}`]) + ROUTES, { inspect }));
  t.strictSame(textsOf(steps, 'failed'), [detail]);
  t.strictSame(textsOf(steps, 'passed').length, 1, 'TCP');
});

t.test('a topic that is missing, and one that is too small', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const documents = kafkaAt([`127.0.0.1:${port}`]) + ROUTES;
  const { inspect } = answering([port], {
    written: { maxMessageBytes: 100_000 },
    read: { exists: false, partitions: 0, error: 'there is no topic read: create it' },
  });
  const steps = ofKafka(await examined(documents, { inspect }));
  t.strictSame(textsOf(steps, 'failed'), ['there is no topic read: create it (route out)']);
  t.match(textsOf(steps, 'warning'), [
    /^max\.message\.bytes is 100000, and maxPayloadBytes is 1000000: Kafka refuses larger/,
  ]);
  t.match(
    steps.filter(({ check }) => check === 'read'),
    [{ outcome: 'skipped', text: BEFORE }],
  );
});

t.test('what is not allowed fails with the ACL that is missing', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const { inspect } = answering([port], {
    written: { mayWrite: false },
    read: { mayRead: false },
    group: { mayJoin: false },
  });
  const steps = ofKafka(await examined(kafkaAt([`127.0.0.1:${port}`]) + ROUTES, { inspect }));
  t.match(textsOf(steps, 'failed'), [
    /\(route in\): add an ACL that allows our user Write on the topic$/,
    /\(route out\): add an ACL that allows our user Read on the topic$/,
    /add an ACL that allows our user Read on the group \(route out\)$/,
  ]);
});

t.test('what Kafka does not tell is no failure, and is said', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const nothing = { maxMessageBytes: undefined, mayWrite: undefined, mayRead: undefined };
  const { inspect } = answering([port], {
    written: nothing,
    read: nothing,
    group: { mayJoin: undefined },
  });
  const steps = ofKafka(await examined(kafkaAt([`127.0.0.1:${port}`]) + ROUTES, { inspect }));
  t.strictSame(textsOf(steps, 'skipped').filter((text) => text === UNTOLD).length, 4);
  t.strictSame(textsOf(steps, 'failed'), []);
});

const IDENTITY = [
  'tls: { tlsEnabled: true, trustedCaCertificateConfigMap: broker-ca }',
  'authentication:',
  '  enabled: true',
  '  authType: { systemAssignedManagedIdentity: { audience: "https://n.example" } }',
].join('\n');

t.test('the token of a managed identity is a step, and goes to who asks Kafka', async (t) => {
  const { port } = await listenPeer(t, 'tls');
  const documents = kafkaAt([`127.0.0.1:${port}`], IDENTITY) + ROUTES;
  const { inspect, asked } = answering([port]);
  const token = { value: 'planted-token', principal: 'p', expiresAtMs: Date.now() + 3_600_000 };
  const steps = ofKafka(await examined(documents, { inspect, askToken: async () => token }));
  t.match(
    steps.find(({ check }) => check === 'token'),
    { outcome: 'passed', subject: 'https://n.example', text: /for p, good for (59|60) minutes$/ },
  );
  const [inspection] = asked;
  t.match(inspection && unseal(inspection.access.kafkaCredentials), { token });
  t.notMatch(JSON.stringify(steps), /planted/);
  const askToken = () => Promise.reject(new OperatingError('ERR_ACCESS_TOKEN', 'IMDS is away'));
  const none = ofKafka(await examined(documents, { inspect, askToken }));
  t.strictSame(textsOf(none, 'failed'), ['IMDS is away']);
  t.match(
    none.find(({ check }) => check === 'login'),
    { outcome: 'skipped', text: BEFORE },
  );
});

t.test('a secret that lacks a key is named, without values', async (t) => {
  const { port } = await listenPeer(t, 'tcp');
  const sasl = [
    'tls: { tlsEnabled: false }',
    'authentication:',
    '  enabled: true',
    '  authType: { sasl: { saslType: plain, secretName: login } }',
  ].join('\n');
  const documents = kafkaAt([`127.0.0.1:${port}`], sasl) + toKafka('mqttTopic: a\nkafkaTopic: t');
  const secrets = secretsOf({ login: { username: 'planted-user' } });
  const { inspect, asked } = answering([port]);
  const steps = ofKafka(await examined(documents, { inspect, secrets }));
  t.match(steps[0], { outcome: 'failed', check: 'secrets', subject: 'Secret login' });
  t.match(textsOf(steps, 'failed'), [/Secret login.*password/]);
  t.notMatch(JSON.stringify(steps), /planted/);
  t.strictSame(asked, []);
});
