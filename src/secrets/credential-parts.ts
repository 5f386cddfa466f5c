/* What connections need of secrets and config maps, read and checked: a library would say of a damaged
 * certificate only that something is no PEM. No message here repeats a value.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { UsageError } from '../base/errors.js';
import { readObject, type SecretSource } from './secret-source.js';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export interface ClientCertificate {
  /** With the certificates between it and its CA, where the secret has them. */
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly passPhrase: string | undefined;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The keys of a TLS secret in Kubernetes, and ours for a key that has a pass phrase. */
const CERTIFICATE_KEY = 'tls.crt';
const PRIVATE_KEY = 'tls.key';
const PASS_PHRASE_KEY = 'tls.password';

/**
 * Every certificate of every key of a config map, in PEM format. Rejects with a UsageError where there is
 * none, or a damaged one.
 *
 * @param whose the server whose CA it is, such as `Kafka`, for messages
 */
export async function readCa(name: string, whose: string, source: SecretSource): Promise<string> {
  const values = await readObject(source, 'ConfigMap', name);
  const certificates = [...values].flatMap(([key, value]) =>
    certificatesOf(value, `ConfigMap ${name}, key ${key}`),
  );
  if (certificates.length > 0) return certificates.join('\n');
  throw new UsageError(
    `ConfigMap ${name} has no certificate in PEM format; it is to hold that of ${whose}'s CA`,
  );
}

/** The keys `username` and `password`. Rejects with a UsageError where one is missing or empty. */
export async function readLogin(name: string, source: SecretSource): Promise<Login> {
  const values = await readObject(source, 'Secret', name);
  return {
    username: requiredValue(values, name, 'username'),
    password: requiredValue(values, name, 'password'),
  };
}

/**
 * A client certificate with its key. Rejects with a UsageError where one of them is missing, cannot be
 * read, or is not the other's.
 */
export async function readClient(name: string, source: SecretSource): Promise<ClientCertificate> {
  const values = await readObject(source, 'Secret', name);
  const certificatePem = requiredValue(values, name, CERTIFICATE_KEY);
  const keyPem = requiredValue(values, name, PRIVATE_KEY);
  const passPhrase = values.get(PASS_PHRASE_KEY);
  const [first] = certificatesOf(certificatePem, `Secret ${name}, key ${CERTIFICATE_KEY}`);
  if (first === undefined) {
    throw new UsageError(`Secret ${name}, key ${CERTIFICATE_KEY} is no certificate in PEM format`);
  }
  const key = privateKeyOf(keyPem, passPhrase, name);
  if (!new X509Certificate(first).checkPrivateKey(key)) {
    throw new UsageError(
      `Secret ${name}: ${PRIVATE_KEY} is not the key of the certificate in ${CERTIFICATE_KEY}`,
    );
  }
  checkUsable({ certificatePem, keyPem, passPhrase }, name);
  return { certificatePem, keyPem, passPhrase };
}

/** As a connection will use it: the whole text, of which OpenSSL takes less than is looked for above. */
function checkUsable({ certificatePem, keyPem, passPhrase }: ClientCertificate, secret: string) {
  try {
    createSecureContext({ cert: certificatePem, key: keyPem, passphrase: passPhrase });
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `Secret ${secret}: TLS cannot use ${CERTIFICATE_KEY} with ${PRIVATE_KEY} (${code}); is a ` +
        'certificate behind the first damaged, or a key too small?',
    );
  }
}

function requiredValue(values: ReadonlyMap<string, string>, secret: string, key: string): string {
  const value = values.get(key);
  if (value !== undefined && value !== '') return value;
  throw new UsageError(
    `Secret ${secret} has ${value === '' ? 'an empty' : 'no'} key ${key}, which the connection needs`,
  );
}

/** The certificates in a text, each in PEM format. Throws a UsageError that names `place` where one is damaged. */
export function certificatesOf(text: string, place: string): readonly string[] {
  const found = text.match(CERTIFICATE) ?? [];
  for (const [index, pem] of found.entries()) {
    try {
      new X509Certificate(pem);
    } catch {
      throw new UsageError(`${place}: certificate ${index + 1} is damaged`);
    }
  }
  return found;
}

function privateKeyOf(pem: string, passphrase: string | undefined, secret: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase && { passphrase }) });
  } catch {
    const place = `Secret ${secret}, key ${PRIVATE_KEY}`;
    if (!/ENCRYPTED/.test(pem)) throw new UsageError(`${place} is no private key in PEM format`);
    if (!passphrase) {
      throw new UsageError(`${place} has a pass phrase; put it under the key ${PASS_PHRASE_KEY}`);
    }
    throw new UsageError(
      `${place} cannot be read with the pass phrase under ${PASS_PHRASE_KEY} ` +
        '(a line break at its end would count)',
    );
  }
}
