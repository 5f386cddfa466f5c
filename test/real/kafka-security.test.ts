import t, { type Test } from 'tap';
import { openRecordSender } from '../../src/kafka/record-sender.js';
import { type KafkaAccess, plainAccess } from '../../src/kafka/security-properties.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import type { RunningConnector } from '../support/connector.js';
import { startBridge, startServersWithTopic } from '../support/real/bridge.js';
import {
  addressOf,
  CONNECTION_STRING,
  certificateFile,
  type Listener,
  PASSWORD,
  USER,
} from '../support/real/kafka-security.js';
import { mountAccess } from '../support/real/mounted-access.js';
import { carrier, roundTrip, saysWhatIsWrong } from '../support/real/round-trip.js';

/* Every way to connect to a real Kafka, each carrying a message to it and back, and every way that fails,
 * with what a person reads of it. */

const TOPIC = 'secured';
const REPLAY_MS = 120_000;

const servers = startServersWithTopic(t, TOPIC, { secure: true });

interface Access {
  readonly listener: Listener;
  readonly tls?: object;
  readonly authType?: object;
}

interface Started {
  readonly bridge: RunningConnector;
  readonly address: string;
}

/** `millrace run` with the secrets of all cases in folders, as Kubernetes mounts them. */
async function start(t: Test, name: string, access: Access): Promise<Started> {
  const both = await servers;
  const { kafka } = both;
  const args = await mountAccess(t.testdir(), (each) => certificateFile(kafka, each), {
    login: { username: USER, password: PASSWORD },
    'event-hubs': { username: '$ConnectionString', password: CONNECTION_STRING },
    'wrong-password': { username: USER, password: 'planted-wrong' },
    'unknown-user': { username: 'planted-mallory', password: 'planted-wrong' },
  });
  const address = addressOf(kafka, access.listener);
  const { tls = { tlsEnabled: false }, authType } = access;
  const authentication =
    authType === undefined ? {} : { authentication: { enabled: true, authType } };
  const bridge = await startBridge(t, both, {
    clientIdPrefix: name,
    connector: {
      kafkaConnection: { endpoint: address, tls, ...authentication },
      logLevel: 'trace',
    },
    maps: [roundTrip(name, TOPIC)],
    args,
  });
  return { bridge, address };
}

const BY_CA = { tlsEnabled: true, caConfigMap: 'ca' };
const sasl = (saslType: string, secretName = 'login') => ({ sasl: { saslType, secretName } });
const x509 = (secretName: string) => ({ x509: { secretName } });

const WORKING: Readonly<Record<string, Access>> = {
  plain: { listener: 'plain' },
  'plain-plain': { listener: 'sasl', authType: sasl('plain') },
  'plain-scram-256': { listener: 'sasl', authType: sasl('scram-sha-256') },
  'plain-scram-512': { listener: 'sasl', authType: sasl('scramSha512') },
  tls: { listener: 'tls', tls: BY_CA },
  'tls-plain': { listener: 'saslTls', tls: BY_CA, authType: sasl('plain') },
  'tls-scram-256': { listener: 'saslTls', tls: BY_CA, authType: sasl('scram-sha-256') },
  'tls-scram-512': { listener: 'saslTls', tls: BY_CA, authType: sasl('scram-sha-512') },
  'tls-event-hubs': { listener: 'saslTls', tls: BY_CA, authType: sasl('plain', 'event-hubs') },
  mtls: { listener: 'mtls', tls: BY_CA, authType: x509('client') },
  'mtls-pass-phrase': { listener: 'mtls', tls: BY_CA, authType: x509('encrypted') },
};

for (const [name, access] of Object.entries(WORKING)) {
  t.test(`${name}: a message goes to Kafka and back`, async (t) => {
    const { mosquitto } = await servers;
    const { bridge } = await start(t, name, access);
    await bridge.ready();
    const carry = await carrier(t, mosquitto, name, bridge);
    await carry(`from ${name}`);
    t.equal(await bridge.terminate(), 0);
  });
}

const CA_BY_SYSTEM = { tlsEnabled: true };

const FAILING: Readonly<
  Record<string, readonly [Access, reason: string, (address: string) => string]>
