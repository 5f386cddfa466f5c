/* The token of the pod's service account, which Kubernetes puts into a file and renews there. */
import { open } from 'node:fs/promises';
import { UsageError } from '../base/errors.js';

/** Where the pods of Azure IoT MQ have it, for its clients. */
export const SERVICE_ACCOUNT_TOKEN_FILE = '/var/run/secrets/tokens/mq-sat';

/** What CONNECT can carry, section 1.5.6. */
const TOKEN_BYTES_MAX = 65_535;
/** A JSON Web Token, or what else a server may take: what can stand in an HTTP header. */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * The token without white space around it, which no token has. Undefined where there is no such file.
 * Rejects with a UsageError where the file has no token in it.
 */
export async function readServiceAccountToken(path: string): Promise<string | undefined> {
  const bytes = await readBounded(path);
  if (bytes === undefined) return undefined;
  const token = bytes.toString('latin1').trim();
  if (bytes.length <= TOKEN_BYTES_MAX && TOKEN.test(token)) return token;
  const what = token === '' ? 'is empty' : 'holds no token';
  throw new UsageError(`the service account token file ${path} ${what}`);
}

/** One byte more than may be, at most; undefined where there is no file. */
async function readBounded(path: string): Promise<Buffer | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(TOKEN_BYTES_MAX + 1);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UsageError(`the service account token file ${path} cannot be read (${code})`);
  }
}
