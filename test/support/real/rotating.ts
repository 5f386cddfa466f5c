import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { RunningConnector } from '../connector.js';
import { swapMounted } from '../mounted-object.js';
import { until } from '../until.js';
import { startBridge } from './bridge.js';
import { freePort } from './free-port.js';
import { type IssuedCertificate, issueCertificate } from './issued-certificate.js';
import { type Kafka, startKafka } from './kafka.js';
import { certificateFile, USER } from './kafka-security.js';
import { type Mosquitto, startMosquitto } from './mosquitto.js';
import { runProgram } from './program.js';
import { SteadyFlow } from './steady-flow.js';

/* Millrace between a Kafka and a mosquitto, with 5,000 messages a second that flow through both, while what its
 * connections are made with is changed as Kubernetes does it: what is awaited of a change, and of all. */

const TOPIC = 'rotated';
const MESSAGES_PER_SECOND = 5_000;
const KEYS = 4;
/** What has to come back after each change, in service or refused: a second of it. */
const AFTER_CHANGE = MESSAGES_PER_SECOND;
/** What is due is published every 50 ms; so much of a second may be missing at its end. */
const RATE_MIN = 0.9 * MESSAGES_PER_SECOND;
export const FIRST_MQTT_PASSWORD = 'planted-mqtt-1';

export interface Parties {
  readonly kafka: Kafka;
  readonly mosquitto: Mosquitto;
  /** TLS, and passwords or client certificates. */
  readonly securePort: number;
  readonly folder: string;
  /** The CA that all certificates are of at first, and one that nobody knows yet. */
  readonly ca: IssuedCertificate;
  readonly otherCa: IssuedCertificate;
}

/** mosquitto with a plain listener for the test, and a secure one for Millrace. */
export async function startParties(t: Test, secure: readonly string[]): Promise<Parties> {
  const kafka = await startKafka({ secure: true });
  t.teardown(() => kafka.stop());
  await kafka.createTopic(TOPIC, 2);
  const authority = async (name: string): Promise<IssuedCertificate> => ({
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

export async function writeServerCertificate(
  folder: string,
  { certificate, key }: IssuedCertificate,
): Promise<void> {
  await writeFile(join(folder, 'server.pem'), certificate);
  await writeFile(join(folder, 'server.key'), key);
}

export async function setMqttPassword(
  folder: string,
  password: string,
  options: readonly string[] = [],
): Promise<void> {
  const args = [...options, '-b', join(folder, 'passwords'), USER, password];
  await runProgram('mosquitto_passwd', args);
}

/** Has Kafka read a file that a setting of a listener names. */
export async function alterListener(kafka: Kafka, setting: string): Promise<void> {
  const broker = ['--entity-type', 'brokers', '--entity-name', '1'];
  await configure(kafka, [...broker, '--alter', '--add-config', setting]);
}

export async function configure(kafka: Kafka, args: readonly string[]): Promise<void> {
  const server = ['--bootstrap-server', kafka.bootstrap];
  await kafka.tool('kafka.admin.ConfigCommand', [...server, ...args]);
}

export interface Rotating {
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
  readonly environment?: NodeJS.ProcessEnv;
  readonly objects: readonly (readonly ['secrets' | 'config-maps', string, object])[];
}

/** Millrace between the two, with messages that flow through it both ways. */
export async function startRotating(t: Test, parties: Parties, access: Access): Promise<Rotating> {
  const { kafka, mosquitto, securePort, folder } = parties;
  const change: Rotating['change'] = (kind, name, values) =>
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
    environment: access.environment ?? {},
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
  // Kafka makes the group first: no part of what changes are made in.
  await flow.flows(1);
  await flow.caughtUp();
  return { bridge, flow, pid: bridge.pid, change };
}

type Side = 'kafka' | 'mqtt';

/** Until so many changes of a side have come into service since the start, and messages flow. */
export async function inService(
  t: Test,
  { bridge, flow }: Rotating,
  side: Side,
  changes: number,
): Promise<void> {
  await until(
    `change ${changes} is in service for ${side}`,
    async () => (await bridge.metric('millrace_credentials_changes_total', { side })) >= changes,
    { pollMs: 50, detail: () => bridge.log() },
  );
  await flowedSince(t, flow);
  await bridge.ready();
}

/** Until what is newest does not work, which is said everywhere while messages flow on. */
export async function refused(t: Test, { bridge, flow }: Rotating, side: Side, said: RegExp) {
  const isRefused = () => bridge.metric('millrace_credentials_refused', { side });
  await until('the new values are refused', async () => (await isRefused()) === 1, {
    pollMs: 50,
    detail: () => bridge.log(),
  });
  const part = `credentials for ${{ kafka: 'Kafka', mqtt: 'MQTT' }[side]}`;
  // A session that was cut off has come back by then, with what works.
  await until(
    'it is all that is wrong',
    async () => (await bridge.health()).reasons.map((reason) => reason.part).join() === part,
    { pollMs: 50, detail: () => bridge.log() },
  );
  const { ready, reasons } = await bridge.health();
  t.notOk(ready);
  t.match(reasons[0]?.message, said);
  t.match(bridge.log(), /new credentials do not work and are tried again/);
  t.ok((await bridge.metric('millrace_credentials_refused_total', { side })) > 0);
  await flowedSince(t, flow);
}

/** Around each change, 5,000 messages/s were published, and all of them have come through both ways. */
async function flowedSince(t: Test, flow: SteadyFlow): Promise<void> {
  await flow.flows(AFTER_CHANGE);
  const { perSecond, lastTookMs } = await flow.caughtUp();
  t.comment(`the last one took ${Math.round(lastTookMs)} ms`);
  t.ok(perSecond >= RATE_MIN, `${Math.round(perSecond)} messages/s`);
}

export async function nothingLost(t: Test, { bridge, flow, pid }: Rotating): Promise<void> {
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
