import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type DoctorRun, runDoctor } from '../support/real/doctor.js';
import { freePort } from '../support/real/free-port.js';
import { type Kafka, startKafka } from '../support/real/kafka.js';
import {
  addressOf,
  certificateFile,
  certificatePath,
  type Listener,
  PASSWORD,
  USER,
} from '../support/real/kafka-security.js';
import { type Mosquitto, startMosquitto } from '../support/real/mosquitto.js';
import { mountAccess } from '../support/real/mounted-access.js';
import { runProgram } from '../support/real/program.js';
import { resourcesYaml } from '../support/resources.js';

/* `millrace doctor` as a process of its own, at a real Kafka and a real mosquitto: what is well, and what a
 * person reads of everything else. */

const WRITTEN = 'doctor-written';
const READ = 'doctor-read';
const SMALL = 'doctor-small';
const MAX_PAYLOAD_BYTES = 1_000_000;
const SMALL_BYTES = 50_000;

interface Parties {
  readonly kafka: Kafka;
  readonly mosquitto: Mosquitto;
  readonly mqttPorts: Readonly<Record<'plain' | 'tls' | 'expired' | 'otherName', number>>;
}

const parties = startParties();

async function startParties(): Promise<Parties> {
  const kafka = await startKafka({ secure: true });
  t.teardown(() => kafka.stop());
  await kafka.createTopic(WRITTEN, 3);
  await kafka.createTopic(READ, 2);
  await kafka.createTopic(SMALL, 1, { config: { 'max.message.bytes': `${SMALL_BYTES}` } });
  const passwords = join(t.testdir({}), 'passwords');
  await runProgram('mosquitto_passwd', ['-c', '-b', passwords, USER, PASSWORD]);
  const listener = (port: number, certificate: string) => [
    `listener ${port} 127.0.0.1`,
    `certfile ${certificatePath(kafka, `${certificate}.pem`)}`,
    `keyfile ${certificatePath(kafka, `${certificate}.key`)}`,
  ];
  const [tls, expired, otherName] = [await freePort(), await freePort(), await freePort()];
  const mosquitto = await startMosquitto({
    settings: [
      `password_file ${passwords}`,
      'log_type all',
      ...listener(tls, 'server'),
      ...listener(expired, 'expired'),
      ...listener(otherName, 'othername'),
    ],
  });
  t.teardown(() => mosquitto.stop());
  return { kafka, mosquitto, mqttPorts: { plain: mosquitto.port, tls, expired, otherName } };
}

interface Setting {
  readonly kafka?: {
    readonly listener?: Listener;
    readonly tls?: object;
    readonly authType?: object;
  };
  readonly mqtt?: {
    readonly listener?: keyof Parties['mqttPorts'];
    readonly tls?: object;
    readonly authentication?: object;
  };
  readonly written?: string;
  readonly read?: string;
}

const PLAIN = { tlsEnabled: false };
const BY_CA = { tlsEnabled: true, trustedCaCertificateConfigMap: 'ca' };
const BY_OTHER_CA = { tlsEnabled: true, trustedCaCertificateConfigMap: 'other-ca' };
const login = (secretName: string) => ({ sasl: { saslType: 'scram-sha-512', secretName } });
const mqttLogin = (secretName: string) => ({ usernamePassword: { secretName } });

/** What the command prints and how it ends. */
async function doctor(t: Test, setting: Setting, args: readonly string[] = []): Promise<DoctorRun> {
  const { kafka, mqttPorts } = await parties;
  const folder = t.testdir({});
  const access = await mountAccess(folder, (name) => certificateFile(kafka, name), {
    login: { username: USER, password: PASSWORD },
    'wrong-login': { username: USER, password: 'planted-wrong' },
  });
  const file = join(folder, 'resources.yaml');
  await writeFile(file, documentsFor(setting, kafka, mqttPorts));
  return await runDoctor(['-f', file, ...access, '--timeout', '15', ...args]);
}

function documentsFor(
  { kafka = {}, mqtt = {}, written = WRITTEN, read = READ }: Setting,
  server: Kafka,
  mqttPorts: Parties['mqttPorts'],
): string {
  const { authType } = kafka;
  const authentication =
    authType === undefined ? {} : { authentication: { enabled: true, authType } };
  const endpoint = addressOf(server, kafka.listener ?? 'plain');
  return resourcesYaml({
    mqttPort: mqttPorts[mqtt.listener ?? 'plain'],
    bootstrap: endpoint,
    connector: {
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      kafkaConnection: { endpoint, tls: kafka.tls ?? PLAIN, ...authentication },
    },
    localBroker: { tls: mqtt.tls ?? PLAIN, authentication: mqtt.authentication ?? {} },
    maps: [
      {
        routes: [
          { name: 'in', mqttTopic: 'doctor/in/#', kafkaTopic: written },
          { direction: 'kafkaToMqtt', name: 'out', kafkaTopic: read, mqttTopic: 'doctor/out' },
        ],
      },
    ],
  });
}

/** Everything that Kafka has of topics and consumer groups. */
async function inventory(): Promise<string[]> {
  const { kafka } = await parties;
  const list = async (tool: string) =>
    (await kafka.tool(tool, ['--bootstrap-server', kafka.bootstrap, '--list'])).trim().split('\n');
  const [topics, groups] = [
    await list('TopicCommand'),
    await list('consumer.group.ConsumerGroupCommand'),
  ];
  return [...topics, ...groups].sort();
}

