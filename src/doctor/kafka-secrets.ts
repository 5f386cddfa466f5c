/* The first steps of the Kafka side: what its connections need of secrets and config maps, and the access
 * token of a managed identity.
 */
import { OperatingError, UsageError } from '../base/errors.js';
import type { KafkaConnection } from '../config/model.js';
import {
  type AccessToken,
  type KafkaCredentials,
  readKafkaCredentials,
  withAccessToken,
} from '../secrets/kafka-credentials.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import { type Sealed, seal, unseal } from '../secrets/sealed.js';
import type { SecretSource } from '../secrets/secret-source.js';
import { readSystemCas, systemCaPlaces } from '../secrets/system-cas.js';
import { clientExpiryWarnings } from './certificates.js';
import type { Limits } from './end-point.js';
import type { Steps } from './report.js';

/**
 * Asks for a token, soon in vain after `signal` is aborted. Rejects with a UsageError or an OperatingError,
 * whose text is for people.
 */
export type TokenAsker = (audience: string, signal: AbortSignal) => Promise<AccessToken>;

export interface FoundKafkaSecrets {
  /** Undefined where something is missing. */
  readonly credentials: Sealed<KafkaCredentials> | undefined;
  /** What TLS needs of them, as who dials for MQTT has it. */
  readonly forTls: Sealed<MqttCredentials> | undefined;
}

const NOTHING: FoundKafkaSecrets = { credentials: undefined, forTls: undefined };

export async function readKafkaSecrets(
  steps: Steps,
  kafka: KafkaConnection,
  secrets: SecretSource,
  options: Limits & { readonly askToken: TokenAsker },
): Promise<FoundKafkaSecrets> {
  const { tls, authentication } = kafka;
  const subject = [
    tls?.caConfigMap && `ConfigMap ${tls.caConfigMap}`,
    'secretName' in authentication && `Secret ${authentication.secretName}`,
  ]
    .filter((name) => typeof name === 'string')
    .join(', ');
  try {
    const credentials = await readKafkaCredentials(kafka, secrets);
    const forTls = tls === undefined ? undefined : await tlsPart(credentials);
    if (subject !== '') steps.add('passed', 'secrets', subject, 'can be read');
    const { client } = unseal(credentials);
    for (const text of clientExpiryWarnings(client, options.clock.wallMs()))
      steps.add('warning', 'secrets', subject, text);
    return { credentials: await withToken(steps, kafka, credentials, options), forTls };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    steps.add('failed', 'secrets', subject, error.message);
    return NOTHING;
  }
}

async function tlsPart(credentials: Sealed<KafkaCredentials>): Promise<Sealed<MqttCredentials>> {
  const { caPem, client } = unseal(credentials);
  const trusted = caPem ?? (await readSystemCas(systemCaPlaces(process.env)));
  return seal<MqttCredentials>({ caPem: trusted, client });
}

/** Undefined where there is no token and there has to be one. */
async function withToken(
  steps: Steps,
  { authentication }: KafkaConnection,
  credentials: Sealed<KafkaCredentials>,
  { clock, timeoutMs, askToken }: Limits & { readonly askToken: TokenAsker },
): Promise<Sealed<KafkaCredentials> | undefined> {
  if (authentication.kind !== 'systemAssignedManagedIdentity') return credentials;
  const { audience } = authentication;
  try {
    const token = await askToken(audience, AbortSignal.timeout(timeoutMs));
    const minutes = Math.floor((token.expiresAtMs - clock.wallMs()) / 60_000);
    const text = `the managed identity gives one for ${token.principal}, good for ${minutes} minutes`;
    steps.add('passed', 'token', audience, text);
    return withAccessToken(credentials, token);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof OperatingError)) throw error;
    steps.add('failed', 'token', audience, error.message);
    return undefined;
  }
}
