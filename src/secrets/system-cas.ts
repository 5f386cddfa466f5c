/* The CAs that this machine trusts. Node.js has a list of its own, made when it was built: neither what
 * an administrator adds to the system's counts there, nor what he takes away. So the system's is read,
 * from where librdkafka looks for it too (`probe` in its rdkafka_ssl.c).
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../base/errors.js';

/** By distribution: Red Hat, SUSE, Alpine and BSD, Debian, those that were built by hand. */
const BUNDLES = [
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/certs/ca-bundle.crt',
  '/etc/pki/tls/certs/ca-bundle.trust.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/ssl/cert.pem',
  '/etc/ssl/cacert.pem',
  '/etc/certs/ca-certificates.crt',
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/certs',
  '/usr/local/etc/ssl/cert.pem',
  '/usr/local/etc/ssl/cacert.pem',
  '/usr/local/etc/ssl/certs/cert.pem',
  '/usr/local/etc/ssl/certs/cacert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
  '/etc/openssl/certs/ca-certificates.crt',
] as const;

const BUNDLE_BYTES_MAX = 8 * 1024 * 1024;
const FILES_MAX = 2_000;
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/;
const REMEDY = 'install ca-certificates, or name a config map with the CA as tls.caConfigMap';

/** Where to look; the first of `places` that has certificates counts, where the environment names none. */
export interface CaPlaces {
  /** SSL_CERT_FILE, else SSL_CERT_DIR. */
  readonly named: string | undefined;
  readonly places: readonly string[];
}

export function systemCaPlaces(environment: NodeJS.ProcessEnv): CaPlaces {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = environment;
  return { named: SSL_CERT_FILE || SSL_CERT_DIR || undefined, places: BUNDLES };
}

/** All of them, in PEM format. Rejects with a UsageError where there are none to be found. */
export async function readSystemCas({ named, places }: CaPlaces): Promise<string> {
  for (const place of named === undefined ? places : [named]) {
    const found = await readPlace(place);
    if (CERTIFICATE.test(found)) return found;
  }
  throw new UsageError(
    named === undefined
      ? `this machine has no CA certificates, which TLS needs; ${REMEDY}`
      : `${named}, which SSL_CERT_FILE or SSL_CERT_DIR names, has no CA certificate; ${REMEDY}`,
  );
}

/** What there is, and nothing where it cannot be read: another place may have it. */
async function readPlace(place: string): Promise<string> {
  try {
    const found = await stat(place);
    if (!found.isDirectory()) return found.size > BUNDLE_BYTES_MAX ? '' : await readText(place);
    return await readFolder(place);
  } catch {
    return '';
  }
}

/** A folder has each of them more than once: as a file and under the hash of its name. */
async function readFolder(folder: string): Promise<string> {
  const texts = new Set<string>();
  let bytes = 0;
  for (const name of (await readdir(folder)).sort().slice(0, FILES_MAX)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() !== true || bytes + found.size > BUNDLE_BYTES_MAX) continue;
    bytes += found.size;
    const text = await readText(path);
    if (CERTIFICATE.test(text)) texts.add(text);
  }
  return [...texts].join('\n');
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8');
}
