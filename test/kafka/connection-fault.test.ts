import t from 'tap';
import type { KafkaConnection } from '../../src/config/model.js';
import { connectionFault, tokenFault } from '../../src/kafka/connection-fault.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { plainKafka } from '../support/kafka-access.js';

/* Lines as librdkafka 2.12 writes them; test/real/kafka-security.test.ts has them made by a real Kafka. */

const PLAIN = plainKafka('a:1,b:2');
const TLS: KafkaConnection = { ...PLAIN, tls: { caConfigMap: 'ca-pem' } };
const SYSTEM: KafkaConnection = { ...PLAIN, tls: { caConfigMap: undefined } };
const SASL: KafkaConnection = {
  ...TLS,
  authentication: { kind: 'sasl', mechanism: 'scram-sha-256', secretName: 'login' },
};
const X509: KafkaConnection = { ...TLS, authentication: { kind: 'x509', secretName: 'client' } };

const certificate = (error: number) =>
  'SSLCERTVRFY: [thrd:ssl://kafka-0.local:9093/bootstrap]: ssl://kafka-0.local:9093/bootstrap: ' +
  `Certificate (subject=/CN=kafka, issuer=/CN=Own CA) verification callback failed: x509 error ${error}`;
const fail = (protocol: string, text: string) =>
  `FAIL: [thrd:${protocol}10.0.0.1:9093/1]: ${protocol}10.0.0.1:9093/1: ${text}`;

const IDENTITY: KafkaConnection = {
  ...TLS,
  authentication: { kind: 'systemAssignedManagedIdentity', audience: 'https://hubs.example' },
};

type Case = readonly [string, KafkaConnection, string, string];

const CASES: readonly Case[] = [
  [
    certificate(19),
    TLS,
    'tls',
    'the certificate of kafka-0.local:9093 is of a CA that is not trusted (/CN=Own CA): put the CA into ConfigMap ca-pem',
  ],
  [
    certificate(20),
    SYSTEM,
    'tls',
    'the certificate of kafka-0.local:9093 is of a CA that is not trusted (/CN=Own CA): name a config map that holds the CA as tls.caConfigMap, or install the CA certificates of the system',
  ],
  [
    certificate(10),
    TLS,
    'tls',
    'the certificate of kafka-0.local:9093 has expired: renew it at Kafka',
  ],
  [
    certificate(62),
    TLS,
    'tls',
    'the certificate of kafka-0.local:9093 is for another name (/CN=kafka): connect by a name that is in it, which goes for the names that Kafka advertises too',
  ],
  [
    fail(
      'ssl://',
      'SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener? (after 59ms in state SSL_HANDSHAKE)',
    ),
    TLS,
    'protocol',
    "10.0.0.1:9093 does not speak TLS: give Kafka's port for TLS, or tlsEnabled: false",
  ],
  [
    fail(
      'ssl://',
      'Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42 (after 45ms in state APIVERSION_QUERY)',
    ),
    TLS,
    'authentication',
    '10.0.0.1:9093 asks for a client certificate: give authType x509, or another port',
  ],
  [
    fail(
      'ssl://',
      'Receive failed: error:0A000418:SSL routines::tlsv1 alert unknown ca: SSL alert number 48 (after 45ms in state APIVERSION_QUERY)',
    ),
    X509,
    'authentication',
    '10.0.0.1:9093 refuses the client certificate of Secret client: it must be of a CA that Kafka trusts, and not expired',
  ],
  [
    fail(
      'ssl://',
      'SSL handshake failed: error:0A000102:SSL routines::unsupported protocol (after 3ms in state SSL_HANDSHAKE)',
    ),
    TLS,
    'tls',
    'no TLS with 10.0.0.1:9093: error:0A000102:SSL routines::unsupported protocol',
  ],
  [
    fail(
      'sasl_ssl://',
      'SASL authentication error: Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256 (after 361ms in state AUTH_REQ)',
    ),
    SASL,
    'authentication',
    '10.0.0.1:9093 refuses the login (scram-sha-256): the username or the password in Secret login is wrong, or Kafka does not know the user for scram-sha-256',
  ],
  [
    fail(
      'sasl_ssl://',
      'SASL authentication error: {"status":"invalid_token"} (after 12ms in state AUTH_REQ)',
    ),
    IDENTITY,
    'authentication',
    '10.0.0.1:9093 refuses the token of the managed identity: the identity must have a role there (of Event Hubs: Azure Event Hubs Data Owner, or Data Sender and Data Receiver), and the audience https://hubs.example must be what the server expects',
  ],
  [
    fail(
      'sasl_ssl://',
      "SASL OAUTHBEARER mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN (after 1ms in state AUTH_HANDSHAKE)",
    ),
    IDENTITY,
    'authentication',
    '10.0.0.1:9093 does not offer OAUTHBEARER, but PLAIN',
  ],
  [
    fail(
      'sasl_ssl://',
      "SASL SCRAM-SHA-256 mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN,OAUTHBEARER (after 1ms in state AUTH_HANDSHAKE)",
    ),
    SASL,
    'authentication',
    '10.0.0.1:9093 does not offer scram-sha-256, but PLAIN,OAUTHBEARER',
  ],
  [
    fail(
      'sasl_ssl://',
      "SASL SCRAM-SHA-256 mechanism handshake failed: Broker: Request not valid in current SASL state: broker's supported mechanisms:  (after 1ms in state AUTH_HANDSHAKE)",
    ),
    SASL,
    'authentication',
    "10.0.0.1:9093 takes no login: give Kafka's port for SASL, or authentication.enabled: false",
  ],
  [
    fail(
      '',
      'Disconnected: connection closed by peer: receive 0 after POLLIN (after 3ms in state APIVERSION_QUERY)',
    ),
    PLAIN,
    'protocol',
    "10.0.0.1:9093 ends the connection at its start: if it is Kafka's port for TLS, give tlsEnabled: true",
  ],
  [
    fail(
      '',
      'Disconnected: connection closed by peer: receive 0 after POLLIN (after 9ms in state UP)',
    ),
    PLAIN,
    'authentication',
    '10.0.0.1:9093 ends the connection at the first request: if it asks for a login, give authType sasl',
  ],
  [
    fail(
      '',
      'Connect to ipv4#10.0.0.1:9093 failed: Connection refused (after 0ms in state CONNECT)',
    ),
    PLAIN,
    'refused',
    'nobody listens at 10.0.0.1:9093',
  ],
  [
    fail('', 'Connect to ipv4#10.0.0.1:9093 failed: No route to host (after 0ms in state CONNECT)'),
    PLAIN,
    'network',
    '10.0.0.1:9093 cannot be reached: No route to host',
  ],
  [
    "FAIL: [thrd:kafka:9092/bootstrap]: kafka:9092/bootstrap: Failed to resolve 'kafka:9092': Name or service not known (after 9ms in state CONNECT)",
    PLAIN,
    'network',
    'no address is known for the name in kafka:9092',
  ],
  [
    'REQTMOUT: [thrd:kafka:9092/bootstrap]: kafka:9092/bootstrap: Timed out ApiVersionRequest in flight (after 10006ms, timeout #0)',
    PLAIN,
    'timeout',
    'kafka:9092 does not answer',
  ],
  [
    'REQTMOUT: [thrd:kafka:9092/1]: kafka:9092/1: Timed out ProduceRequest in flight (after 60032ms, timeout #0)',
    PLAIN,
    'timeout',
    'kafka:9092 has not answered a request (Produce)',
  ],
  [
    'FAIL: [thrd:GroupCoordinator]: GroupCoordinator: 10.0.0.1:9093: Connection setup timed out in state CONNECT (after 30028ms in state CONNECT)',
    PLAIN,
    'timeout',
    '10.0.0.1:9093 does not answer',
  ],
];

