/* IMDS, the Instance Metadata Service of virtual machines, scale sets and AKS nodes. Azure's documentation:
 * "How to use managed identities for Azure resources on an Azure VM to acquire an access token".
 *
 *   GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=...
 *   Metadata: true
 *
 * 200 has access_token, expires_on and expires_in, numbers as text. 404, 410 (an update, for 70 s at most),
 * 429 and 5xx pass by themselves; 400 stays until a person has done something.
 */
import type { Clock } from '../base/clock.js';
import type { TokenSource } from './issued-token.js';
import { ask, type EndPoint, type Refusal, tokenOf } from './token-answer.js';

const DEFAULT_HOST = 'http://169.254.169.254';
const PATH = '/metadata/identity/oauth2/token';
const API_VERSION = '2018-02-01';

export interface ImdsOptions {
  /** Another host than the documented one; undefined: that one. */
  readonly url: URL | undefined;
  readonly resource: string;
  readonly clock: Clock;
}

export function imds({ url: host, resource, clock }: ImdsOptions): TokenSource {
  const url = new URL(PATH, host ?? DEFAULT_HOST);
  const endPoint: EndPoint = {
    place: `IMDS, the end point of Azure's virtual machines at ${url.origin}`,
    secrets: [],
    remedyOf,
    absent:
      'it was asked because the environment names no other: AZURE_FEDERATED_TOKEN_FILE (workload ' +
      'identity) and IDENTITY_ENDPOINT (App Service, Azure Arc) are not set; is this a machine in Azure?',
  };
  url.searchParams.set('api-version', API_VERSION);
  url.searchParams.set('resource', resource);
  return {
    async issue(signal) {
      const asking = { endPoint, clock, signal };
      const headers = { metadata: 'true' };
      return tokenOf(await ask({ method: 'GET', url, headers }, asking), asking);
    },
  };
}

function remedyOf({ status, description }: Refusal): string | undefined {
  if (/identity not found|no managed identity/i.test(description)) {
    return 'turn on the system-assigned identity of this machine (in Azure, under Identity)';
  }
  if (/multiple user.assigned/i.test(description)) {
    return 'turn on the system-assigned identity: this machine has only user-assigned ones, and several';
  }
  if (status === 404) return 'it is being updated, or another service answers at this address';
  if (status === 410) return 'it is being updated, which takes 70 s at most';
  return undefined;
}
