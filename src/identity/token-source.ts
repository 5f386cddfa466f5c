/* Where access tokens come from: one of Azure's four end points, chosen once by what Azure puts into the
 * environment. MSAL asks them, and looks at the environment of the process in the same order; here is said
 * what is wrong with it. Decision 024.
 */
import { accessSync, constants } from 'node:fs';
import type { Clock } from '../base/clock.js';
import { UsageError } from '../base/errors.js';
import { appService } from './app-service.js';
import { ARC_AGENT, azureArc } from './azure-arc.js';
import { endPointUrl } from './end-point-url.js';
import { imds } from './imds.js';
import type { TokenSource } from './issued-token.js';
import { managedIdentity } from './managed-identity.js';
import type { EndPoint } from './token-answer.js';
import { workloadIdentity } from './workload-identity.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where its agent is and no variable says so: services that systemd started before it lack them. */
const ARC_END_POINT = 'http://127.0.0.1:40342/metadata/identity/oauth2/token';

export interface TokenSourceOptions {
  /** `https://NAMESPACE.servicebus.windows.net`, as the resource says it. */
  readonly audience: string;
  /** That of the process, since MSAL reads no other. */
  readonly environment: Environment;
  readonly clock: Clock;
}

/**
 * The source that the environment names, in this order: workload identity, App Service, Azure Arc, and
 * IMDS where it names none. Asks nobody yet. Throws a UsageError where a variable is missing or wrong:
 * the environment stays as it is until a restart.
 */
export function openTokenSource(options: TokenSourceOptions): TokenSource {
  const { audience, environment, clock } = options;
  // Scopes are what Entra ID itself takes; the other three take the resource alone.
  const resource = audience.replace(/\/\.default$/, '');
  if (environment.AZURE_FEDERATED_TOKEN_FILE) {
    return workloadIdentity({ scope: `${resource}/.default`, environment, clock });
  }
  return managedIdentity({ endPoint: endPointOf(environment), resource, clock });
}

function endPointOf(environment: Environment): EndPoint {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER, IMDS_ENDPOINT } = environment;
  if (IDENTITY_ENDPOINT && IDENTITY_HEADER) {
    if (environment.IDENTITY_SERVER_THUMBPRINT) {
      throw new UsageError('managed identity: the end point of Service Fabric is not supported');
    }
    const url = endPointUrl('IDENTITY_ENDPOINT', IDENTITY_ENDPOINT);
    return appService(url, headerValue(IDENTITY_HEADER));
  }
  if (environment.MSI_ENDPOINT) {
    throw new UsageError(
      'managed identity: MSI_ENDPOINT is set without IDENTITY_ENDPOINT and IDENTITY_HEADER, as in Cloud Shell ' +
        'and Azure Machine Learning, whose end points are not supported; elsewhere, unset it',
    );
  }
  if (IDENTITY_ENDPOINT && IMDS_ENDPOINT) {
    return azureArc(endPointUrl('IDENTITY_ENDPOINT', IDENTITY_ENDPOINT));
  }
  if (IDENTITY_ENDPOINT) {
    throw new UsageError(
      'managed identity: IDENTITY_ENDPOINT is set without IDENTITY_HEADER, as App Service has it, and ' +
        'without IMDS_ENDPOINT, as Azure Arc has it; set the one that belongs to it, or unset it',
    );
  }
  if (isReadable(ARC_AGENT)) return azureArc(new URL(ARC_END_POINT));
  const host = environment.AZURE_POD_IDENTITY_AUTHORITY_HOST;
  return imds(host ? endPointUrl('AZURE_POD_IDENTITY_AUTHORITY_HOST', host) : undefined);
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function headerValue(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new UsageError('managed identity: IDENTITY_HEADER has characters that no header may have');
}