for (const [line, connection, reason, detail] of CASES) {
  t.test(detail, async (t) => {
    t.strictSame(connectionFault(line, connection), { reason, detail });
  });
}

t.test('nothing is made of other lines', async (t) => {
  for (const line of [
    'FAIL: [thrd:ssl://a:1/bootstrap]: ssl://a:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified (after 258ms in state SSL_HANDSHAKE)',
    'FAIL: [thrd:a:1/1]: a:1/1: Disconnected: connection closed by peer (after 600003ms in state UP)',
    'CONFWARN: [thrd:app]: Configuration property x is a consumer property',
    '1/1 brokers are down',
  ]) {
    for (const connection of [PLAIN, TLS, SASL])
      t.equal(connectionFault(line, connection), undefined);
  }
});

t.test(
  'what Kafka says of a login is not repeated: it may hold the name of the user',
  async (t) => {
    const line = fail(
      'sasl_ssl://',
      'SASL authentication error: unknown user alice-planted (after 1ms in state AUTH_REQ)',
    );
    t.notMatch(connectionFault(line, SASL)?.detail, /planted/);
  },
);

t.test('that a token is missing, or is too old, librdkafka does not say, so we do', async (t) => {
  const of = (expiresAtMs?: number) => {
    const token =
      expiresAtMs === undefined ? undefined : { value: 'v', expiresAtMs, principal: '' };
    return { kafka: IDENTITY, kafkaCredentials: seal<KafkaCredentials>({ token }) };
  };
  const waits =
    ' for https://hubs.example: connections to Kafka wait until the managed identity gives one; the log says why it does not';
  const reason = 'authentication';
  t.strictSame(tokenFault(of(), 10), { reason, detail: `there is no token yet${waits}` });
  t.strictSame(tokenFault(of(10), 10), { reason, detail: `the last token has expired${waits}` });
  t.equal(tokenFault(of(11), 10), undefined);
  t.equal(tokenFault({ ...of(), kafka: SASL }, 10), undefined);
});
