import t from 'tap';
import { type Case, check, connector, expectedProblem, KAFKA, topicMap } from '../documents.js';

const RESOURCE = 'KafkaConnector/c';
const KAFKA_TLS = (more: string, enabled = true) =>
  `kafkaConnection:\n  endpoint: kafka:9093\n  tls:\n    tlsEnabled: ${enabled}\n${more}`;
const AUTHENTICATION = (type: string, tls = true) =>
  KAFKA_TLS(`  authentication:\n    enabled: true\n${type.replaceAll(/^/gm, '    ')}`, tls);
const LOCAL = (scheme: string, more: string) =>
  `${KAFKA}\nlocalBrokerConnection:\n  endpoint: ${scheme}://b:1\n${more.replaceAll(/^/gm, '  ')}`;
const AUTH_PATH = 'spec.kafkaConnection.authentication.authType';
const GIVEN = {
  secrets: new Map([
    ['login', new Map(['username', 'password'].map((key) => [key, true]))],
    ['certificate', new Map(['tls.crt', 'tls.key'].map((key) => [key, true]))],
    ['half', new Map([['username', true]])],
    [
      'hollow',
      new Map([
        ['tls.crt', true],
        ['tls.key', false],
      ]),
    ],
  ]),
  configMaps: new Map([
    ['ca', new Map([['ca.pem', true]])],
    ['bare', new Map([['ca.pem', false]])],
  ]),
} as const;

