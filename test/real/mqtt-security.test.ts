import t, { type Test } from 'tap';
import type { RunningConnector } from '../support/connector.js';
import { startBridge, startServersWithTopic } from '../support/real/bridge.js';
import {
  MQTT_PASSWORD,
  MQTT_USER,
  type MqttListener,
  mqttAddress,
  mqttCertificateFile,
  mqttEndpoint,
} from '../support/real/mosquitto-security.js';
import { mountAccess } from '../support/real/mounted-access.js';
import { carrier, roundTrip, saysWhatIsWrong } from '../support/real/round-trip.js';

/* Every way to connect to a real mosquitto, each carrying a message from it to Kafka and back, and every
 * way that fails, with what a person reads of it. Other clients use the plain listener. */

const TOPIC = 'secured';
/** More than the receive buffer of a connection takes at once, to Kafka and back. */
const LARGE = Buffer.alloc(6 * 1024 * 1024, 'abcdefg');
/** mosquitto 2.0.11 sends 40 KB in a second over WebSocket, whoever reads them. */
const LARGE_FOR_WEBSOCKET = Buffer.alloc(80_000, 'abcdefg');

const servers = startServersWithTopic(t, TOPIC, { maxMessage: '16M' }, { secure: true });

interface Access {
  readonly listener: MqttListener;
  /** Where it is not the listener's own. */
  readonly scheme?: string;
  readonly fields?: object;
}

async function start(t: Test, name: string, access: Access): Promise<RunningConnector> {
  const both = await servers;
  const { mosquitto } = both;
  const kafkaTopic = name in WORKING ? `${TOPIC}-${name}` : TOPIC;
  const args = await mountAccess(t.testdir(), (each) => mqttCertificateFile(mosquitto, each), {
    login: { username: MQTT_USER, password: MQTT_PASSWORD },
    'wrong-password': { username: MQTT_USER, password: 'planted-wrong' },
    'unknown-user': { username: 'planted-mallory', password: 'planted-wrong' },
    half: { username: MQTT_USER },
  });
  return startBridge(t, both, {
    clientIdPrefix: name,
    connector: {
      logLevel: 'trace',
      localBrokerConnection: {
        endpoint: mqttEndpoint(mosquitto, access.listener, access.scheme),
        ...access.fields,
      },
    },
    maps: [roundTrip(name, kafkaTopic)],
    args,
  });
}

const BY_CA = { tls: { caConfigMap: 'ca' } };
const x509 = (secretName: string) => ({ authentication: { x509: { secretName } } });
const login = (secretName: string) => ({ authentication: { usernamePassword: { secretName } } });

const WORKING: Readonly<Record<string, Access>> = {
  plain: { listener: 'plain' },
  tls: { listener: 'tls', fields: BY_CA },
  'tls-by-field': {
    listener: 'tls',
    scheme: 'mqtt',
    fields: { tls: { tlsEnabled: true, trustedCaCertificateConfigMap: 'ca' } },
  },
  mtls: { listener: 'mtls', fields: { ...BY_CA, ...x509('client') } },
  'mtls-pass-phrase': { listener: 'mtls', fields: { ...BY_CA, ...x509('encrypted') } },
  password: { listener: 'password', fields: login('login') },
  ws: { listener: 'ws' },
  wss: { listener: 'wss', fields: BY_CA },
};

for (const [name, access] of Object.entries(WORKING)) {
  t.test(`${name}: messages go to Kafka and back, small and large`, async (t) => {
    const { kafka, mosquitto } = await servers;
    await kafka.createTopic(`${TOPIC}-${name}`, 1, { config: { 'max.message.bytes': '16000000' } });
    const bridge = await start(t, name, access);
    await bridge.ready();
    const carry = await carrier(t, mosquitto, name, bridge);
    const large =
      access.listener === 'ws' || access.listener === 'wss' ? LARGE_FOR_WEBSOCKET : LARGE;
    await carry(`from ${name}`);
    await carry(large);
    t.equal(await bridge.terminate(), 0);
  });
}

