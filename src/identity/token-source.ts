/* Where access tokens come from: one of Azure's four end points, chosen once by what Azure puts into the
 * environment. Decision 020 says why these are small clients of our own.
 */
import { existsSync } from 'node:fs';
import type { Clock } from '../base/clock.js';
import { UsageError } from '../base/errors.js';
import { appService } from './app-service.js';
import { azureArc } from './azure-arc.js';
import { endPointUrl } from './end-point-url.js';
import { imds } from './imds.js';
import type { TokenSource } from './issued-token.js';
import { workloadIdentity } from './workload-identity.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The agent of Azure Arc on Linux; services that systemd started before it lack its variables. */
const ARC_AGENT = '/opt/azcmagent/bin/himds';
const ARC_END_POINT = 'http://localhost:40342/metadata/identity/oauth2/token';

export interface TokenSourceOptions {
  /** `https://NAMESPACE.servicebus.windows.net`, as the resource says it. */
  readonly audience: string;
  readonly environment: Environment;
  readonly clock: Clock;
  /** Whether there is such a file. */
  readonly exists?: (path: string) => boolean;
}

/**
 * The source that the environment names, in this order: workload identity, App Service, Azure Arc, and
 * IMDS where it names none. Asks nobody yet. Throws a UsageError where a variable is missing or wrong:
 * the environment stays as it is until a restart.
 */
export function openTokenSource(options: TokenSourceOptions): TokenSource {
  const { audience, environment, clock, exists = existsSync } = options;
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER, IMDS_ENDPOINT } = environment;
  // Scopes are what Entra ID itself takes; the other three take the resource alone.
  const resource = audience.replace(/\/\.default$/, '');
  if (environment.AZURE_FEDERATED_TOKEN_FILE) {
    return workloadIdentity({ scope: `${resource}/.default`, environment, clock });
  }
  if (IDENTITY_ENDPOINT && IDENTITY_HEADER) {
    if (environment.IDENTITY_SERVER_THUMBPRINT) {
      throw new UsageError('managed identity: the end point of Service Fabric is not supported');
    }
    const url = endPointUrl('IDENTITY_ENDPOINT', IDENTITY_ENDPOINT);
    return appService({ url, secret: headerValue(IDENTITY_HEADER), resource, clock });
  }
  if (IDENTITY_ENDPOINT && IMDS_ENDPOINT) {
    const url = endPointUrl('IDENTITY_ENDPOINT', IDENTITY_ENDPOINT);
    return azureArc({ url, resource, clock });
  }
  if (IDENTITY_ENDPOINT) {
    throw new UsageError(
      'managed identity: IDENTITY_ENDPOINT is set without IDENTITY_HEADER, as App Service has it, and ' +
        'without IMDS_ENDPOINT, as Azure Arc has it; set the one that belongs to it, or unset it',
    );
  }
  if (exists(ARC_AGENT)) return azureArc({ url: new URL(ARC_END_POINT), resource, clock });
  const host = environment.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  const url = host ? endPointUrl('AZURE_POD_IDENTITY_AUTHORITY_HOST', host) : undefined;
  return imds({ url, resource, clock });
}

function headerValue(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new UsageError('managed identity: IDENTITY_HEADER has characters that no header may have');
}
