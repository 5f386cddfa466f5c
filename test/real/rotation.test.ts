import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { playImds, startEndPoint, type TokenToIssue } from '../support/azure-end-points.js';
import { swapMounted } from '../support/mounted-object.js';
import { type IssuedCertificate, issueCertificate } from '../support/real/issued-certificate.js';
import { addressOf, PASSWORD, USER, unsecuredToken } from '../support/real/kafka-security.js';
import {
  alterListener,
  configure,
  FIRST_MQTT_PASSWORD,
  inService,
  nothingLost,
  refused,
  setMqttPassword,
  startParties,
  startRotating,
  writeServerCertificate,
} from '../support/real/rotating.js';
import { TokenGateway } from '../support/token-gateway.js';

/* Everything that connections are made with is changed, one after the other and as Kubernetes does it, while
 * messages flow both ways: none is lost, each key keeps its order, and the process is the same. */

/** A login at Kafka lasts no longer than its token: each renewal is one in time, or a lost connection. */
const TOKEN_LIFE_MS = 6_000;

t.test('CAs and passwords are changed while messages flow', async (t) => {
  const parties = await startParties(t, []);
  const { kafka, mosquitto, folder, ca, otherCa } = parties;
  const login = (password: string) => ({ username: USER, password });
  const both = { 'ca.pem': `${ca.certificate}${otherCa.certificate}` };
  const running = await startRotating(t, parties, {
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
  await inService(t, running, 'kafka', 1);
  change('secrets', 'kafka-login', login('planted-wrong'));
  await refused(t, running, 'kafka', /refuses the login \(scram-sha-512\)/);
  change('secrets', 'kafka-login', login('planted-kafka-2'));
  await running.bridge.ready();

  t.comment('the CA of Kafka');
  change('config-maps', 'kafka-ca', both);
  await inService(t, running, 'kafka', 2);
  const issued = await issueCertificate(otherCa, 'localhost');
  const keystore = join(folder, 'keystore.pem');
  await writeFile(keystore, `${issued.key}${issued.certificate}${otherCa.certificate}`);
  await alterListener(kafka, `listener.name.sasltls.ssl.keystore.location=${keystore}`);
  change('config-maps', 'kafka-ca', { 'ca.pem': otherCa.certificate });
  await inService(t, running, 'kafka', 3);
  change('config-maps', 'kafka-ca', { 'ca.pem': ca.certificate });
  await refused(t, running, 'kafka', /is of a CA that is not trusted/);
  change('config-maps', 'kafka-ca', { 'ca.pem': otherCa.certificate });
  await running.bridge.ready();

  t.comment('the password for MQTT');
  await setMqttPassword(folder, 'planted-mqtt-2');
  await mosquitto.reload();
  change('secrets', 'mqtt-login', login('planted-mqtt-2'));
  await inService(t, running, 'mqtt', 1);
  change('secrets', 'mqtt-login', login('planted-wrong'));
  await refused(t, running, 'mqtt', /the username or the password in Secret mqtt-login is wrong/);
  change('secrets', 'mqtt-login', login('planted-mqtt-2'));
  await running.bridge.ready();

  t.comment('the CA of MQTT');
  change('config-maps', 'mqtt-ca', both);
  await inService(t, running, 'mqtt', 2);
  await writeServerCertificate(folder, await issueCertificate(otherCa, 'localhost'));
  await mosquitto.reload();
  change('config-maps', 'mqtt-ca', { 'ca.pem': otherCa.certificate });
  await inService(t, running, 'mqtt', 3);

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
  const running = await startRotating(t, parties, {
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
  await inService(t, running, 'kafka', 1);
  change('secrets', 'client', stranger);
  await refused(t, running, 'kafka', /refuses the client certificate of Secret client/);
  change('secrets', 'client', second);
  await bridge.ready();

  change('secrets', 'mqtt-client', second);
  await inService(t, running, 'mqtt', 1);
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
  const running = await startRotating(t, parties, {
    kafkaConnection: { endpoint: kafka.bootstrap, tls: { tlsEnabled: false } },
    localBroker: { endpoint: `127.0.0.1:${gateway.port}`, tls: { tlsEnabled: false } },
    authentication: { kubernetes: {} },
    objects: [],
    args: ['--service-account-token-file', join(mounted, 'mq-sat')],
  });

  gateway.accepted.add('planted-token-2');
  change('planted-token-2');
  await inService(t, running, 'mqtt', 1);
  t.strictSame([gateway.reauthentications, gateway.connections], [1, 1], 'on the open connection');

  gateway.takesAuth = false;
  gateway.accepted.add('planted-token-3');
  change('planted-token-3');
  await inService(t, running, 'mqtt', 2);
  t.strictSame([gateway.refusals, gateway.connections], [1, 2], 'by a connection of its own');

  change('planted-wrong');
  await refused(t, running, 'mqtt', /the broker does not accept the service account token/);
  t.strictSame([gateway.refusals, gateway.connections], [3, 3], 'it is back with the one before');
  change('planted-token-3');
  await running.bridge.ready();
  t.equal(gateway.connections, 3);

  await nothingLost(t, running);
});

t.test('access tokens of a managed identity are renewed while messages flow', async (t) => {
  const parties = await startParties(t, []);
  const { kafka, mosquitto, ca } = parties;
  const audience = 'https://hubs.servicebus.windows.net';
  const issued: TokenToIssue[] = [];
  const issue = () => {
    const token = unsecuredToken('millrace', TOKEN_LIFE_MS);
    issued.push(token);
    return token;
  };
  const imds = await startEndPoint(t, { answer: playImds({ audience, issue }) });
  const running = await startRotating(t, parties, {
    kafkaConnection: {
      endpoint: addressOf(kafka, 'oauthTls'),
      tls: { tlsEnabled: true, caConfigMap: 'kafka-ca' },
      authentication: { enabled: true, authType: { systemAssignedManagedIdentity: { audience } } },
    },
    localBroker: { endpoint: `127.0.0.1:${mosquitto.port}`, tls: { tlsEnabled: false } },
    authentication: {},
    environment: { AZURE_POD_IDENTITY_AUTHORITY_HOST: imds.url },
    objects: [['config-maps', 'kafka-ca', { 'ca.pem': ca.certificate }]],
  });
  const { bridge } = running;

  const atFirst = issued.at(-1) as TokenToIssue;
  const changes = await bridge.metric('millrace_credentials_changes_total', { side: 'kafka' });
  for (let renewal = 1; renewal <= 3; renewal++) {
    await inService(t, running, 'kafka', changes + renewal);
  }
  t.ok(Date.now() > atFirst.expiresAtMs, 'the token that was in service at first has expired');
  t.equal(await bridge.metric('millrace_access_token_failures_total'), 0);
  const refusals = { side: 'kafka', reason: 'authentication' };
  t.equal(
    await bridge.metric('millrace_connection_losses_total', refusals),
    0,
    'in time for Kafka',
  );
  t.notMatch(bridge.log(), /eyJ/, 'no token is in the log');
  await nothingLost(t, running);
});
