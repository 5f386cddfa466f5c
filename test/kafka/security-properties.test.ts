import t from 'tap';
import type { KafkaConnection } from '../../src/config/model.js';
import { producerProperties } from '../../src/kafka/client-config.js';
import { consumerProperties } from '../../src/kafka/consumer-config.js';
import { securityProperties } from '../../src/kafka/security-properties.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { CA_PEM, CLIENT_PEM, ENCRYPTED_KEY, PASS_PHRASE } from '../support/certificates.js';
import { SETTINGS } from '../support/fake-worker.js';
import { plainKafka } from '../support/kafka-access.js';
import { NativeShard } from '../support/native-shard.js';

const PLAIN = plainKafka('127.0.0.1:1');
const TLS: KafkaConnection = { ...PLAIN, tls: { caConfigMap: 'k' } };

function properties(kafka: KafkaConnection, credentials: KafkaCredentials = {}) {
  return securityProperties({ kafka, kafkaCredentials: seal(credentials) });
}

const VERIFIED = {
  'security.protocol': 'ssl',
  'enable.ssl.certificate.verification': 'true',
  'ssl.endpoint.identification.algorithm': 'https',
};

t.test('TLS verifies certificate and name, by the CA of the config map', async (t) => {
  t.strictSame(properties(PLAIN), { 'security.protocol': 'plaintext' });
  t.strictSame(properties(TLS, { caPem: CA_PEM }), { ...VERIFIED, 'ssl.ca.pem': CA_PEM });
});

t.test(
  "without a config map the system's CAs are trusted, or those that OpenSSL is told of",
  async (t) => {
    const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
    t.teardown(() => {
      for (const [name, value] of Object.entries({ SSL_CERT_FILE, SSL_CERT_DIR })) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });
    const trusted = { ...TLS, tls: { caConfigMap: undefined } };
    process.env.SSL_CERT_FILE = '';
    process.env.SSL_CERT_DIR = '';
    t.strictSame(properties(trusted), { ...VERIFIED, 'ssl.ca.location': 'probe' });
    process.env.SSL_CERT_DIR = '/cas';
    t.equal(properties(trusted)['ssl.ca.location'], '/cas');
    process.env.SSL_CERT_FILE = '/cas/all.pem';
    t.equal(properties(trusted)['ssl.ca.location'], '/cas/all.pem');
  },
);

t.test('a login goes over TLS and, where that is wanted, without', async (t) => {
  const login = { username: '$ConnectionString', password: 'Endpoint=sb://n/;Key=a=' };
  const sasl = {
    'sasl.username': login.username,
    'sasl.password': login.password,
  };
  for (const [mechanism, name] of [
    ['plain', 'PLAIN'],
    ['scram-sha-256', 'SCRAM-SHA-256'],
    ['scram-sha-512', 'SCRAM-SHA-512'],
  ] as const) {
    const authentication = { kind: 'sasl', mechanism, secretName: 's' } as const;
    t.strictSame(properties({ ...PLAIN, authentication }, { login }), {
      'security.protocol': 'sasl_plaintext',
      'sasl.mechanism': name,
      ...sasl,
    });
    t.match(properties({ ...TLS, authentication }, { login, caPem: CA_PEM }), {
      'security.protocol': 'sasl_ssl',
      'sasl.mechanism': name,
      ...sasl,
    });
  }
});

t.test('a managed identity logs in by a token, which is no property', async (t) => {
  const authentication = { kind: 'systemAssignedManagedIdentity', audience: 'a' } as const;
  const token = { value: 'planted', expiresAtMs: 2e12, principal: 'p' };
  t.strictSame(properties({ ...PLAIN, authentication }, { token }), {
    'security.protocol': 'sasl_plaintext',
    'sasl.mechanism': 'OAUTHBEARER',
  });
  t.strictSame(properties({ ...TLS, authentication }, { token, caPem: CA_PEM }), {
    ...VERIFIED,
    'security.protocol': 'sasl_ssl',
    'sasl.mechanism': 'OAUTHBEARER',
    'ssl.ca.pem': CA_PEM,
  });
});

const X509 = {
  kafka: { ...TLS, authentication: { kind: 'x509', secretName: 's' } },
  kafkaCredentials: seal<KafkaCredentials>({
    caPem: CA_PEM,
    client: { certificatePem: CLIENT_PEM, keyPem: ENCRYPTED_KEY, passPhrase: PASS_PHRASE },
  }),
  clientId: 'client',
  messageBytesMax: 1_000_000,
} as const;

t.test('librdkafka takes a client certificate, and its key by the pass phrase', async (t) => {
  t.match(securityProperties(X509), {
    'security.protocol': 'ssl',
    'ssl.certificate.pem': CLIENT_PEM,
    'ssl.key.pem': ENCRYPTED_KEY,
    'ssl.key.password': PASS_PHRASE,
  });
  const shard = new NativeShard();
  t.teardown(() => shard.close());
  t.doesNotThrow(() => shard.native.addProducer(producerProperties(X509, SETTINGS, false)));
});

t.test(
  'what librdkafka says of properties that it refuses shows none of their values',
  async (t) => {
    const shard = new NativeShard();
    t.teardown(() => shard.close());
    const wrong = {
      ...producerProperties(X509, SETTINGS, false),
      'ssl.key.password': 'hunter2-wrong',
    };
    try {
      shard.native.addProducer(wrong);
      t.fail('it takes a key that it cannot read');
    } catch (error) {
      t.match((error as Error).message, /key\.pem failed/);
      t.notMatch((error as Error).message, /hunter2|BEGIN|MII/);
    }
  },
);

t.test('Event Hubs have the settings that are recommended for them', async (t) => {
  const eventHubs = { ...X509, kafka: { ...X509.kafka, isEventHubs: true } };
  const consumer = { groupId: 'g', groupInstanceId: 'i', offsetReset: 'earliest' } as const;
  t.match(producerProperties(eventHubs, SETTINGS, false), { 'metadata.max.age.ms': '180000' });
  t.match(consumerProperties(eventHubs, consumer), {
    'metadata.max.age.ms': '180000',
    'session.timeout.ms': '30000',
    'heartbeat.interval.ms': '3000',
    'socket.keepalive.enable': 'true',
  });
  t.match(consumerProperties(X509, consumer), {
    'metadata.max.age.ms': undefined,
    'session.timeout.ms': '10000',
  });
});
