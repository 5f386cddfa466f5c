/* Which files the values of a connection come from, to be watched. */
import type { KafkaConnection, MqttConnection } from '../config/model.js';
import type { Places } from './places-watch.js';
import { mountedFolder, type SecretSource } from './secret-source.js';
import { SERVICE_ACCOUNT_TOKEN_FILE } from './service-account-token.js';

type Connection = Pick<KafkaConnection | MqttConnection, 'tls' | 'authentication'>;

/** Not what documents hold, and not the CAs that the system trusts. */
export function placesOf({ tls, authentication }: Connection, source: SecretSource): Places {
  const folders = [
    tls?.caConfigMap && mountedFolder(source, 'ConfigMap', tls.caConfigMap),
    'secretName' in authentication && mountedFolder(source, 'Secret', authentication.secretName),
  ].filter((folder) => typeof folder === 'string');
  const tokenFile = source.serviceAccountTokenFile ?? SERVICE_ACCOUNT_TOKEN_FILE;
  return { folders, files: authentication.kind === 'kubernetes' ? [tokenFile] : [] };
}
