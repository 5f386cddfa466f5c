import { join } from 'node:path';
import { mountObjects, type Objects, PASS_PHRASE } from './kafka-security.js';

/* What a connector connects with, in the folders in which Kubernetes mounts it. */

/**
 * Writes `secrets` and all that a server script has made: the secrets client, encrypted (its key has the pass
 * phrase) and other-client (of a CA that the server does not know), and the config maps ca and other-ca.
 *
 * @param file the script's file of this name, as text
 * @returns the arguments for the command
 */
export async function mountAccess(
  folder: string,
  file: (name: string) => Promise<string>,
  secrets: Objects,
): Promise<string[]> {
  const client = { 'tls.crt': await file('client.pem'), 'tls.key': await file('client.key') };
  const secretsDir = await mountObjects(join(folder, 'secrets'), {
    client,
    encrypted: {
      ...client,
      'tls.key': await file('client-encrypted.key'),
      'tls.password': PASS_PHRASE,
    },
    'other-client': {
      'tls.crt': await file('other-client.pem'),
      'tls.key': await file('other-client.key'),
    },
    ...secrets,
  });
  const configMapsDir = await mountObjects(join(folder, 'config-maps'), {
    ca: { 'ca.pem': await file('ca.pem') },
    'other-ca': { 'ca.pem': await file('other-ca.pem') },
  });
  return ['--secrets-dir', secretsDir, '--config-maps-dir', configMapsDir];
}
