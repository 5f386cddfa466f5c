/* IMDS, the Instance Metadata Service of virtual machines, scale sets and AKS nodes. Azure's documentation:
 * "How to use managed identities for Azure resources on an Azure VM to acquire an access token".
 *
 *   GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=...
 *   Metadata: true
 *
 * 200 has access_token, expires_on and expires_in, numbers as text. 404, 410 (an update, for 70 s at most),
 * 429 and 5xx pass by themselves; 400 stays until a person has done something.
 */
import type { EndPoint, Refusal } from './token-answer.js';

const DEFAULT_HOST = 'http://169.254.169.254';
const PATH = '/metadata/identity/oauth2/token';

/** @param host another than the documented one; undefined: that one */
export function imds(host: URL | undefined): EndPoint {
  const url = new URL(PATH, host ?? DEFAULT_HOST);
  return {
    url,
    place: `IMDS, the end point of Azure's virtual machines at ${url.origin}`,
    secrets: [],
    remedyOf,
    absent:
      'it was asked because the environment names no other: AZURE_FEDERATED_TOKEN_FILE (workload ' +
      'identity) and IDENTITY_ENDPOINT (App Service, Azure Arc) are not set; is this a machine in Azure?',
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
