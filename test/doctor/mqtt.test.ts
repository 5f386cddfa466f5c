import type { TlsOptions } from 'node:tls';
import t, { type Test } from 'tap';
import type { Step } from '../../src/doctor/report.js';
import { connector, KAFKA, toKafka, toMqtt, topicMap } from '../config/documents.js';
import { CA_PEM } from '../support/certificates.js';
import { ListeningBroker } from '../support/listening-broker.js';
import { listenPeer, type PeerKind } from '../support/peer.js';
import { EXPIRED, NOT_YET_VALID, OTHER_NAME } from '../support/server-certificates.js';
import { until } from '../support/until.js';
import { systemClockAt } from '../support/wall-clock.js';
import { examined, outline, secretsOf, textsOf } from './examined.js';

const TO_KAFKA = toKafka('mqttTopic: a/#\nkafkaTopic: t');
const BEFORE = 'a step before it failed';

/** A connector whose MQTT broker is here; `more` are further fields of localBrokerConnection. */
function mqttAt(port: number, options: { tls?: boolean; host?: string; more?: string } = {}) {
  const { tls = false, host = '127.0.0.1', more = 'authentication: {}' } = options;
  const ca = tls ? ', trustedCaCertificateConfigMap: broker-ca' : '';
  const lines = [
    'localBrokerConnection:',
    `  endpoint: "${host}:${port}"`,
    `  tls: { tlsEnabled: ${tls}${ca} }`,
    ...more.split('\n').map((line) => `  ${line}`),
  ];
  return connector(`${KAFKA}\n${lines.join('\n')}`);
}

const ofMqtt = (steps: readonly Step[]) => steps.filter(({ side }) => side === 'mqtt');

async function broker(t: Test, kind: PeerKind = 'tcp', tls: TlsOptions = {}) {
  const listening = await ListeningBroker.listen(t, kind, tls);
  listening.onSubscribe = (packet) => listening.suback(packet, packet.subscriptions[0]?.qos ?? 0);
  return listening;
}

t.test('where all is well every step passes, and the broker is left as it was', async (t) => {
  const mqtt = await broker(t);
  const steps = ofMqtt(await examined(mqttAt(mqtt.port) + TO_KAFKA));
  t.strictSame(outline(steps, 'mqtt'), [
    'passed tcp',
    'passed connect',
    'passed limits',
    'passed subscribe',
  ]);
  const sent = mqtt.packets;
  await until('it has gone', () => sent.length >= 6);
  t.strictSame(
    sent.map(({ cmd }) => cmd),
    ['connect', 'disconnect', 'connect', 'subscribe', 'unsubscribe', 'disconnect'],
  );
  t.match(sent[0], { clean: true, clientId: /^c-doctor-[0-9a-f]{8}$/ });
  t.match(sent[1], { properties: { sessionExpiryInterval: 0 } }, 'the session ends at once');
  t.match(sent[2], { clean: true, properties: { sessionExpiryInterval: 0 } });
  t.match(sent[3], { subscriptions: [{ topic: 'a/#', qos: 1, rh: 2 }] }, 'nothing retained comes');
  t.match(sent[4], { unsubscriptions: ['a/#'] });
});

for (const kind of ['ws', 'wss'] as const) {
  t.test(
    `${kind}: what lies below is tried first, then the way that the bridge goes`,
    async (t) => {
      const mqtt = await broker(t, kind);
      const tls = kind === 'wss';
      const documents = mqttAt(mqtt.port, { tls, host: `${kind}://localhost` }) + TO_KAFKA;
      const steps = ofMqtt(await examined(documents));
      t.strictSame(outline(steps, 'mqtt'), [
        ...(tls ? ['passed secrets'] : []),
        'passed name',
        'passed tcp',
        ...(tls ? ['passed tls'] : []),
        'passed connect',
        'passed limits',
        'passed subscribe',
      ]);
    },
  );
}

t.test('a shared subscription is tried without its group, as no member of it', async (t) => {
  const mqtt = await broker(t);
  const shared = 'sharedSubscription: { groupName: g, groupMinimumShareNumber: 1 }';
  const steps = await examined(
    mqttAt(mqtt.port) + toKafka(`mqttTopic: a/#\nkafkaTopic: t\n${shared}`),
  );
  t.match(
    steps.find(({ check }) => check === 'subscribe'),
    {
      outcome: 'passed',
      subject: '$share/g/a/#',
      text: 'granted with QoS 1 (tried without its group, as a/#)',
    },
  );
  const filters = mqtt.packets.flatMap((packet) =>
    packet.cmd === 'subscribe' ? packet.subscriptions.map(({ topic }) => topic) : [],
  );
  t.strictSame(filters, ['a/#']);
});

