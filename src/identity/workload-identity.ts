/* Workload identity of AKS, and of any Kubernetes with its webhook: Entra ID gives an access token for the
 * token of a service account. Azure's documentation: "Microsoft identity platform and the OAuth 2.0 client
 * credentials flow", third case, "Access token request with a federated credential".
 *
 *   POST $AZURE_AUTHORITY_HOST/$AZURE_TENANT_ID/oauth2/v2.0/token
 *   Content-Type: application/x-www-form-urlencoded
 *   client_id=$AZURE_CLIENT_ID&scope=AUDIENCE/.default&grant_type=client_credentials
 *   &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer
 *   &client_assertion=<what is in $AZURE_FEDERATED_TOKEN_FILE>
 *
 * 200 has access_token and expires_in, a refusal error and error_description with a number AADSTS...
 * The file is read anew for each request, because Kubernetes replaces it within the hour.
 */
import type { Clock } from '../base/clock.js';
import { UsageError } from '../base/errors.js';
import { endPointUrl } from './end-point-url.js';
import { TokenError, type TokenSource } from './issued-token.js';
import { readSmallFile } from './small-file.js';
import { ask, type EndPoint, type Refusal, tokenOf } from './token-answer.js';

const PUBLIC_CLOUD = 'https://login.microsoftonline.com/';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ASSERTION_BYTES_MAX = 64 * 1024;

export interface WorkloadIdentityOptions {
  readonly scope: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

/** Throws a UsageError where a variable is missing or wrong. */
export function workloadIdentity(options: WorkloadIdentityOptions): TokenSource {
  const { scope, environment, clock } = options;
  const path = required(environment, 'AZURE_FEDERATED_TOKEN_FILE', /^[^\0]+$/);
  const clientId = required(environment, 'AZURE_CLIENT_ID', /^[\w.-]+$/);
  const tenantId = required(environment, 'AZURE_TENANT_ID', /^[\w.-]+$/);
  const host = environment.AZURE_AUTHORITY_HOST || PUBLIC_CLOUD;
  // The token of the service account would be anybody's over http.
  const authority = endPointUrl('AZURE_AUTHORITY_HOST', host, ['https:']);
  const folder = authority.pathname.replace(/\/*$/, '/');
  const url = new URL(`${folder}${tenantId}/oauth2/v2.0/token`, authority);
  const endPoint: EndPoint = {
    place: `Entra ID at ${url.origin}${url.pathname}`,
    secrets: [],
    remedyOf,
    absent: 'workload identity needs a way out to it; no proxy is used',
  };
  return {
    async issue(signal) {
      const assertion = await readAssertion(path);
      const asking = { endPoint: { ...endPoint, secrets: [assertion] }, clock, signal };
      const form = new URLSearchParams({
        client_id: clientId,
        scope,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: assertion,
        grant_type: 'client_credentials',
      });
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      };
      return tokenOf(await ask({ method: 'POST', url, headers, body: `${form}` }, asking), asking);
    },
  };
}

function required(
  environment: WorkloadIdentityOptions['environment'],
  name: string,
  pattern: RegExp,
): string {
  const value = environment[name];
  if (value && pattern.test(value)) return value;
  const what = value ? 'is set to something else than' : 'is not set:';
  throw new UsageError(
    `managed identity: AZURE_FEDERATED_TOKEN_FILE asks for workload identity, but ${name} ${what} what the ` +
      'webhook of workload identity sets; is the label azure.workload.identity/use: "true" on the pod, and ' +
      "the client's identifier on its service account?",
  );
}

async function readAssertion(path: string): Promise<string> {
  const place = `workload identity: AZURE_FEDERATED_TOKEN_FILE names ${path}, which`;
  const text = await readSmallFile(path, ASSERTION_BYTES_MAX).catch((error) => {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new TokenError(
      `${place} cannot be read (${code}); the webhook of workload identity mounts it into the pod`,
    );
  });
  if (text !== undefined && /^[A-Za-z0-9._-]+$/.test(text)) return text;
  throw new TokenError(`${place} holds no token; it is to hold that of the pod's service account`);
}

/** By the numbers of Azure's "Microsoft Entra authentication and authorization error codes". */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /AADSTS(70021|7002[0-9]{2})\b/,
    'the federated credential of the client must have the issuer, the subject ' +
      '(system:serviceaccount:NAMESPACE:NAME) and the audience (api://AzureADTokenExchange) of the token in the file',
  ],
  [/AADSTS700016\b/, 'AZURE_CLIENT_ID is no client that the tenant AZURE_TENANT_ID knows'],
  [/AADSTS(90002|900023)\b/, 'AZURE_TENANT_ID is no tenant that is known there'],
  [/AADSTS700024\b/, 'the token in the file has expired, or the clock of this machine is wrong'],
];

function remedyOf({ description }: Refusal): string | undefined {
  return REMEDIES.find(([pattern]) => pattern.test(description))?.[1];
}
