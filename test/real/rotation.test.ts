import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { RunningConnector } from '../support/connector.js';
import { swapMounted } from '../support/mounted-object.js';
import { startBridge } from '../support/real/bridge.js';
import { type IssuedCertificate, issueCertificate } from '../support/real/issued-certificate.js';
import { type Kafka, startKafka } from '../support/real/kafka.js';
import { addressOf, certificateFile, PASSWORD, USER } from '../support/real/kafka-security.js';
import { type Mosquitto, startMosquitto } from '../support/real/mosquitto.js';
import { runProgram } from '../support/real/program.js';
import { SteadyFlow } from '../support/real/steady-flow.js';
import { TokenGateway } from '../support/token-gateway.js';
import { until } from '../support/until.js';

/* Everything that connections are made with is changed, one after the other and as Kubernetes does it, while
 * messages flow both ways: none is lost, each key keeps its order, and the process is the same. */

const TOPIC = 'rotated';
const MESSAGES_PER_SECOND = 5_000;
const KEYS = 4;
/** What has to come back between two changes: half a second of it. */
const BETWEEN = MESSAGES_PER_SECOND / 2;
const FIRST_MQTT_PASSWORD = 'planted-mqtt-1';

interface Authority extends IssuedCertificate {}

interface Parties {
  readonly kafka: Kafka;
  readonly mosquitto: Mosquitto;
  /** TLS, and passwords or client certificates. */
  readonly securePort: number;
  readonly folder: string;
  /** The CA that all certificates are of at first, and one that nobody knows yet. */
  readonly ca: Authority;
  readonly otherCa: Authority;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** mosquitto with a plain listener for the test, and a secure one for Millrace. */
async function startParties(t: Test, secure: readonly string[]): Promise<Parties> {
  const kafka = await startKafka({ secure: true });
  t.teardown(() => kafka.stop());
  await kafka.createTopic(TOPIC, 2);
  const authority = async (name: string): Promise<Authority> => ({
    certificate: await certificateFile(kafka, `${name}.pem`),
    key: await certificateFile(kafka, `${name}.key`),
  });
  const [ca, otherCa] = [await authority('ca'), await authority('other-ca')];
  const folder = t.testdir({
    'clients-ca.pem': ca.certificate,
    secrets: {},
    'config-maps': {},
  });
  const securePort = await freePort();
  await writeServerCertificate(folder, await issueCertificate(ca, 'localhost'));
  await setMqttPassword(folder, FIRST_MQTT_PASSWORD, ['-c']);
  const mosquitto = await startMosquitto({
    settings: [
      `password_file ${join(folder, 'passwords')}`,
      'log_type all',
      `listener ${securePort} 127.0.0.1`,
      `certfile ${join(folder, 'server.pem')}`,
      `keyfile ${join(folder, 'server.key')}`,
      `cafile ${join(folder, 'clients-ca.pem')}`,
      ...secure,
    ],
  });
  t.teardown(() => mosquitto.stop());
  return { kafka, mosquitto, securePort, folder, ca, otherCa };
}

async function writeServerCertificate(
  folder: string,
  { certificate, key }: IssuedCertificate,
): Promise<void> {
  await writeFile(join(folder, 'server.pem'), certificate);
  await writeFile(join(folder, 'server.key'), key);
}

async function setMqttPassword(
  folder: string,
  password: string,
  options: readonly string[] = [],
): Promise<void> {
  const args = [...options, '-b', join(folder, 'passwords'), USER, password];
  await runProgram('mosquitto_passwd', args);
}

/** Has Kafka read a file that a setting of a listener names. */
async function alterListener(kafka: Kafka, setting: string): Promise<void> {
  const broker = ['--entity-type', 'brokers', '--entity-name', '1'];
  await configure(kafka, [...broker, '--alter', '--add-config', setting]);
}

async function configure(kafka: Kafka, args: readonly string[]): Promise<void> {
  const server = ['--bootstrap-server', kafka.bootstrap];
  await kafka.tool('kafka.admin.ConfigCommand', [...server, ...args]);
}

interface Running {
  readonly bridge: RunningConnector;
  readonly flow: SteadyFlow;
  readonly pid: number;
  /** Gives a secret or a config map other values. */
  readonly change: (kind: 'secrets' | 'config-maps', name: string, values: object) => void;
}

interface Access {
  readonly kafkaConnection: object;
  readonly authentication: object;
  /** Left out: that of the secure listener, with TLS. */
  readonly localBroker?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  readonly objects: readonly (readonly ['secrets' | 'config-maps', string, object])[];
}

/** Millrace between the two, with messages that flow through it both ways. */
async function start(t: Test, parties: Parties, access: Access): Promise<Running> {
  const { kafka, mosquitto, securePort, folder } = parties;
  const change: Running['change'] = (kind, name, values) =>
    swapMounted(join(folder, kind, name), values as Record<string, string>);
  for (const [kind, name, values] of access.objects) change(kind, name, values);
  const route = { qos: 1, kafkaTopic: TOPIC };
  const bridge = await startBridge(t, parties, {
    connector: { kafkaConnection: access.kafkaConnection, logLevel: 'info', shards: 2 },
    localBroker: {
      endpoint: `127.0.0.1:${securePort}`,
      tls: { tlsEnabled: true, caConfigMap: 'mqtt-ca' },
      ...access.localBroker,
      authentication: access.authentication,
    },
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [
          { ...route, name: 'up', mqttTopic: 'up/#', kafkaAcks: 'all' },
          {
            ...route,
            direction: 'kafkaToMqtt',
            name: 'down',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of Millrace's
            mqttTopic: 'down/${key}',
          },
        ],
      },
    ],
    args: [
      ...['--secrets-dir', join(folder, 'secrets')],
      ...['--config-maps-dir', join(folder, 'config-maps')],
      ...(access.args ?? []),
    ],
  });
  await bridge.ready();
  const flow = new SteadyFlow({
    server: mosquitto,
    keys: KEYS,
    messagesPerSecond: MESSAGES_PER_SECOND,
    bootstrap: kafka.bootstrap,
    kafkaTopic: TOPIC,
  });
  await flow.start(t);
  await flow.flows(BETWEEN);
  return { bridge, flow, pid: bridge.pid, change };
}

