import type { KafkaConnection } from '../../src/config/model.js';
import { plainAccess } from '../../src/kafka/security-properties.js';
import { seal } from '../../src/secrets/sealed.js';
import type { InlineObjects, SecretSource } from '../../src/secrets/secret-source.js';

/** A connection that needs no TLS and no login. */
export function plainKafka(bootstrapServers: string): KafkaConnection {
  return plainAccess(bootstrapServers).kafka;
}

export const NO_CREDENTIALS = plainAccess('').kafkaCredentials;

export const NO_SECRETS: SecretSource = {
  secretsDir: undefined,
  configMapsDir: undefined,
  serviceAccountTokenFile: undefined,
  inline: seal<InlineObjects>({ Secret: {}, ConfigMap: {} }),
};
