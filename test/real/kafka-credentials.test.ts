import t, { type Test } from 'tap';
import type { FromWorker } from '../../src/channel/protocol.js';
import type { KafkaAuthentication, KafkaConnection } from '../../src/config/model.js';
import { plainAccess } from '../../src/kafka/security-properties.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { type Kafka, startKafka } from '../support/real/kafka.js';
import {
  addressOf,
  CONNECTION_STRING,
  certificateFile,
  certificatePath,
  type Listener,
  PASSWORD,
  REAUTH_MS,
  USER,
  unsecuredToken,
} from '../support/real/kafka-security.js';
import { LivePool } from '../support/real/live-pool.js';
import { until } from '../support/until.js';

/* What a connector connects with is changed while 5,000 records a second flow to a real Kafka and back.
 * Each must come through once, and the records of each key in order. */

const PARTITIONS = 4;
const kafkas: Promise<Kafka> = startKafka({ secure: true });
t.teardown(async () => (await kafkas).stop());

interface Case {
  readonly name: string;
  readonly listener: Listener;
  readonly tls: boolean;
  readonly authentication: KafkaAuthentication;
  readonly credentials: KafkaCredentials;
}

const scram = { kind: 'sasl', mechanism: 'scram-sha-512', secretName: 's' } as const;
const plain = { kind: 'sasl', mechanism: 'plain', secretName: 's' } as const;
const x509 = { kind: 'x509', secretName: 's' } as const;
const identity = {
  kind: 'systemAssignedManagedIdentity',
  audience: 'https://hubs.example',
} as const;
const none = { kind: 'none' } as const;

async function open(t: Test, options: Case): Promise<{ kafka: Kafka; pool: LivePool }> {
  const { name, listener, tls, authentication, credentials } = options;
  const kafka = await kafkas;
  await kafka.createTopic(name, PARTITIONS);
  const connection: KafkaConnection = {
    ...plainAccess(addressOf(kafka, listener)).kafka,
    tls: tls ? { caConfigMap: 'ca' } : undefined,
    authentication,
  };
  const pool = new LivePool(t, { kafka: connection, credentials, topic: name });
  return { kafka, pool };
}

/** Has records flow for so long that Kafka asked for another login twice. */
async function passReauthentications(pool: LivePool): Promise<void> {
  const endMs = performance.now() + 2 * REAUTH_MS;
  while (performance.now() < endMs) await pool.flows();
}

const faultsOf = ({ messages }: LivePool) =>
  messages.flatMap((message: FromWorker) =>
    message.kind === 'log' && message.level === 'error' ? [message.text] : [],
  );

/** What main was told is wrong, since Kafka was connected first. */
function troublesOf({ messages }: LivePool): FromWorker[] {
  const connected = messages.findIndex((message) => message.kind === 'kafka' && message.up);
  return messages
    .slice(connected + 1)
    .filter(({ kind }) => kind === 'kafka' || kind === 'consumer' || kind === 'producerLost');
}

async function alterPassword(user: string, password: string): Promise<void> {
  const kafka = await kafkas;
  const change = `SCRAM-SHA-512=[password=${password}]`;
  const entity = ['--entity-type', 'users', '--entity-name', user];
  await kafka.tool('kafka.admin.ConfigCommand', [
    ...['--bootstrap-server', kafka.bootstrap, '--alter', '--add-config', change],
    ...entity,
  ]);
}

/** Records that flow by the login of a user of its own; `credentials` are those with another password. */
async function openWithPassword(t: Test, user: string, password: string) {
  await alterPassword(user, password);
  const caPem = await certificateFile(await kafkas, 'ca.pem');
  const credentials = (password: string) => ({ caPem, login: { username: user, password } });
  const opened = await open(t, {
    name: user,
    listener: 'saslTls',
    tls: true,
    authentication: scram,
    credentials: credentials(password),
  });
  await opened.pool.start();
  return { ...opened, credentials };
}

t.test('a password that is another at Kafka first, then in the secret', async (t) => {
  const user = 'password-first';
  const { kafka, pool, credentials } = await openWithPassword(t, user, 'old-secret');
  await alterPassword(user, 'new-secret');
  await pool.inUse(pool.change(credentials('new-secret')));
  await passReauthentications(pool);
  await pool.check(t, kafka.bootstrap);
});

t.test('a password that is another in the secret first, then at Kafka', async (t) => {
  const user = 'secret-first';
  const { kafka, pool, credentials } = await openWithPassword(t, user, 'old-secret');
  const generation = pool.change(credentials('new-secret'));
  t.match(await pool.refused(generation), {
    reason: 'authentication',
    detail: /refuses the login \(scram-sha-512\)/,
  });
  await passReauthentications(pool);
  t.same(faultsOf(pool), [], 'those before stay in service, and log in again');
  await alterPassword(user, 'new-secret');
  await pool.inUse(generation);
  await passReauthentications(pool);
  await pool.check(t, kafka.bootstrap);
});