type Side = 'kafka' | 'mqtt';

/** Until so many changes of a side have come into service since the start, and messages flow. */
async function inService({ bridge, flow }: Running, side: Side, changes: number): Promise<void> {
  await until(
    `change ${changes} is in service for ${side}`,
    async () => (await bridge.metric('millrace_credentials_changes_total', { side })) >= changes,
    { pollMs: 50, detail: () => bridge.log() },
  );
  await flow.flows(BETWEEN);
  await bridge.ready();
}

/** Until what is newest does not work, which is said everywhere while messages flow on. */
async function refused(t: Test, { bridge, flow }: Running, side: Side, said: RegExp) {
  const isRefused = () => bridge.metric('millrace_credentials_refused', { side });
  await until('the new values are refused', async () => (await isRefused()) === 1, {
    pollMs: 50,
    detail: () => bridge.log(),
  });
  await flow.flows(2 * BETWEEN);
  const { ready, reasons } = await bridge.health();
  t.notOk(ready);
  const part = `credentials for ${{ kafka: 'Kafka', mqtt: 'MQTT' }[side]}`;
  t.strictSame(
    reasons.map((reason) => reason.part),
    [part],
    'it is all that is wrong',
  );
  t.match(reasons[0]?.message, said);
  t.match(bridge.log(), /new credentials do not work and are tried again/);
  t.ok((await bridge.metric('millrace_credentials_refused_total', { side })) > 0);
}

