/* What a connection to Kafka needs of secrets and config maps. */
import type { KafkaConnection } from '../config/model.js';
import {
  type ClientCertificate,
  type Login,
  readCa,
  readClient,
  readLogin,
} from './credential-parts.js';
import { type Sealed, seal, unseal } from './sealed.js';
import type { SecretSource } from './secret-source.js';

export interface KafkaCredentials {
  /** CA certificates in PEM format; undefined: those that the system trusts. */
  readonly caPem?: string | undefined;
  readonly login?: Login | undefined;
  readonly client?: ClientCertificate | undefined;
  /** For SASL OAUTHBEARER; undefined until there is a first one. */
  readonly token?: AccessToken | undefined;
}

export interface AccessToken {
  readonly value: string;
  /** Since 1970. */
  readonly expiresAtMs: number;
  /** Whom it is for, as logs of librdkafka name it. */
  readonly principal: string;
}

/** Rejects with a UsageError that names object and key where one is missing or cannot be used. */
export async function readKafkaCredentials(
  { tls, authentication }: Pick<KafkaConnection, 'tls' | 'authentication'>,
  source: SecretSource,
): Promise<Sealed<KafkaCredentials>> {
  const caConfigMap = tls?.caConfigMap;
  const { kind } = authentication;
  return seal<KafkaCredentials>({
    caPem: caConfigMap === undefined ? undefined : await readCa(caConfigMap, 'Kafka', source),
    login: kind === 'sasl' ? await readLogin(authentication.secretName, source) : undefined,
    client: kind === 'x509' ? await readClient(authentication.secretName, source) : undefined,
  });
}

/** The same credentials with another access token, or a first one. */
export function withAccessToken(
  credentials: Sealed<KafkaCredentials>,
  token: AccessToken,
): Sealed<KafkaCredentials> {
  return seal<KafkaCredentials>({ ...unseal(credentials), token });
}