const CASES: readonly Case[] = [
  {
    title: 'no instances means that nothing runs',
    severity: 'warning',
    text: connector(`instances: 0 # <-\n${KAFKA}`),
    resource: RESOURCE,
    path: 'spec.instances',
    message: '0 means that nothing runs',
    hint: 'give it 1 or more',
  },
  {
    title: 'one process of several is told to start the others',
    severity: 'warning',
    text: connector(`instances: 3 # <-\n${KAFKA}`),
    options: { instanceId: 2 },
    resource: RESOURCE,
    path: 'spec.instances',
    message: 'this process is instance 2 of 3, counted from 0',
    hint: 'start the others with --instance-id',
  },
  {
    title: 'an instance beyond the number of instances is an error',
    text: connector(`instances: 3 # <-\n${KAFKA}`),
    options: { instanceId: 3 },
    resource: RESOURCE,
    path: 'spec.instances',
    message: 'this process is instance 3, but there are 3',
    hint: 'give --instance-id a number from 0 to 2',
  },
  {
    title: 'a client identifier holds no null character',
    text: connector(`clientIdPrefix: "a\\0" # <-\n${KAFKA}`),
    resource: RESOURCE,
    path: 'spec.clientIdPrefix',
    message: 'has a null character (U+0000)',
    hint: 'MQTT forbids it',
  },
  {
    title: 'a faulty Kafka end point is reported',
    text: connector('kafkaConnection:\n  endpoint: "a:1,b" # <-\n  tls: { tlsEnabled: false }'),
    resource: RESOURCE,
    path: 'spec.kafkaConnection.endpoint',
    message: 'entry 2 has no port',
    hint: 'such as kafka.example.com:9092',
  },
  {
    title: 'Event Hubs without TLS are an error',
    text: connector(
      'kafkaConnection:\n  endpoint: ns.servicebus.windows.net:9093\n  tls:\n    tlsEnabled: false # <-',
    ),
    resource: RESOURCE,
    path: 'spec.kafkaConnection.tls.tlsEnabled',
    message: 'Event Hubs take encrypted connections only',
    hint: 'write true',
  },
  {
    title: 'a CA without TLS has no effect',
    severity: 'warning',
    text: connector(KAFKA_TLS('    caConfigMap: ca # <-', false)),
    resource: RESOURCE,
    path: 'spec.kafkaConnection.tls.caConfigMap',
    message: 'has no effect: TLS is off',
    hint: 'write tlsEnabled: true',
  },
  {
    title: 'the two spellings of a CA must not contradict each other',
    text: connector(
      KAFKA_TLS('    caConfigMap: ca\n    trustedCaCertificateConfigMap: other # <-'),
    ),
    resource: RESOURCE,
    path: 'spec.kafkaConnection.tls.trustedCaCertificateConfigMap',
    message: 'contradicts caConfigMap, which is the same field',
    hint: 'keep one of the two',
  },
  {
    title: 'a CA that is not there is an error where config maps were given',
    text: connector(KAFKA_TLS('    trustedCaCertificateConfigMap: gone # <-')),
    resource: RESOURCE,
    path: 'spec.kafkaConnection.tls.trustedCaCertificateConfigMap',
    message: 'there is no ConfigMap gone',
    hint: 'put the ConfigMap beside the resources, or name its folder with --config-maps-dir',
  },
  {
    title: 'a CA config map needs a key with a value',
    text: connector(
      `${KAFKA}\nlocalBrokerConnection:\n  tls:\n    tlsEnabled: true\n    caConfigMap: bare # <-`,
    ),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.tls.caConfigMap',
    message: 'ConfigMap bare has no key with a value',
    hint: 'add the CA certificate in PEM format',
  },
  {
    title: 'a CA that cannot be looked up is a warning',
    severity: 'warning',
    text: connector(KAFKA_TLS('    caConfigMap: ca # <-')),
    options: { configMaps: undefined },
    resource: RESOURCE,
    path: 'spec.kafkaConnection.tls.caConfigMap',
    message: 'ConfigMap ca is not here to be checked',
    hint: 'put the ConfigMap beside the resources, or name its folder with --config-maps-dir',
  },
  {
    title: 'authentication without a type is an error',
    text: connector(KAFKA_TLS('  authentication: # <-\n    enabled: true')),
    resource: RESOURCE,
    path: AUTH_PATH,
    message: 'is missing: enabled is true',
    hint: 'give one of sasl, x509, systemAssignedManagedIdentity, or write enabled: false',
  },
  {
    title: 'a type of authentication without a method is an error',
    text: connector(AUTHENTICATION('authType: {} # <-')),
    resource: RESOURCE,
    path: AUTH_PATH,
    message: 'names no method',
    hint: 'give one of sasl, x509, systemAssignedManagedIdentity',
  },
  {
    title: 'two methods of authentication are an error',
    text: connector(
      AUTHENTICATION(
        'authType: # <-\n  x509: { secretName: certificate }\n  sasl: { saslType: plain, secretName: login }',
      ),
    ),
    resource: RESOURCE,
    path: AUTH_PATH,
    message: 'has 2 methods: sasl, x509',
    hint: 'keep one of them',
  },
  {
    title: 'SASL needs a secret',
    text: connector(AUTHENTICATION('authType:\n  sasl: # <-\n    saslType: plain')),
    resource: RESOURCE,
    path: `${AUTH_PATH}.sasl.secretName`,
    message: 'is missing',
    hint: 'name the secret with the keys username and password',
  },
  {
    title: 'the two spellings of a SASL secret must not contradict each other',
    text: connector(
      AUTHENTICATION(
        'authType:\n  sasl:\n    saslType: plain\n    secretName: login\n    token:\n      secretName: other # <-',
      ),
    ),
    resource: RESOURCE,
    path: `${AUTH_PATH}.sasl.token.secretName`,
    message: 'contradicts secretName, which is the same field',
    hint: 'keep one of the two',
  },
  {
    title: 'a token without a secret is one error',
    text: connector(AUTHENTICATION('authType:\n  sasl:\n    saslType: plain\n    token: {} # <-')),
    resource: RESOURCE,
    path: `${AUTH_PATH}.sasl.token.secretName`,
    message: 'is missing',
    hint: 'must be lower-case letters, digits, "-" and ".", such as my-name. The secret with the keys `username` and `password`.',
  },
  {
    title: 'a method of a wrong type is one error',
    text: connector(AUTHENTICATION('authType:\n  sasl: plain # <-')),
    resource: RESOURCE,
    path: `${AUTH_PATH}.sasl`,
    message: 'is a string',
    hint: 'must be a mapping of fields to values',
  },
  {
    title: 'a SASL secret needs its password',
    text: connector(
      AUTHENTICATION(
        'authType:\n  sasl:\n    saslType: scramSha512\n    token:\n      secretName: half # <-',
      ),
    ),
    resource: RESOURCE,
    path: `${AUTH_PATH}.sasl.token.secretName`,
    message: 'Secret half has no key password',
    hint: 'it needs username and password',
  },
  {
    title: 'a certificate needs a key with a value',
    text: connector(AUTHENTICATION('authType:\n  x509:\n    secretName: hollow # <-')),
    resource: RESOURCE,
    path: `${AUTH_PATH}.x509.secretName`,
    message: 'Secret hollow has an empty tls.key',
    hint: 'it needs tls.crt and tls.key',
  },
  {
    title: 'a client certificate without TLS is an error',
    text: connector(AUTHENTICATION('authType:\n  x509: # <-\n    secretName: certificate', false)),
    resource: RESOURCE,
    path: `${AUTH_PATH}.x509`,
    message: 'a client certificate needs TLS, which is off',
    hint: 'write tls.tlsEnabled: true, or authentication.enabled: false',
  },
  {
    title: 'a password without TLS is a warning',
    severity: 'warning',
    text: connector(
      AUTHENTICATION('authType: # <-\n  sasl: { saslType: plain, secretName: login }', false),
    ),
    resource: RESOURCE,
    path: AUTH_PATH,
    message: 'without TLS whoever listens on the network can read or take over the login',
    hint: 'write tls.tlsEnabled: true, or authentication.enabled: false',
  },
  {
    title: 'an audience is an address',
    text: connector(
      AUTHENTICATION('authType:\n  systemAssignedManagedIdentity:\n    audience: hubs # <-'),
    ),
    resource: RESOURCE,
    path: `${AUTH_PATH}.systemAssignedManagedIdentity.audience`,
    message: 'is not written as it should be',
    hint: 'must be an address such as https://my-namespace.servicebus.windows.net',
  },
  {
    title: 'an audience of another namespace is warned of',
    severity: 'warning',
    text: connector(
      AUTHENTICATION(
        'authType:\n  systemAssignedManagedIdentity:\n    audience: https://other.servicebus.windows.net # <-',
      ).replace(/endpoint: \S+/, 'endpoint: Ns.servicebus.windows.net:9093'),
    ),
    resource: RESOURCE,
    path: `${AUTH_PATH}.systemAssignedManagedIdentity.audience`,
    message: 'is the namespace other.servicebus.windows.net, and the end point is another one',
    hint: 'write https://Ns.servicebus.windows.net',
  },
  {
    title: 'a faulty MQTT end point is reported',
    text: connector(`${KAFKA}\nlocalBrokerConnection:\n  endpoint: localhost # <-`),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.endpoint',
    message: 'has no port',
    hint: 'such as localhost:1883',
  },
  {
    title: 'an MQTT end point with TLS contradicts a connection without',
    text: connector(
      `${KAFKA}\nlocalBrokerConnection:\n  endpoint: mqtts://b:8883 # <-\n  tls: { tlsEnabled: false }`,
    ),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.endpoint',
    message: 'mqtts:// means TLS, but tls.tlsEnabled is false',
    hint: 'write tls.tlsEnabled: true, or mqtt:// for a connection without TLS',
  },
  {
    title: 'one way to authenticate to the MQTT broker, not several',
    text: connector(
      LOCAL('mqtts', 'authentication: # <-\n  kubernetes: {}\n  x509: { secretName: certificate }'),
    ),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.authentication',
    message: 'has 2 methods: kubernetes, x509',
    hint: 'keep one of them',
  },
  {
    title: 'the secret of an MQTT login lacks a key',
    text: connector(
      LOCAL('mqtts', 'authentication:\n  usernamePassword: { secretName: half } # <-'),
    ),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.authentication.usernamePassword.secretName',
    message: 'Secret half has no key password',
    hint: 'it needs username and password',
  },
  {
    title: 'the secret of an MQTT client certificate is not there',
    text: connector(LOCAL('wss', 'authentication:\n  x509: { secretName: gone } # <-')),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.authentication.x509.secretName',
    message: 'there is no Secret gone',
    hint: 'put the Secret beside the resources, or name its folder with --secrets-dir',
  },
  {
    title: 'a client certificate to the MQTT broker needs TLS',
    text: connector(LOCAL('mqtt', 'authentication:\n  x509: # <-\n    secretName: certificate')),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.authentication.x509',
    message: 'a client certificate needs TLS, which is off',
    hint: 'write tls.tlsEnabled: true, or authentication: {}',
  },
  {
    title: 'an MQTT password without TLS can be read by others',
    severity: 'warning',
    text: connector(LOCAL('ws', 'authentication: # <-\n  usernamePassword: { secretName: login }')),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.authentication',
    message: 'without TLS whoever listens on the network can read or take over the login',
    hint: 'write tls.tlsEnabled: true, or authentication: {}',
  },
  {
    title: 'ALPN without TLS has no effect',
    severity: 'warning',
    text: connector(LOCAL('mqtt', 'tls:\n  alpnProtocols: [mqtt] # <-')),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.tls.alpnProtocols',
    message: 'has no effect: TLS is off',
    hint: 'write tlsEnabled: true',
  },
  {
    title: 'a protocol for ALPN has a name',
    text: connector(LOCAL('mqtts', 'tls:\n  alpnProtocols:\n    - mqtt\n    - "" # <-')),
    resource: RESOURCE,
    path: 'spec.localBrokerConnection.tls.alpnProtocols[1]',
    message: 'is not written as it should be',
    hint: 'must be a name of 1 to 255 printable characters, such as mqtt',
  },
];

