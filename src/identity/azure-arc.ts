/* The end point of Azure Arc's agent, for machines outside Azure. Azure's documentation: "Authenticate
 * against Azure resources with Azure Arc-enabled servers".
 *
 *   GET http://localhost:40342/metadata/identity/oauth2/token?api-version=2020-06-01&resource=...
 *   Metadata: true
 * -> 401, WWW-Authenticate: Basic realm=/var/opt/azcmagent/tokens/NAME.key
 *   the same again, with
 *   Authorization: Basic <what is in that file>
 * -> 200 with access_token, expires_on and expires_in, numbers as text
 *
 * Only the agent writes that folder and only root and the group himds read it: so a process proves that it
 * may have the token. Who answers must not be able to have any other file read.
 */
import { constants } from 'node:fs';
import { dirname, normalize } from 'node:path';
import type { Clock } from '../base/clock.js';
import type { Answer } from './bounded-request.js';
import { TokenError, type TokenSource } from './issued-token.js';
import { readSmallFile } from './small-file.js';
import { ask, type EndPoint, type Refusal, tokenOf } from './token-answer.js';

const API_VERSION = '2020-06-01';
const TOKENS_FOLDER = '/var/opt/azcmagent/tokens';
/** As the libraries of Azure have it. */
const KEY_BYTES_MAX = 4096;

export interface AzureArcOptions {
  readonly url: URL;
  readonly resource: string;
  readonly clock: Clock;
  /** Where the agent writes its keys; another one in tests. */
  readonly tokensFolder?: string;
}

export function azureArc(options: AzureArcOptions): TokenSource {
  const { url: address, resource, clock, tokensFolder = TOKENS_FOLDER } = options;
  const url = new URL(address);
  url.searchParams.set('api-version', API_VERSION);
  url.searchParams.set('resource', resource);
  const endPoint: EndPoint = {
    place: `the end point of Azure Arc at ${url.origin}${url.pathname}`,
    secrets: [],
    remedyOf,
    absent: 'is the agent at work? azcmagent show',
  };
  return {
    async issue(signal) {
      const asking = { endPoint, clock, signal };
      const headers = { metadata: 'true' };
      const challenge = await ask({ method: 'GET', url, headers }, asking);
      if (challenge.status !== 401) return tokenOf(challenge, asking);
      const key = await readKey(challenge, tokensFolder, endPoint);
      const proof = { ...headers, authorization: `Basic ${key}` };
      const answer = await ask({ method: 'GET', url, headers: proof }, asking);
      return tokenOf(answer, { ...asking, endPoint: { ...endPoint, secrets: [key] } });
    },
  };
}

/** What the file that the challenge names holds. */
async function readKey(challenge: Answer, folder: string, { place }: EndPoint): Promise<string> {
  const path = /^Basic realm="?([^"\s]+)"?$/i.exec(
    challenge.headers['www-authenticate'] ?? '',
  )?.[1];
  if (path === undefined) {
    throw new TokenError(
      `${place}, asks for no proof that is known (HTTP 401 without Basic realm=FILE)`,
    );
  }
  if (dirname(path) !== folder || normalize(path) !== path || !path.endsWith('.key')) {
    throw new TokenError(
      `${place}, asks for a file that is not one of its keys, ${folder}/NAME.key; nothing was read`,
    );
  }
  const key = await readSmallFile(path, KEY_BYTES_MAX, constants.O_NOFOLLOW).catch((error) => {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    const isDenied = code === 'EACCES' || code === 'EPERM';
    const remedy = isDenied
      ? 'put the user that Millrace runs as into the group himds, and start it anew'
      : 'is the agent well? azcmagent show';
    throw new TokenError(`${place}, asks for ${path}, which cannot be read (${code}); ${remedy}`);
  });
  if (key !== undefined && /^[\x21-\x7e]+$/.test(key)) return key;
  throw new TokenError(
    `${place}, asks for ${path}, which holds no key; is the agent well? azcmagent show`,
  );
}

function remedyOf({ status, description }: Refusal): string | undefined {
  if (/AADSTS/.test(description)) return undefined;
  if (status === 401 || status === 403)
    return 'its key may just have changed; else: azcmagent show';
  if (status === 400 || status === 404) return 'is this machine connected to Azure? azcmagent show';
  return undefined;
}
