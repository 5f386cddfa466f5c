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
 * may have the token. Who answers must not be able to have any other file read. MSAL, which reads it in
 * the end, follows links, waits for pipes and does not say why a file cannot be read: so it is looked at
 * before.
 */
import { constants } from 'node:fs';
import { dirname, normalize } from 'node:path';
import type { Answer } from './bounded-request.js';
import { TokenError } from './issued-token.js';
import { readSmallFile } from './small-file.js';
import type { EndPoint, Proof, Refusal } from './token-answer.js';

/** Where MSAL looks for the agent and for its keys. */
export const ARC_AGENT = '/opt/azcmagent/bin/himds';
export const ARC_TOKENS_FOLDER = '/var/opt/azcmagent/tokens';
/** As the libraries of Azure have it. */
const KEY_BYTES_MAX = 4096;

export function azureArc(address: URL): EndPoint {
  const url = new URL(address);
  // As MSAL does it: the agent listens nowhere else.
  if (url.hostname === 'localhost') url.hostname = '127.0.0.1';
  const place = `the end point of Azure Arc at ${url.origin}${url.pathname}`;
  return {
    url,
    place,
    secrets: [],
    remedyOf,
    absent: 'is the agent at work? azcmagent show',
    prove: (challenge) => prove(challenge, place),
  };
}

/** The file that the challenge names, and what it holds. */
async function prove(challenge: Answer, place: string): Promise<Proof> {
  const header = challenge.headers['www-authenticate'] ?? '';
  const path = /^Basic realm="?([^"\s]+)"?$/i.exec(header)?.[1];
  if (path === undefined) {
    throw new TokenError(
      `${place}, asks for no proof that is known (HTTP 401 without Basic realm=FILE)`,
    );
  }
  if (dirname(path) !== ARC_TOKENS_FOLDER || normalize(path) !== path || !path.endsWith('.key')) {
    throw new TokenError(
      `${place}, asks for a file that is not one of its keys, ${ARC_TOKENS_FOLDER}/NAME.key; nothing was read`,
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
  if (key !== undefined && /^[\x21-\x7e]+$/.test(key)) return { path, key };
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