t.test('a name without an address, and a port where nobody listens', async (t) => {
  const unknown = await examined(mqttAt(1883, { host: 'broker.invalid' }) + TO_KAFKA);
  t.match(unknown[0], {
    outcome: 'failed',
    check: 'name',
    subject: 'broker.invalid',
    text: /^(no address is known for this name|the DNS does not tell the address) \(/,
  });
  t.strictSame(outline(unknown, 'mqtt').slice(1), [
    'skipped tcp',
    'skipped connect',
    'skipped limits',
    'skipped subscribe',
  ]);
  const { port, server } = await listenPeer(t, 'tcp');
  await new Promise((resolve) => server.close(resolve));
  const closed = ofMqtt(await examined(mqttAt(port) + TO_KAFKA));
  t.strictSame(textsOf(closed, 'failed'), [
    `nobody listens at 127.0.0.1:${port} (ECONNREFUSED): is the server running there, and is this its port?`,
  ]);
  t.strictSame(textsOf(closed, 'skipped'), [BEFORE, BEFORE, BEFORE]);
});

t.test('certificates: names, chain and days are told', async (t) => {
  const mqtt = await broker(t, 'tls');
  const documents = mqttAt(mqtt.port, { tls: true, host: 'localhost' }) + TO_KAFKA;
  const steps = ofMqtt(await examined(documents));
  t.match(
    steps.find(({ check }) => check === 'tls'),
    {
      outcome: 'passed',
      subject: `localhost:${mqtt.port}`,
      text: /^TLSv1\.3, certificate "localhost" for localhost, 127\.0\.0\.1, of "test broker ca", good for \d+ days$/,
    },
  );
  t.strictSame(textsOf(steps, 'failed'), []);
  t.strictSame(textsOf(steps, 'warning'), []);
});

t.test('a certificate that expires soon is warned of', async (t) => {
  const mqtt = await broker(t, 'tls');
  // The certificate ends with 2125.
  const nowMs = Date.parse('2125-12-12T00:00:00Z');
  const clock = systemClockAt(nowMs);
  const documents = mqttAt(mqtt.port, { tls: true }) + TO_KAFKA;
  const steps = ofMqtt(await examined(documents, { clock }));
  t.match(textsOf(steps, 'warning'), [
    'the certificate of 127.0.0.1 expires in 20 days, on 2126-01-01: renew it before',
  ]);
  t.strictSame(textsOf(steps, 'failed'), []);
});

const REFUSED: readonly (readonly [string, TlsOptions, RegExp])[] = [
  ['has expired', EXPIRED, /^the certificate of 127\.0\.0\.1:\d+ has expired: renew it/],
  ['is not valid yet', NOT_YET_VALID, /is not valid yet: look at both clocks$/],
  [
    'is for another name',
    OTHER_NAME,
    /is for another name \(.*\): connect by a name that is in it: it is for broker\.example$/,
  ],
];

for (const [what, certificate, text] of REFUSED) {
  t.test(`a certificate that ${what} fails TLS, and what comes after is not tried`, async (t) => {
    const mqtt = await broker(t, 'tls', certificate);
    const steps = ofMqtt(await examined(mqttAt(mqtt.port, { tls: true }) + TO_KAFKA));
    t.strictSame(outline(steps, 'mqtt'), [
      'passed secrets',
      'passed tcp',
      'failed tls',
      'skipped connect',
      'skipped limits',
      'skipped subscribe',
    ]);
    t.match(textsOf(steps, 'failed'), [text]);
    t.strictSame(mqtt.packets, []);
  });
}

t.test('a CA that is not trusted is named with what to do', async (t) => {
  const mqtt = await broker(t, 'tls');
  const secrets = secretsOf({}, { 'broker-ca': { 'ca.crt': CA_PEM } });
  const steps = ofMqtt(await examined(mqttAt(mqtt.port, { tls: true }) + TO_KAFKA, { secrets }));
  t.match(textsOf(steps, 'failed'), [
    /is of a CA that is not trusted \(.*\): put the CA into ConfigMap broker-ca$/,
  ]);
});

t.test('TLS at a plain port, and a plain connection at a port for TLS', async (t) => {
  const plain = await listenPeer(t, 'tcp', {}, (stream) => stream.end('no TLS here\r\n'));
  const tls = ofMqtt(await examined(mqttAt(plain.port, { tls: true }) + TO_KAFKA));
  t.match(textsOf(tls, 'failed'), [/does not speak TLS: give the broker's port for TLS/]);
  const secured = await broker(t, 'tls');
  const steps = ofMqtt(await examined(mqttAt(secured.port) + TO_KAFKA));
  t.match(textsOf(steps, 'failed'), [/if it is the broker's port for TLS, give tlsEnabled: true$/]);
});

t.test('a server that says nothing has its time', async (t) => {
  const silent = await listenPeer(t, 'tcp', {}, () => {});
  const tls = ofMqtt(
    await examined(mqttAt(silent.port, { tls: true }) + TO_KAFKA, { timeoutMs: 100 }),
  );
  t.match(textsOf(tls, 'failed'), [/does not answer the TLS handshake within 100 ms: if it is no/]);
  const plain = ofMqtt(await examined(mqttAt(silent.port) + TO_KAFKA, { timeoutMs: 100 }));
  t.match(textsOf(plain, 'failed'), ['no CONNACK within 100 ms']);
});

t.test('a login that is refused, and a secret that is not there', async (t) => {
  const mqtt = await broker(t);
  mqtt.connack = { reasonCode: 0x86 };
  const more = 'authentication: { usernamePassword: { secretName: login } }';
  const documents = mqttAt(mqtt.port, { more }) + TO_KAFKA;
  const login = { username: 'planted-user', password: 'planted-password' };
  const refused = ofMqtt(await examined(documents, { secrets: secretsOf({ login }) }));
  t.match(textsOf(refused, 'failed'), [
    /^CONNECT refused: 0x86 Bad User Name or Password: the username or the password in Secret login is wrong/,
  ]);
  t.notMatch(JSON.stringify(refused), /planted/);
  const missing = ofMqtt(await examined(documents));
  t.match(textsOf(missing, 'failed'), [/^Secret login is not here, and is needed/]);
  t.strictSame(outline(missing, 'mqtt').slice(0, 3), [
    'failed secrets',
    'passed tcp',
    'skipped connect',
  ]);
});

t.test('limits that throttle are warned of, and what is missing fails', async (t) => {
  const mqtt = await broker(t);
  mqtt.connack = { properties: { receiveMaximum: 20, maximumPacketSize: 100_000 } };
  const fromKafka = toMqtt('mqttTopic: out\nkafkaTopic: t');
  const throttled = ofMqtt(await examined(mqttAt(mqtt.port) + fromKafka));
  t.match(textsOf(throttled, 'warning'), [
    /takes 20 messages of QoS 1 at a time .* to 2000 messages a second/,
    /Maximum Packet Size is 100000, and maxPayloadBytes is 16777216: larger records/,
  ]);
  t.match(textsOf(throttled, 'passed').at(-1), /^Receive Maximum 20, Maximum Packet Size 100000/);
  mqtt.connack = { properties: { maximumQoS: 0 } };
  const noQos1 = ofMqtt(await examined(mqttAt(mqtt.port) + fromKafka));
  t.match(textsOf(noQos1, 'failed'), [/Maximum QoS is 0, and r publishes with 1: set qos: 0$/]);
  mqtt.connack = { properties: { wildcardSubscriptionAvailable: false } };
  const plain = ofMqtt(await examined(mqttAt(mqtt.port) + TO_KAFKA));
  t.match(textsOf(plain, 'failed'), [/no wildcard subscriptions, which "a\/#" needs$/]);
  mqtt.connack = {
    properties: { subscriptionIdentifiersAvailable: false, sessionExpiryInterval: 60 },
  };
  const short = ofMqtt(await examined(mqttAt(mqtt.port) + TO_KAFKA));
  t.match(textsOf(short, 'warning'), [/no Subscription Identifiers/, /a session for 60 s after/]);
  t.strictSame(textsOf(short, 'failed'), []);
});

t.test('each filter that is refused is told, and those behind it are tried', async (t) => {
  const mqtt = await broker(t);
  const codes = [0x87, 0, 1];
  mqtt.onSubscribe = (packet) => {
    // What others publish meanwhile is nobody's concern.
    mqtt.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 0, dup: false, retain: false });
    mqtt.suback(packet, codes.shift() ?? 0);
  };
  const route = (name: string) =>
    `  - mqttToKafka: { name: ${name}, mqttTopic: ${name}, kafkaTopic: t }`;
  const routes = topicMap(`routes:\n${['x', 'y', 'z'].map(route).join('\n')}`);
  const steps = (await examined(mqttAt(mqtt.port) + routes)).filter(
    ({ check }) => check === 'subscribe',
  );
  t.match(steps, [
    { outcome: 'failed', subject: 'x', text: /0x87 Not authorized; give this user the right/ },
    { outcome: 'warning', subject: 'y', text: /^granted with QoS 0, not 1/ },
    { outcome: 'passed', subject: 'z', text: 'granted with QoS 1' },
  ]);
});

t.test('a broker that ends the connection at a filter is told of with that filter', async (t) => {
  const mqtt = await broker(t);
  mqtt.onSubscribe = () => mqtt.socket.destroy();
  const steps = ofMqtt(await examined(mqttAt(mqtt.port) + TO_KAFKA));
  t.match(steps.at(-1), {
    outcome: 'failed',
    check: 'subscribe',
    subject: 'a/#',
    text: /some brokers end the connection where a filter is not allowed/,
  });
});