t.test('a login by PLAIN lasts, and another user takes over', async (t) => {
  const ca = await certificateFile(await kafkas, 'ca.pem');
  const { kafka, pool } = await open(t, {
    name: 'plain-login',
    listener: 'saslTls',
    tls: true,
    authentication: plain,
    credentials: { caPem: ca, login: { username: USER, password: PASSWORD } },
  });
  await pool.start();
  await passReauthentications(pool);
  t.same(faultsOf(pool), []);
  const login = { username: '$ConnectionString', password: CONNECTION_STRING };
  await pool.inUse(pool.change({ caPem: ca, login }));
  await passReauthentications(pool);
  t.same(troublesOf(pool), []);
  await pool.check(t, kafka.bootstrap);
});

t.test('a token is renewed, and the connections outlive the one before', async (t) => {
  const first = unsecuredToken('bridge', 3 * REAUTH_MS);
  const { kafka, pool } = await open(t, {
    name: 'token-renewed',
    listener: 'oauth',
    tls: false,
    authentication: identity,
    credentials: { token: first },
  });
  await pool.start();
  const renewed = pool.change({ token: unsecuredToken('bridge', 600_000) });
  await pool.inUse(renewed);
  await until('the first token has expired', () => Date.now() > first.expiresAtMs);
  await passReauthentications(pool);
  t.same(faultsOf(pool), []);
  await pool.check(t, kafka.bootstrap);
});

t.test(
  'a client waits for its first token and says so; a refused one changes nothing',
  async (t) => {
    const ca = await certificateFile(await kafkas, 'ca.pem');
    const { kafka, pool } = await open(t, {
      name: 'token-refused',
      listener: 'oauthTls',
      tls: true,
      authentication: identity,
      credentials: { caPem: ca },
    });
    const starting = pool.start();
    const said = (detail: RegExp) => () =>
      pool.messages.some((message) => message.kind === 'kafka' && detail.test(message.detail));
    await until('it says what it waits for', said(/^there is no token yet for https:/));
    await pool.inUse(pool.change({ caPem: ca, token: unsecuredToken('bridge', 600_000) }));
    await starting;
    // What is in the token has expired, which only Kafka sees.
    const { value } = unsecuredToken('bridge', -60_000);
    const token = { value, expiresAtMs: Date.now() + 600_000, principal: 'bridge' };
    t.match(await pool.refused(pool.change({ caPem: ca, token })), {
      reason: 'authentication',
      detail: /refuses the token of the managed identity/,
    });
    await pool.flows();
    t.notOk(said(/refuses the token/)(), 'the connections that work are as before');
    await pool.check(t, kafka.bootstrap);
    t.notMatch(JSON.stringify(pool.messages), new RegExp(value.split('.')[1] as string));
  },
);

t.test('a client certificate is replaced; one that Kafka refuses is not', async (t) => {
  const kafka = await kafkas;
  const caPem = await certificateFile(kafka, 'ca.pem');
  const of = async (name: string): Promise<KafkaCredentials> => ({
    caPem,
    client: {
      certificatePem: await certificateFile(kafka, `${name}.pem`),
      keyPem: await certificateFile(kafka, `${name}.key`),
      passPhrase: undefined,
    },
  });
  const { pool } = await open(t, {
    name: 'client-certificate',
    listener: 'mtls',
    tls: true,
    authentication: x509,
    credentials: await of('client'),
  });
  await pool.start();
  t.match(await pool.refused(pool.change(await of('other-client'))), {
    reason: 'authentication',
    detail: /refuses the client certificate of Secret s/,
  });
  await pool.flows();
  t.match(await pool.inUse(pool.change(await of('new-client'))), {
    abandonedRecords: 0,
    timedOut: false,
  });
  await pool.flows();
  await pool.inUse(pool.change(await of('client')));
  await pool.flows();
  t.same(troublesOf(pool), [], 'nobody is told of a Kafka that is away');
  await pool.check(t, kafka.bootstrap);
});

t.test('a CA is added, then Kafka has a certificate of it, then the other CA goes', async (t) => {
  const kafka = await kafkas;
  const ca = await certificateFile(kafka, 'ca.pem');
  const other = await certificateFile(kafka, 'other-ca.pem');
  const { pool } = await open(t, {
    name: 'ca-added',
    listener: 'tls',
    tls: true,
    authentication: none,
    credentials: { caPem: ca },
  });
  await pool.start();
  const tooEarly = pool.change({ caPem: other });
  t.match(await pool.refused(tooEarly), { reason: 'tls', detail: /CA that is not trusted/ });
  await pool.inUse(pool.change({ caPem: `${ca}${other}` }));
  await pool.flows();
  const keystore = certificatePath(kafka, 'new-server-keystore.pem');
  await kafka.tool('kafka.admin.ConfigCommand', [
    ...['--bootstrap-server', kafka.bootstrap, '--entity-type', 'brokers', '--entity-name', '1'],
    ...['--alter', '--add-config', `listener.name.tls.ssl.keystore.location=${keystore}`],
  ]);
  await pool.flows();
  t.match(await pool.inUse(pool.change({ caPem: other })), {
    abandonedRecords: 0,
    timedOut: false,
  });
  await pool.flows();
  await pool.check(t, kafka.bootstrap);
});
