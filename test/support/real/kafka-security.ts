import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccessToken } from '../../../src/secrets/kafka-credentials.js';
import type { Kafka } from './kafka.js';

/* What `kafka up --secure` has besides its plain listener (test/real/servers/kafka-security.sh). */

const OFFSETS = {
  plain: 0,
  sasl: 1,
  tls: 2,
  mtls: 3,
  saslTls: 4,
  expired: 5,
  otherName: 6,
  oauth: 7,
  oauthTls: 8,
};
export type Listener = keyof typeof OFFSETS;

export const USER = 'alice';
export const PASSWORD = 'alice-secret';
export const CONNECTION_STRING =
  'Endpoint=sb://planted.example/;SharedAccessKeyName=all;SharedAccessKey=planted+key/0=';
export const PASS_PHRASE = 'phrase-secret';

/** How long a login lasts at saslTls, oauth and oauthTls: then a client has to log in again. */
export const REAUTH_MS = 4_000;

function portOf(kafka: Kafka): number {
  return Number(kafka.bootstrap.split(':')[1]);
}

export function addressOf(kafka: Kafka, listener: Listener): string {
  return `127.0.0.1:${portOf(kafka) + OFFSETS[listener]}`;
}

/** A token as oauth and oauthTls take any: a JSON web token that nobody signed. */
export function unsecuredToken(principal: string, lifeMs: number): AccessToken {
  const nowMs = Date.now();
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const expiresAtMs = nowMs + lifeMs;
  const claims = {
    sub: principal,
    iat: Math.floor(nowMs / 1000),
    exp: Math.ceil(expiresAtMs / 1000),
  };
  return { value: `${part({ alg: 'none' })}.${part(claims)}.`, expiresAtMs, principal };
}

/** Where the script's files are, as Kafka itself reads them. */
export function certificatePath(kafka: Kafka, name: string): string {
  return serverFile('kafka', portOf(kafka), name);
}

function serverFile(server: 'kafka' | 'mosquitto', port: number, name: string): string {
  return join(process.env.TMPDIR ?? '/tmp', `millrace-${server}-${port}`, 'tls', name);
}

/** One of the files that the script makes, such as `ca.pem` and `client.key`. */
export function certificateFile(kafka: Kafka, name: string): Promise<string> {
  return readFile(certificatePath(kafka, name), 'utf8');
}

/** One of the files that a server script has made for the server on this port. */
export function certificateOf(
  server: 'kafka' | 'mosquitto',
  port: number,
  name: string,
): Promise<string> {
  return readFile(serverFile(server, port, name), 'utf8');
}

export type Objects = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Writes secrets or config maps as Kubernetes mounts them; returns the folder for --secrets-dir. */
export async function mountObjects(folder: string, objects: Objects): Promise<string> {
  for (const [name, keys] of Object.entries(objects)) {
    await mkdir(join(folder, name), { recursive: true });
    for (const [key, value] of Object.entries(keys))
      await writeFile(join(folder, name, key), value);
  }
  return folder;
}
