/* What a connection to an MQTT broker needs of secrets, config maps and the service account. */
import { UsageError } from '../base/errors.js';
import type { MqttAuthentication, MqttConnection } from '../config/model.js';
import {
  type ClientCertificate,
  type Login,
  readCa,
  readClient,
  readLogin,
} from './credential-parts.js';
import { type Sealed, seal, unseal } from './sealed.js';
import type { SecretSource } from './secret-source.js';
import { readServiceAccountToken, SERVICE_ACCOUNT_TOKEN_FILE } from './service-account-token.js';
import { readSystemCas, systemCaPlaces } from './system-cas.js';

export interface MqttCredentials {
  /** The CA certificates that the server's may be of, in PEM format; undefined: there is no TLS. */
  readonly caPem?: string | undefined;
  readonly login?: Login | undefined;
  readonly client?: ClientCertificate | undefined;
  readonly serviceAccountToken?: string | undefined;
}

/** Of user names and passwords: MQTT 5, sections 1.5.4 and 1.5.6. */
const FIELD_BYTES_MAX = 65_535;

/**
 * What the connection needs as of now: asked again, it tells what is new. Rejects with a UsageError that
 * names object and key where one is missing or cannot be used.
 *
 * @param before what it was when it was asked last: a token that was there and is gone is missing, since
 *   the file of one that is being replaced may be gone for a moment
 */
export async function readMqttCredentials(
  { tls, authentication }: Pick<MqttConnection, 'tls' | 'authentication'>,
  source: SecretSource,
  before: Sealed<MqttCredentials> = seal<MqttCredentials>({}),
): Promise<Sealed<MqttCredentials>> {
  const { kind } = authentication;
  const hadToken = unseal(before).serviceAccountToken !== undefined;
  return seal<MqttCredentials>({
    caPem: tls === undefined ? undefined : await readTrusted(tls.caConfigMap, source),
    login: kind === 'usernamePassword' ? await readMqttLogin(authentication, source) : undefined,
    client: kind === 'x509' ? await readClient(authentication.secretName, source) : undefined,
    serviceAccountToken:
      kind === 'kubernetes'
        ? await readToken(authentication.required || hadToken, source)
        : undefined,
  });
}

async function readTrusted(caConfigMap: string | undefined, source: SecretSource): Promise<string> {
  if (caConfigMap !== undefined) return await readCa(caConfigMap, 'the MQTT broker', source);
  return await readSystemCas(systemCaPlaces(process.env));
}

async function readMqttLogin(
  { secretName }: Extract<MqttAuthentication, { kind: 'usernamePassword' }>,
  source: SecretSource,
): Promise<Login> {
  const login = await readLogin(secretName, source);
  for (const [key, value] of Object.entries(login)) {
    if (Buffer.byteLength(value) <= FIELD_BYTES_MAX) continue;
    throw new UsageError(`Secret ${secretName}, key ${key} is longer than MQTT can carry`);
  }
  return login;
}

async function readToken(isRequired: boolean, source: SecretSource): Promise<string | undefined> {
  const path = source.serviceAccountTokenFile ?? SERVICE_ACCOUNT_TOKEN_FILE;
  const token = await readServiceAccountToken(path);
  if (token !== undefined || !isRequired) return token;
  throw new UsageError(
    `authentication.kubernetes needs a service account token, and there is no ${path}; mount a ` +
      'projected volume with one, or name its file with --service-account-token-file',
  );
}
