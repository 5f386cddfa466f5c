/* Access tokens of one connector: where they come from, and who hears of them. */
import type { Clock } from '../base/clock.js';
import type { Connector } from '../config/model.js';
import type { TokenSource } from '../identity/issued-token.js';
import { TokenRenewal } from '../identity/token-renewal.js';
import type { ConnectorEvents } from '../metrics/events.js';
import { Backoff } from '../mqtt/backoff.js';
import type { AccessToken } from '../secrets/kafka-credentials.js';
import type { BridgeHealth } from './bridge-health.js';

/** Azure asks for a second at least, and answers soon once it can. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

/**
 * Where a connector gets its access tokens; undefined: it authenticates in another way. Rejects with a
 * UsageError where the environment names an end point that cannot be used.
 */
export async function openConnectorTokens(
  { kafka }: Connector,
  environment: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<TokenSource | undefined> {
  const { authentication } = kafka;
  if (authentication.kind !== 'systemAssignedManagedIdentity') return undefined;
  // Few connectors need it: the others do not load it.
  const { openTokenSource } = await import('../identity/token-source.js');
  return openTokenSource({ audience: authentication.audience, environment, clock });
}

export interface AccessTokensOptions {
  readonly source: TokenSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: ConnectorEvents;
  readonly health: BridgeHealth;
  /** A first token, or another. */
  readonly onToken: (token: AccessToken) => void;
}

/** Renews a connector's access token from `start` to `stop`; the bridge is not ready while it cannot. */
export function accessTokenRenewal(options: AccessTokensOptions): TokenRenewal {
  const { source, clock, random, events, health, onToken } = options;
  health.accessTokenTrouble('there is no access token yet');
  return new TokenRenewal({
    source,
    clock,
    random,
    backoff: new Backoff(RETRY_MS_MIN, RETRY_MS_MAX, random),
    onToken: (token) => {
      events.accessTokenIssued(token.expiresAtMs);
      onToken(token);
    },
    onTrouble: (text) => {
      events.accessTokenMissing(text);
      health.accessTokenTrouble(text);
    },
    onWell: () => {
      events.accessTokenWell();
      health.accessTokenTrouble(undefined);
    },
  });
}