const failures = ({ steps }: DoctorRun) =>
  steps.filter(({ outcome }) => outcome === 'failed').map(({ text }) => text);

const WELL: Setting = {
  kafka: { listener: 'saslTls', tls: BY_CA, authType: login('login') },
  mqtt: { listener: 'tls', tls: BY_CA, authentication: mqttLogin('login') },
};

t.test('all is well with TLS and logins on both sides, and nothing is changed', async (t) => {
  const before = await inventory();
  const found = await doctor(t, WELL, ['--json']);
  t.strictSame(failures(found), []);
  t.match(found, { code: 0, ok: true });
  const outline = found.steps.map(({ side, check, outcome }) => `${side} ${check} ${outcome}`);
  t.strictSame(
    outline.filter((line) => !line.endsWith(' passed')),
    // Nobody has joined a group here, and to ask of one would make a topic.
    ['kafka group skipped'],
    'neither warnings nor what is skipped',
  );
  t.strictSame(await inventory(), before);
  t.notMatch(found.output, PASSWORD);
  const lines = (await doctor(t, WELL)).output;
  t.match(lines, /^test\n {2}✓ MQTT secrets ConfigMap ca, Secret login: can be read\n/);
  t.match(lines, / {2}✓ Kafka topic doctor-written: 3 partitions\n/);
  t.match(lines, /\nall would work: 0 checks failed, 0 warnings\n$/);
});

/** What is wrong, and all that fails of it. */
const WRONG: Readonly<Record<string, readonly [Setting, ...RegExp[]]>> = {
  'a CA that is not trusted': [
    {
      kafka: { listener: 'tls', tls: BY_OTHER_CA },
      mqtt: { listener: 'tls', tls: BY_OTHER_CA },
    },
    /^the certificate of 127\.0\.0\.1:\d+ is of a CA that is not trusted \(.*\): put the CA into ConfigMap other-ca$/,
    /^the certificate of 127\.0\.0\.1:\d+ is of a CA that is not trusted \(.*\): put the CA into ConfigMap other-ca$/,
  ],
  'a certificate for another name': [
    {
      kafka: { listener: 'otherName', tls: BY_CA },
      mqtt: { listener: 'otherName', tls: BY_CA },
    },
    /is for another name \(.*\): connect by a name that is in it: it is for kafka\.example$/,
    /is for another name \(.*\): connect by a name that is in it: it is for kafka\.example$/,
  ],
  'a certificate that has expired': [
    { kafka: { listener: 'expired', tls: BY_CA }, mqtt: { listener: 'expired', tls: BY_CA } },
    /has expired: renew it at the broker$/,
    /has expired: renew it at the broker$/,
  ],
  'a wrong password': [
    {
      kafka: { listener: 'sasl', authType: login('wrong-login') },
      mqtt: { authentication: mqttLogin('wrong-login') },
    },
    /^CONNECT refused: 0x8[67] .*: the username or the password in Secret wrong-login is wrong/,
    /refuses the login \(scram-sha-512\): the username or the password in Secret wrong-login is wrong/,
  ],
  'TLS at ports without it': [
    { kafka: { listener: 'plain', tls: BY_CA }, mqtt: { listener: 'plain', tls: BY_CA } },
    /(does not speak TLS|ends the TLS handshake without a word).*tlsEnabled: false/,
    /(does not speak TLS|ends the TLS handshake without a word).*tlsEnabled: false/,
  ],
  'no TLS at ports for it': [
    { kafka: { listener: 'tls' }, mqtt: { listener: 'tls' } },
    /before its CONNACK: if it is the broker's port for TLS, give tlsEnabled: true$/,
    /ends the connection at its start: if it is Kafka's port for TLS, give tlsEnabled: true$/,
  ],
  'no login where Kafka asks for one': [
    { kafka: { listener: 'sasl' } },
    /ends the connection at the first request: if it asks for a login, give authType sasl$/,
  ],
  'no client certificate where Kafka asks for one': [
    { kafka: { listener: 'mtls', tls: BY_CA } },
    /asks for a client certificate: give authType x509, or another port$/,
  ],
  'topics that are not there': [
    { written: 'doctor-nowhere', read: 'doctor-nobody' },
    /^there is no topic doctor-nowhere: create it.*\(route in\)$/,
    /^there is no topic doctor-nobody: create it.*\(route out\)$/,
  ],
};

for (const [what, [setting, ...texts]] of Object.entries(WRONG)) {
  t.test(`${what}: the exit code is 1, and the cause is told with what to do`, async (t) => {
    const before = await inventory();
    const found = await doctor(t, setting, ['--json']);
    t.match(found, { code: 1, ok: false });
    t.equal(failures(found).length, texts.length, failures(found).join('\n'));
    t.match(failures(found), texts);
    t.notMatch(found.output, /planted/);
    t.strictSame(await inventory(), before);
  });
}

t.test('a topic that takes less than maxPayloadBytes is a warning', async (t) => {
  const found = await doctor(t, { written: SMALL }, ['--json']);
  t.equal(found.code, 0);
  t.match(
    found.steps.filter(({ outcome }) => outcome === 'warning'),
    [
      {
        check: 'size',
        subject: SMALL,
        text: /^max\.message\.bytes is 50000, and maxPayloadBytes is 1000000: Kafka refuses larger/,
      },
    ],
  );
});

t.test('a configuration with errors: the exit code is 2', async (t) => {
  const { code, output } = await doctor(t, { kafka: { authType: login('no-such-secret') } });
  t.equal(code, 2);
  t.match(output, /there is no Secret no-such-secret/);
});
