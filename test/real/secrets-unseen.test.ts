import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import type { RunningConnector } from '../support/connector.js';
import { startBridge, startServers } from '../support/real/bridge.js';
import {
  addressOf,
  certificateFile,
  PASS_PHRASE,
  PASSWORD,
  USER,
} from '../support/real/kafka-security.js';
import { readTopic } from '../support/real/kcat.js';
import { publishPayload } from '../support/real/mosquitto-clients.js';
import {
  MQTT_PASSWORD,
  MQTT_USER,
  mqttCertificateFile,
  mqttEndpoint,
} from '../support/real/mosquitto-security.js';
import { runProgram } from '../support/real/program.js';
import { until } from '../support/until.js';

/* Secrets that are in use are looked for in everything that a run and the commands put out. */

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const ROUTE = 'r';
/** More than Kafka takes unless it is told to. */
const LARGE = Buffer.alloc(2 * 1024 * 1024, 'x');

const servers = await startServers(t, { secure: true }, { secure: true });
const file = (name: string) => certificateFile(servers.kafka, name);

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Beside the resources, in each form that a document has. */
async function documents(): Promise<string> {
  const secret = (name: string, fields: object) =>
    stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, ...fields });
  return [
    secret('login', { data: { username: base64(USER) }, stringData: { password: PASSWORD } }),
    secret('client', {
      stringData: {
        'tls.crt': await file('client.pem'),
        'tls.key': await file('client-encrypted.key'),
      },
      data: { 'tls.password': base64(PASS_PHRASE) },
    }),
    stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'ca' },
      data: { 'ca.pem': await file('ca.pem') },
    }),
  ].join('---\n');
}

/** Every secret, as it is and in base64; of a key the second line of its text. */
async function planted(): Promise<readonly string[]> {
  const key = (await file('client-encrypted.key')).split('\n')[1] ?? '';
  const texts = [PASSWORD, PASS_PHRASE, key];
  return [...texts, ...texts.map(base64), base64(USER)];
}

async function startWith(t: Test, listener: 'saslTls' | 'mtls', authType: object) {
  const folder = t.testdir({ 'secrets.yaml': await documents() });
  const secrets = join(folder, 'secrets.yaml');
  const bridge = await startBridge(t, servers, {
    clientIdPrefix: listener,
    connector: {
      logLevel: 'trace',
      kafkaConnection: {
        endpoint: addressOf(servers.kafka, listener),
        tls: { tlsEnabled: true, caConfigMap: 'ca' },
        authentication: { enabled: true, authType },
      },
    },
    maps: [
      { routes: [{ name: ROUTE, mqttTopic: `${listener}/#`, kafkaTopic: `${listener}-out` }] },
    ],
    args: ['-f', secrets],
  });
  const configuration = ['-f', join(dirname(bridge.dataDir), 'resources.yaml'), '-f', secrets];
  return { bridge, configuration };
}

/** All that a run shows while it works. */
async function shown(bridge: RunningConnector): Promise<readonly string[]> {
  const address = /http:\/\/([^/\s]+)\/metrics/.exec(bridge.log())?.[1];
  const pages = ['metrics', 'readyz', 'livez'].map(async (page) =>
    (await fetch(`http://${address}/${page}`)).text(),
  );
  const process = ['cmdline', 'environ'].map((each) =>
    readFile(`/proc/${bridge.pid}/${each}`, 'utf8'),
  );
  return Promise.all([...pages, ...process]);
}

