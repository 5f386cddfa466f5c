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
 * The file is read anew for each request, because Kubernetes replaces it within the hour. MSAL is told all
 * that it would look up otherwise, so that nobody else is asked.
 */
import type { Clock } from '../base/clock.js';
import { UsageError } from '../base/errors.js';
import { endPointUrl } from './end-point-url.js';
import { TokenError, type TokenSource } from './issued-token.js';
import { loadMsal, MSAL_SYSTEM } from './msal.js';
import { readSmallFile } from './small-file.js';
import type { EndPoint, Refusal } from './token-answer.js';
import { TokenExchange } from './token-exchange.js';

const PUBLIC_CLOUD = 'https://login.microsoftonline.com/';
const ASSERTION_BYTES_MAX = 64 * 1024;
/** Those of Entra ID that stand for many tenants have no service accounts. */
const TENANT = /^(?!(?:common|organizations|consumers)$)[\w.-]+$/i;

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
  const tenantId = required(environment, 'AZURE_TENANT_ID', TENANT);
  const host = environment.AZURE_AUTHORITY_HOST || PUBLIC_CLOUD;
  // The token of the service account would be anybody's over http.
  const authority = endPointUrl('AZURE_AUTHORITY_HOST', host, ['https:']);
  const folder = authority.pathname.replace(/\/*$/, '/');
  const url = new URL(`${folder}${tenantId}/oauth2/v2.0/token`, authority);
  const endPoint: EndPoint = {
    url,
    place: `Entra ID at ${url.origin}${url.pathname}`,
    secrets: [],
    remedyOf,
    absent: 'workload identity needs a way out to it; no proxy is used',
  };
  return {
    async issue(signal) {
      const assertion = await readAssertion(path);
      const asked = { ...endPoint, secrets: [assertion] };
      const exchange = new TokenExchange({ endPoint: asked, clock, signal });
      const { ConfidentialClientApplication } = loadMsal();
      // One for each token, since it keeps both what it is given here and the token.
      const application = new ConfidentialClientApplication({
        auth: { clientId, clientAssertion: assertion, ...authorityOf(url, tenantId) },
        system: { ...MSAL_SYSTEM, networkClient: exchange },
      });
      return exchange.run(() => application.acquireTokenByClientCredential({ scopes: [scope] }));
    },
  };
}

/** What MSAL is to know of the authority, or it asks `login.microsoftonline.com` and the authority for it. */
function authorityOf(url: URL, tenantId: string) {
  const { host, origin } = url;
  const authority = `${origin}/${tenantId}`;
  return {
    authority,
    knownAuthorities: [host],
    cloudDiscoveryMetadata: JSON.stringify({
      tenant_discovery_endpoint: `${authority}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    }),
    authorityMetadata: JSON.stringify({
      token_endpoint: url.href,
      authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
      issuer: `${authority}/v2.0`,
      jwks_uri: `${authority}/discovery/v2.0/keys`,
    }),
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