type Expected = readonly [reason: string, (address: string) => string | RegExp];

const FAILING: Readonly<Record<string, readonly [Access, ...Expected]>> = {
  'wrong-ca': [
    { listener: 'tls', fields: { tls: { caConfigMap: 'other-ca' } } },
    'tls',
    (address) =>
      `the certificate of ${address} is of a CA that is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): put the CA into ConfigMap other-ca`,
  ],
  'no-ca': [
    { listener: 'wss' },
    'tls',
    (address) =>
      `the certificate of ${address} is of a CA that is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): name a config map that holds the CA as tls.caConfigMap, or add the CA to those of the system`,
  ],
  'other-name': [
    { listener: 'otherName', fields: BY_CA },
    'tls',
    (address) =>
      `the certificate of ${address} is for another name (IP: 127.0.0.1 is not in the cert's list: ): connect by a name that is in it`,
  ],
  expired: [
    { listener: 'expired', fields: BY_CA },
    'tls',
    (address) => `the certificate of ${address} has expired: renew it at the broker`,
  ],
  'wrong-password': [
    { listener: 'password', fields: login('wrong-password') },
    'authentication',
    () =>
      'CONNECT refused: 0x87 Not authorized: the username or the password in Secret wrong-password is wrong, or the user may not connect with this client identifier',
  ],
  'unknown-user': [
    { listener: 'password', fields: login('unknown-user') },
    'authentication',
    () =>
      'CONNECT refused: 0x87 Not authorized: the username or the password in Secret unknown-user is wrong, or the user may not connect with this client identifier',
  ],
  'no-login': [
    { listener: 'password' },
    'authentication',
    () =>
      'CONNECT refused: 0x87 Not authorized: the broker asks for a login: give localBrokerConnection.authentication',
  ],
  'no-client-certificate': [
    { listener: 'mtls', fields: BY_CA },
    'authentication',
    (address) =>
      `${address} asks for a client certificate (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED): give authentication.x509, or another port`,
  ],
  'other-client': [
    { listener: 'mtls', fields: { ...BY_CA, ...x509('other-client') } },
    'authentication',
    (address) =>
      `${address} refuses the client certificate of Secret other-client (ERR_SSL_TLSV1_ALERT_UNKNOWN_CA): it must be of a CA that the broker trusts, and not expired`,
  ],
  'tls-to-plain': [
    { listener: 'plain', scheme: 'mqtts', fields: BY_CA },
    'tls',
    (address) =>
      `${address} ends the TLS handshake without a word (ECONNRESET): if it is no port for TLS, give one that is, or tlsEnabled: false; it may ask for a client certificate`,
  ],
  'plain-to-tls': [
    { listener: 'tls', scheme: 'mqtt' },
    'protocol',
    () => " before its CONNACK: if it is the broker's port for TLS, give tlsEnabled: true",
  ],
  'websocket-to-plain': [
    { listener: 'plain', scheme: 'ws' },
    'protocol',
    (address) =>
      `${address} ends the connection at the WebSocket request: does it speak WebSocket?`,
  ],
};

for (const [name, [access, reason, detail]] of Object.entries(FAILING)) {
  t.test(`${name}: /readyz, the log and the metrics say what is wrong`, async (t) => {
    const { mosquitto } = await servers;
    const text = detail(mqttAddress(mosquitto, access.listener)) as string;
    const bridge = await start(t, name, access);
    await saysWhatIsWrong(t, bridge, { side: 'mqtt', reason, text });
  });
}

t.test('a key that is missing, or a token that nobody mounted, ends the start', async (t) => {
  for (const [fields, text] of [
    [login('half'), 'Secret half has no key password'],
    [{ authentication: { kubernetes: {} } }, 'needs a service account token, and there is no /var'],
  ] as const) {
    await t.rejects(
      start(t, 'not-started', { listener: 'password', fields }).then((bridge) => bridge.ready()),
      new RegExp(text),
    );
  }
});