async function nothingLost(t: Test, { bridge, flow, pid }: Running): Promise<void> {
  await flow.end();
  const { missing, repeats, disordered } = flow.atMqtt;
  t.comment(`${flow.sent} messages, ${repeats} of them came to MQTT again`);
  t.strictSame({ missing, disordered }, { missing: 0, disordered: 0 }, 'to MQTT');
  const kafka = await flow.inKafka();
  t.comment(`${kafka.repeats} came to Kafka again`);
  t.strictSame([kafka.missing, kafka.disordered], [0, 0], 'to Kafka');
  t.equal(bridge.pid, pid, 'the process is the same');
  t.notMatch(bridge.log(), /planted/);
  t.equal(await bridge.terminate(), 0);
}

t.test('CAs and passwords are changed while messages flow', async (t) => {
  const parties = await startParties(t, []);
  const { kafka, mosquitto, folder, ca, otherCa } = parties;
  const login = (password: string) => ({ username: USER, password });
  const both = { 'ca.pem': `${ca.certificate}${otherCa.certificate}` };
  const running = await start(t, parties, {
    kafkaConnection: {
      endpoint: addressOf(kafka, 'saslTls'),
      tls: { tlsEnabled: true, caConfigMap: 'kafka-ca' },
      authentication: {
        enabled: true,
        authType: { sasl: { saslType: 'scram-sha-512', secretName: 'kafka-login' } },
      },
    },
    authentication: { usernamePassword: { secretName: 'mqtt-login' } },
    objects: [
      ['secrets', 'kafka-login', login(PASSWORD)],
      ['secrets', 'mqtt-login', login(FIRST_MQTT_PASSWORD)],
      ['config-maps', 'kafka-ca', { 'ca.pem': ca.certificate }],
      ['config-maps', 'mqtt-ca', { 'ca.pem': ca.certificate }],
    ],
  });
  const { change } = running;

  t.comment('the password for Kafka');
  const scram = 'SCRAM-SHA-512=[password=planted-kafka-2]';
  const user = ['--entity-type', 'users', '--entity-name', USER];
  await configure(kafka, [...user, '--alter', '--add-config', scram]);
  change('secrets', 'kafka-login', login('planted-kafka-2'));
  await inService(running, 'kafka', 1);
  change('secrets', 'kafka-login', login('planted-wrong'));
  await refused(t, running, 'kafka', /refuses the login \(scram-sha-512\)/);
  change('secrets', 'kafka-login', login('planted-kafka-2'));
  await running.bridge.ready();

  t.comment('the CA of Kafka');
  change('config-maps', 'kafka-ca', both);
  await inService(running, 'kafka', 2);
  const issued = await issueCertificate(otherCa, 'localhost');
  const keystore = join(folder, 'keystore.pem');
  await writeFile(keystore, `${issued.key}${issued.certificate}${otherCa.certificate}`);
  await alterListener(kafka, `listener.name.sasltls.ssl.keystore.location=${keystore}`);
  change('config-maps', 'kafka-ca', { 'ca.pem': otherCa.certificate });
  await inService(running, 'kafka', 3);
  change('config-maps', 'kafka-ca', { 'ca.pem': ca.certificate });
  await refused(t, running, 'kafka', /is of a CA that is not trusted/);
  change('config-maps', 'kafka-ca', { 'ca.pem': otherCa.certificate });
  await running.bridge.ready();

  t.comment('the password for MQTT');
  await setMqttPassword(folder, 'planted-mqtt-2');
  await mosquitto.reload();
  change('secrets', 'mqtt-login', login('planted-mqtt-2'));
  await inService(running, 'mqtt', 1);
  change('secrets', 'mqtt-login', login('planted-wrong'));
  await refused(t, running, 'mqtt', /the username or the password in Secret mqtt-login is wrong/);
  change('secrets', 'mqtt-login', login('planted-mqtt-2'));
  await running.bridge.ready();

  t.comment('the CA of MQTT');
  change('config-maps', 'mqtt-ca', both);
  await inService(running, 'mqtt', 2);
  await writeServerCertificate(folder, await issueCertificate(otherCa, 'localhost'));
  await mosquitto.reload();
  change('config-maps', 'mqtt-ca', { 'ca.pem': otherCa.certificate });
  await inService(running, 'mqtt', 3);

  await nothingLost(t, running);
});

