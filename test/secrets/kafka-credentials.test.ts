import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import type { KafkaAuthentication } from '../../src/config/model.js';
import { readKafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal, unseal } from '../../src/secrets/sealed.js';
import type { InlineObjects, SecretSource } from '../../src/secrets/secret-source.js';
import {
  CA_PEM,
  CLIENT_KEY,
  CLIENT_PEM,
  ENCRYPTED_KEY,
  PASS_PHRASE,
} from '../support/certificates.js';
import { NO_SECRETS } from '../support/kafka-access.js';

type Keys = Readonly<Record<string, string>>;

function source(secret: Keys, configMap: Keys = {}): SecretSource {
  const encode = (keys: Keys) =>
    Object.fromEntries(
      Object.entries(keys).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
  const objects: InlineObjects = {
    Secret: { s: encode(secret) },
    ConfigMap: { k: encode(configMap) },
  };
  return { ...NO_SECRETS, inline: seal(objects) };
}

const SASL: KafkaAuthentication = { kind: 'sasl', mechanism: 'plain', secretName: 's' };
const X509: KafkaAuthentication = { kind: 'x509', secretName: 's' };
const NONE: KafkaAuthentication = { kind: 'none' };
const TRUSTED = { caConfigMap: undefined };

async function read(
  authentication: KafkaAuthentication,
  from: SecretSource,
  tls = TRUSTED as object,
) {
  const connection = { tls: tls as { caConfigMap: string | undefined }, authentication };
  return unseal(await readKafkaCredentials(connection, from));
}

t.test('a connection without secrets reads none', async (t) => {
  t.strictSame(await read(NONE, NO_SECRETS), {});
});

t.test('a login is what the secret says, to the letter', async (t) => {
  const login = {
    username: '$ConnectionString',
    password: 'Endpoint=sb://n/;SharedAccessKey=a+b/=',
  };
  t.strictSame(await read(SASL, source(login)), { login });
});

t.test(
  'the certificates of every key of the config map are trusted, and nothing else of it',
  async (t) => {
    const configMap = { 'a.pem': `a comment\n${CA_PEM}`, 'b.pem': CLIENT_PEM, readme: 'hunter2' };
    const { caPem } = await read(NONE, source({}, configMap), { caConfigMap: 'k' });
    t.equal(caPem, `${CA_PEM.trim()}\n${CLIENT_PEM.trim()}`);
  },
);

t.test('a client certificate may have a key with a pass phrase', async (t) => {
  const plain = { 'tls.crt': CLIENT_PEM + CA_PEM, 'tls.key': CLIENT_KEY };
  t.strictSame(await read(X509, source(plain)), {
    client: { certificatePem: CLIENT_PEM + CA_PEM, keyPem: CLIENT_KEY },
  });
  const encrypted = {
    'tls.crt': CLIENT_PEM,
    'tls.key': ENCRYPTED_KEY,
    'tls.password': PASS_PHRASE,
  };
  t.strictSame(await read(X509, source(encrypted)), {
    client: { certificatePem: CLIENT_PEM, keyPem: ENCRYPTED_KEY, passPhrase: PASS_PHRASE },
  });
});

const DAMAGED = CA_PEM.replace(/\n[^\n]+\n-----END/, '\nAAAA\n-----END');

const FAULTS: readonly (readonly [string, KafkaAuthentication, SecretSource, RegExp])[] = [
  ['no user', SASL, source({ password: 'hunter2' }), /^Secret s has no key username/],
  ['no password', SASL, source({ username: 'hunter2', password: '' }), /has an empty key password/],
  ['no key', X509, source({ 'tls.crt': CLIENT_PEM }), /^Secret s has no key tls\.key/],
  [
    'no certificate',
    X509,
    source({ 'tls.crt': 'hunter2', 'tls.key': CLIENT_KEY }),
    /^Secret s, key tls\.crt is no certificate in PEM format$/,
  ],
  [
    'half a certificate behind the first',
    X509,
    source({
      'tls.crt': `${CLIENT_PEM}\n-----BEGIN CERTIFICATE-----\nMIIB\n`,
      'tls.key': CLIENT_KEY,
    }),
    /^Secret s: TLS cannot use tls\.crt with tls\.key \(/,
  ],
  [
    'a damaged certificate',
    X509,
    source({ 'tls.crt': DAMAGED, 'tls.key': CLIENT_KEY }),
    /^Secret s, key tls\.crt: certificate 1 is damaged$/,
  ],
  [
    'the certificate of another key',
    X509,
    source({ 'tls.crt': CA_PEM, 'tls.key': CLIENT_KEY }),
    /^Secret s: tls\.key is not the key of the certificate in tls\.crt$/,
  ],
  [
    'no private key',
    X509,
    source({ 'tls.crt': CLIENT_PEM, 'tls.key': 'hunter2' }),
    /^Secret s, key tls\.key is no private key in PEM format$/,
  ],
  [
    'a pass phrase that is not there',
    X509,
    source({ 'tls.crt': CLIENT_PEM, 'tls.key': ENCRYPTED_KEY }),
    /tls\.key has a pass phrase; put it under the key tls\.password$/,
  ],
  [
    'a wrong pass phrase',
    X509,
    source({ 'tls.crt': CLIENT_PEM, 'tls.key': ENCRYPTED_KEY, 'tls.password': 'hunter2' }),
    /tls\.key cannot be read with the pass phrase under tls\.password/,
  ],
];

for (const [title, authentication, from, message] of FAULTS) {
  t.test(`${title} is told, with secret and key and without a value`, async (t) => {
    const error = await read(authentication, from).catch((reason: unknown) => reason);
    t.type(error, UsageError);
    t.match((error as Error).message, message);
    t.notMatch((error as Error).message, /hunter2|phrase-secret|BEGIN/);
  });
}

t.test('a config map without a certificate is told', async (t) => {
  const wrong = read(NONE, source({}, { 'ca.pem': 'hunter2' }), { caConfigMap: 'k' });
  await t.rejects(wrong, { message: /^ConfigMap k has no certificate in PEM format/ });
});
