/* The end point of App Service, Azure Functions and Container Apps. Azure's documentation: "How to use
 * managed identities for App Service and Azure Functions", "REST endpoint reference".
 *
 *   GET $IDENTITY_ENDPOINT?api-version=2019-08-01&resource=...
 *   X-IDENTITY-HEADER: $IDENTITY_HEADER
 *
 * 200 has access_token and expires_on, a number as text. A refusal has statusCode and message.
 */
import type { Clock } from '../base/clock.js';
import type { TokenSource } from './issued-token.js';
import { ask, type EndPoint, type Refusal, tokenOf } from './token-answer.js';

const API_VERSION = '2019-08-01';

export interface AppServiceOptions {
  readonly url: URL;
  /** It keeps others from asking in our name, through a server that follows their links. */
  readonly secret: string;
  readonly resource: string;
  readonly clock: Clock;
}

export function appService(options: AppServiceOptions): TokenSource {
  const { url: address, secret, resource, clock } = options;
  const url = new URL(address);
  url.searchParams.set('api-version', API_VERSION);
  url.searchParams.set('resource', resource);
  const endPoint: EndPoint = {
    place: `the end point of App Service at ${url.origin}${url.pathname}`,
    secrets: [secret],
    remedyOf,
    absent: 'IDENTITY_ENDPOINT and IDENTITY_HEADER name it; are they of this very app?',
  };
  return {
    async issue(signal) {
      const asking = { endPoint, clock, signal };
      const headers = { 'x-identity-header': secret };
      return tokenOf(await ask({ method: 'GET', url, headers }, asking), asking);
    },
  };
}

function remedyOf({ status, description }: Refusal): string | undefined {
  if (/AADSTS/.test(description)) return undefined;
  if (status === 400)
    return 'turn on the system-assigned identity of the app (in Azure, under Identity)';
  if (status === 401 || status === 403) return 'IDENTITY_HEADER must be that of this very process';
  return undefined;
}