const SHARED = topicMap(
  'routes: [{ mqttToKafka: { name: r, mqttTopic: $share/g/a, kafkaTopic: t } }]',
);

for (const one of CASES) {
  t.test(one.title, async (t) => {
    const { problems, model } = check(one.text + SHARED, { ...GIVEN, ...one.options });
    t.strictSame(problems, [expectedProblem(one)]);
    t.equal(model === undefined, one.severity !== 'warning');
  });
}

t.test('a scheme alone may say that there is TLS', async (t) => {
  const tls = 'tls: { caConfigMap: ca, alpnProtocols: [mqtt] }';
  const x509 = 'authentication: { x509: { secretName: certificate } }';
  for (const scheme of ['mqtts', 'wss']) {
    const text = connector(LOCAL(scheme, `${tls}\n${x509}`)) + topicMap();
    const { problems, model } = check(text, GIVEN);
    t.same(problems, []);
    t.match(model?.connectors[0]?.mqtt, {
      tls: { caConfigMap: 'ca' },
      alpnProtocols: ['mqtt'],
      authentication: { kind: 'x509', secretName: 'certificate' },
    });
  }
});

t.test('authentication that is switched off is not looked at', async (t) => {
  const off = KAFKA_TLS(
    '  authentication:\n    enabled: false\n    authType:\n      sasl: { saslType: plain, secretName: gone }',
  );
  t.same(check(connector(off) + topicMap(), GIVEN).problems, []);
});
