/* How a connection to Kafka is secured, as librdkafka's properties. Their values are secrets: they go to
 * librdkafka and nowhere else.
 */
import type { KafkaAuthentication, KafkaConnection, SaslMechanism } from '../config/model.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import { type Sealed, seal, unseal } from '../secrets/sealed.js';

type Properties = Record<string, string>;

/** What a client needs to know to make its connections. */
export interface KafkaAccess {
  readonly kafka: KafkaConnection;
  readonly kafkaCredentials: Sealed<KafkaCredentials>;
}

/** To a Kafka that asks for neither TLS nor a login. */
export function plainAccess(bootstrapServers: string): KafkaAccess {
  return {
    kafka: {
      bootstrapServers,
      isEventHubs: false,
      tls: undefined,
      authentication: { kind: 'none' },
    },
    kafkaCredentials: seal<KafkaCredentials>({}),
  };
}

const MECHANISMS: Readonly<Record<SaslMechanism, string>> = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
};

/** Methods that go through SASL. */
const LOGS_IN: ReadonlySet<KafkaAuthentication['kind']> = new Set([
  'sasl',
  'systemAssignedManagedIdentity',
]);

export function securityProperties({ kafka, kafkaCredentials }: KafkaAccess): Properties {
  const { tls, authentication } = kafka;
  const { caPem, login, client } = unseal(kafkaCredentials);
  const layer = tls === undefined ? 'plaintext' : 'ssl';
  const properties: Properties = {
    'security.protocol': LOGS_IN.has(authentication.kind) ? `sasl_${layer}` : layer,
  };
  if (tls !== undefined) {
    properties['enable.ssl.certificate.verification'] = 'true';
    properties['ssl.endpoint.identification.algorithm'] = 'https';
    if (caPem !== undefined) properties['ssl.ca.pem'] = caPem;
    else properties['ssl.ca.location'] = systemCaLocation();
  }
  if (authentication.kind === 'sasl' && login !== undefined) {
    properties['sasl.mechanism'] = MECHANISMS[authentication.mechanism];
    properties['sasl.username'] = login.username;
    properties['sasl.password'] = login.password;
  }
  // The token itself is no property: kafka/login.ts.
  if (authentication.kind === 'systemAssignedManagedIdentity') {
    properties['sasl.mechanism'] = 'OAUTHBEARER';
  }
  if (client !== undefined) {
    properties['ssl.certificate.pem'] = client.certificatePem;
    properties['ssl.key.pem'] = client.keyPem;
    if (client.passPhrase !== undefined) properties['ssl.key.password'] = client.passPhrase;
  }
  return properties;
}

/**
 * Where the CAs are that the system trusts. librdkafka's OpenSSL is Node's, whose symbols come first in
 * the process, and Node's looks where its builder chose (/etc/ssl), which is not where every distribution
 * has them. `probe` looks in all the usual places.
 */
function systemCaLocation(): string {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
  return SSL_CERT_FILE || SSL_CERT_DIR || 'probe';
}