t.test('client certificates are changed while messages flow', async (t) => {
  const parties = await startParties(t, [
    'require_certificate true',
    'use_identity_as_username true',
  ]);
  const { kafka, mosquitto, ca, otherCa } = parties;
  const tlsSecret = ({ certificate, key }: IssuedCertificate) => ({
    'tls.crt': certificate,
    'tls.key': key,
  });
  const x509 = { x509: { secretName: 'client' } };
  const first = await issueCertificate(ca, 'bridge-1');
  const running = await start(t, parties, {
    kafkaConnection: {
      endpoint: addressOf(kafka, 'mtls'),
      tls: { tlsEnabled: true, caConfigMap: 'kafka-ca' },
      authentication: { enabled: true, authType: x509 },
    },
    authentication: { x509: { secretName: 'mqtt-client' } },
    objects: [
      ['secrets', 'client', tlsSecret(first)],
      ['secrets', 'mqtt-client', tlsSecret(first)],
      ['config-maps', 'kafka-ca', { 'ca.pem': ca.certificate }],
      ['config-maps', 'mqtt-ca', { 'ca.pem': ca.certificate }],
    ],
  });
  const { bridge, change } = running;
  const second = tlsSecret(await issueCertificate(ca, 'bridge-2'));
  const stranger = tlsSecret(await issueCertificate(otherCa, 'bridge-3'));

  change('secrets', 'client', second);
  await inService(running, 'kafka', 1);
  change('secrets', 'client', stranger);
  await refused(t, running, 'kafka', /refuses the client certificate of Secret client/);
  change('secrets', 'client', second);
  await bridge.ready();

  change('secrets', 'mqtt-client', second);
  await inService(running, 'mqtt', 1);
  t.match(await mosquitto.log(), /as test-0 \(.*u'bridge-2'/);
  change('secrets', 'mqtt-client', { ...second, 'tls.key': first.key });
  await refused(t, running, 'mqtt', /tls.key is not the key of the certificate in tls.crt/);
  change('secrets', 'mqtt-client', second);
  await bridge.ready();

  const expiry = await bridge.metric('millrace_certificate_expiry_seconds', {
    side: 'mqtt',
    certificate: 'client',
  });
  t.ok(expiry > 364 * 86_400 && expiry < 365 * 86_400);
  await nothingLost(t, running);
});

t.test('service account tokens are changed while messages flow', async (t) => {
  const parties = await startParties(t, []);
  const { kafka, mosquitto, folder } = parties;
  const gateway = await TokenGateway.start(t, () => mosquitto);
  const mounted = join(folder, 'tokens');
  const change = (token: string) => swapMounted(mounted, { 'mq-sat': token });
  gateway.accepted.add('planted-token-1');
  change('planted-token-1');
  const running = await start(t, parties, {
    kafkaConnection: { endpoint: kafka.bootstrap, tls: { tlsEnabled: false } },
    localBroker: { endpoint: `127.0.0.1:${gateway.port}`, tls: { tlsEnabled: false } },
    authentication: { kubernetes: {} },
    objects: [],
    args: ['--service-account-token-file', join(mounted, 'mq-sat')],
  });

  gateway.accepted.add('planted-token-2');
  change('planted-token-2');
  await inService(running, 'mqtt', 1);
  t.strictSame([gateway.reauthentications, gateway.connections], [1, 1], 'on the open connection');

  gateway.takesAuth = false;
  gateway.accepted.add('planted-token-3');
  change('planted-token-3');
  await inService(running, 'mqtt', 2);
  t.strictSame([gateway.refusals, gateway.connections], [1, 2], 'by a connection of its own');

  change('planted-wrong');
  await refused(t, running, 'mqtt', /the broker does not accept the service account token/);
  t.strictSame([gateway.refusals, gateway.connections], [3, 3], 'it is back with the one before');
  change('planted-token-3');
  await running.bridge.ready();
  t.equal(gateway.connections, 3);

  await nothingLost(t, running);
});
