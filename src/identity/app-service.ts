/* The end point of App Service, Azure Functions and Container Apps. Azure's documentation: "How to use
 * managed identities for App Service and Azure Functions", "REST endpoint reference".
 *
 *   GET $IDENTITY_ENDPOINT?api-version=2019-08-01&resource=...
 *   X-IDENTITY-HEADER: $IDENTITY_HEADER
 *
 * 200 has access_token and expires_on, a number as text. A refusal has statusCode and message.
 */
import type { EndPoint, Refusal } from './token-answer.js';

/** @param secret keeps others from asking in our name, through a server that follows their links */
export function appService(url: URL, secret: string): EndPoint {
  return {
    url,
    place: `the end point of App Service at ${url.origin}${url.pathname}`,
    secrets: [secret],
    remedyOf,
    absent: 'IDENTITY_ENDPOINT and IDENTITY_HEADER name it; are they of this very app?',
  };
}

function remedyOf({ status, description }: Refusal): string | undefined {
  if (/AADSTS/.test(description)) return undefined;
  if (status === 400)
    return 'turn on the system-assigned identity of the app (in Azure, under Identity)';
  if (status === 401 || status === 403) return 'IDENTITY_HEADER must be that of this very process';
  return undefined;
}