for (const [listener, authType] of [
  ['saslTls', { sasl: { saslType: 'scram-sha-256', secretName: 'login' } }],
  ['mtls', { x509: { secretName: 'client' } }],
] as const) {
  t.test(`no secret is in anything that is put out (${listener})`, async (t) => {
    const { kafka, mosquitto } = servers;
    const { bridge, configuration } = await startWith(t, listener, authType);
    await bridge.ready();
    await publishPayload(mosquitto, `${listener}/a`, { payload: LARGE, qos: 1 });
    await until(
      'it is a dead letter',
      async () =>
        (await bridge.metric('millrace_messages_dead_lettered_total', { route: ROUTE })) === 1,
      { pollMs: 50, detail: () => bridge.log() },
    );
    const output = [...(await shown(bridge))];
    t.equal(await bridge.terminate(), 0);
    output.push(bridge.log());
    t.ok(bridge.log().startsWith('millrace '), 'the log is there from its first line');

    const run = (...args: string[]) => runProgram(process.execPath, [MAIN, ...args]);
    output.push(
      await run('validate', ...configuration),
      await run('validate', '--json', ...configuration),
      await run('explain', '--topic', `${listener}/a`, ...configuration),
      await run('explain', '--json', '--topic', `${listener}/a`, ...configuration),
    );
    const list = await bridge.command('dead-letters', 'list', '--json');
    const [{ id }] = JSON.parse(list) as [{ id: string }];
    output.push(list, await bridge.command('dead-letters', 'show', id));

    const topic = `${listener}-large`;
    await kafka.createTopic(topic, 1, { config: { 'max.message.bytes': '4000000' } });
    const sent = await bridge.command(
      'dead-letters',
      'replay',
      id,
      ...configuration,
      '--kafka-topic',
      topic,
    );
    t.match(sent, `sent ${id} to ${topic}`);
    output.push(sent);
    const [record] = await readTopic(kafka.bootstrap, topic);
    t.ok(record?.value?.equals(LARGE), 'replayed over the same TLS and login');

    const all = output.join('\n');
    t.match(all, `"route":"${ROUTE}"`, 'there is something to look through');
    for (const [index, secret] of (await planted()).entries()) {
      t.ok(secret.length > 5);
      t.notOk(all.includes(secret), `planted secret ${index}`);
    }
  });
}

const TOKEN = 'planted-head.planted-body.planted-signature';

/** With what of each a broker is met, and whether it lets us in. */
const MQTT_CASES = {
  password: { usernamePassword: { secretName: 'mqtt-login' } },
  mtls: { x509: { secretName: 'mqtt-client' } },
  plain: { kubernetes: {} },
} as const;

for (const [name, authentication] of Object.entries(MQTT_CASES)) {
  const listener = name as keyof typeof MQTT_CASES;
  t.test(`no secret for the MQTT broker is in anything that is put out (${name})`, async (t) => {
    const { mosquitto } = servers;
    const mqttFile = (each: string) => mqttCertificateFile(mosquitto, each);
    const key = await mqttFile('client-encrypted.key');
    const object = (kind: string, each: string, fields: object) =>
      stringify({ apiVersion: 'v1', kind, metadata: { name: each }, ...fields });
    const folder = t.testdir({
      token: `${TOKEN}\n`,
      'secrets.yaml': [
        object('Secret', 'mqtt-login', {
          stringData: { username: MQTT_USER, password: MQTT_PASSWORD },
        }),
        object('Secret', 'mqtt-client', {
          stringData: {
            'tls.crt': await mqttFile('client.pem'),
            'tls.key': key,
            'tls.password': PASS_PHRASE,
          },
        }),
        object('ConfigMap', 'mqtt-ca', { data: { 'ca.pem': await mqttFile('ca.pem') } }),
      ].join('---\n'),
    });
    const secrets = join(folder, 'secrets.yaml');
    const bridge = await startBridge(t, servers, {
      clientIdPrefix: `mqtt-${name}`,
      connector: {
        logLevel: 'trace',
        localBrokerConnection: {
          endpoint: mqttEndpoint(mosquitto, listener),
          ...(listener === 'mtls' && { tls: { caConfigMap: 'mqtt-ca' } }),
          authentication,
        },
      },
      maps: [{ routes: [{ name: ROUTE, mqttTopic: `mqtt-${name}/#`, kafkaTopic: 'mqtt-out' }] }],
      args: ['-f', secrets, '--service-account-token-file', join(folder, 'token')],
    });
    if (listener === 'plain') {
      await until('mosquitto knows no K8S-SAT', () =>
        bridge.log().includes('0x8c Bad authentication method'),
      );
    } else await bridge.ready();
    const output = [...(await shown(bridge))];
    t.equal(await bridge.terminate(), 0);
    output.push(bridge.log());
    const configuration = ['-f', join(dirname(bridge.dataDir), 'resources.yaml'), '-f', secrets];
    for (const command of [
      ['validate', '--json'],
      ['explain', '--topic', `mqtt-${name}/a`],
    ]) {
      output.push(await runProgram(process.execPath, [MAIN, ...command, ...configuration]));
    }
    const texts = [MQTT_PASSWORD, PASS_PHRASE, TOKEN, key.split('\n')[1] ?? ''];
    for (const [index, secret] of [...texts, ...texts.map(base64)].entries()) {
      t.ok(secret.length > 5);
      t.notOk(output.join('\n').includes(secret), `planted secret ${index}`);
    }
  });
}