> = {
  'wrong-ca': [
    { listener: 'tls', tls: { tlsEnabled: true, caConfigMap: 'other-ca' } },
    'tls',
    (address) =>
      `the certificate of ${address} is of a CA that is not trusted (/CN=Millrace test ca): put the CA into ConfigMap other-ca`,
  ],
  'no-ca': [
    { listener: 'tls', tls: CA_BY_SYSTEM },
    'tls',
    (address) =>
      `the certificate of ${address} is of a CA that is not trusted (/CN=Millrace test ca): name a config map that holds the CA as tls.caConfigMap, or install the CA certificates of the system`,
  ],
  'other-name': [
    { listener: 'otherName', tls: BY_CA },
    'tls',
    (address) =>
      `the certificate of ${address} is for another name (/CN=kafka.example): connect by a name that is in it, which goes for the names that Kafka advertises too`,
  ],
  expired: [
    { listener: 'expired', tls: BY_CA },
    'tls',
    (address) => `the certificate of ${address} has expired: renew it at Kafka`,
  ],
  'wrong-password': [
    { listener: 'saslTls', tls: BY_CA, authType: sasl('plain', 'wrong-password') },
    'authentication',
    (address) =>
      `${address} refuses the login (plain): the username or the password in Secret wrong-password is wrong, or Kafka does not know the user for plain`,
  ],
  'wrong-scram': [
    { listener: 'saslTls', tls: BY_CA, authType: sasl('scram-sha-512', 'wrong-password') },
    'authentication',
    (address) =>
      `${address} refuses the login (scram-sha-512): the username or the password in Secret wrong-password is wrong, or Kafka does not know the user for scram-sha-512`,
  ],
  'unknown-user': [
    { listener: 'sasl', authType: sasl('scram-sha-256', 'unknown-user') },
    'authentication',
    (address) =>
      `${address} refuses the login (scram-sha-256): the username or the password in Secret unknown-user is wrong, or Kafka does not know the user for scram-sha-256`,
  ],
  'no-client-certificate': [
    { listener: 'mtls', tls: BY_CA },
    'authentication',
    (address) => `${address} asks for a client certificate: give authType x509, or another port`,
  ],
  'other-client': [
    { listener: 'mtls', tls: BY_CA, authType: x509('other-client') },
    'authentication',
    (address) =>
      `${address} refuses the client certificate of Secret other-client: it must be of a CA that Kafka trusts, and not expired`,
  ],
  'tls-to-plain': [
    { listener: 'plain', tls: BY_CA },
    'protocol',
    (address) => `${address} does not speak TLS: give Kafka's port for TLS, or tlsEnabled: false`,
  ],
  'plain-to-tls': [
    { listener: 'tls' },
    'protocol',
    (address) =>
      `${address} ends the connection at its start: if it is Kafka's port for TLS, give tlsEnabled: true`,
  ],
  'login-to-none': [
    { listener: 'tls', tls: BY_CA, authType: sasl('plain') },
    'authentication',
    (address) =>
      `${address} takes no login: give Kafka's port for SASL, or authentication.enabled: false`,
  ],
  'none-to-login': [
    { listener: 'saslTls', tls: BY_CA },
    'authentication',
    (address) =>
      `${address} ends the connection at the first request: if it asks for a login, give authType sasl`,
  ],
};

for (const [name, [access, reason, detail]] of Object.entries(FAILING)) {
  t.test(`${name}: /readyz, the log and the metrics say what is wrong`, async (t) => {
    const { bridge, address } = await start(t, name, access);
    const text = detail(address);
    const message = `no Kafka broker answers: ${text}`;
    await saysWhatIsWrong(t, bridge, { side: 'kafka', reason, text, message });
  });
}

t.test('a replay of dead letters does not wait where it is refused', async (t) => {
  const { kafka } = await servers;
  const access = (username: string): KafkaAccess => ({
    kafka: {
      ...plainAccess(addressOf(kafka, 'sasl')).kafka,
      authentication: { kind: 'sasl', mechanism: 'scram-sha-512', secretName: 's' },
    },
    kafkaCredentials: seal<KafkaCredentials>({ login: { username, password: PASSWORD } }),
  });
  await (await openRecordSender(access(USER), REPLAY_MS)).close();
  const startedMs = performance.now();
  await t.rejects(openRecordSender(access('planted-mallory'), REPLAY_MS), {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: /^no connection to Kafka: [\d.:]+ refuses the login \(scram-sha-512\): /,
  });
  t.ok(performance.now() - startedMs < REPLAY_MS, 'before its time is over');
});
