/* Tokens of the system-assigned identity, by MSAL's ManagedIdentityApplication. It chooses an end point by
 * the environment of the process, when it is asked for the first time, and keeps that and the first network
 * client for all others, so there is one for the process that sends each request within its own exchange.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { INetworkModule } from '@azure/msal-node';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { TokenSource } from './issued-token.js';
import { loadMsal, MSAL_SYSTEM } from './msal.js';
import type { EndPoint } from './token-answer.js';
import { TokenExchange } from './token-exchange.js';

const exchanges = new AsyncLocalStorage<TokenExchange>();
let exchangesOpen = 0;

const networkClient: INetworkModule = {
  sendGetRequestAsync: (url, options) => currentExchange().sendGetRequestAsync(url, options),
  sendPostRequestAsync: (url, options) => currentExchange().sendPostRequestAsync(url, options),
};

export interface ManagedIdentityOptions {
  /** The one that MSAL chooses too. */
  readonly endPoint: EndPoint;
  readonly resource: string;
  readonly clock: Clock;
}

export function managedIdentity(options: ManagedIdentityOptions): TokenSource {
  const { endPoint, resource, clock } = options;
  return {
    issue(signal) {
      const { ManagedIdentityApplication } = loadMsal();
      const application = new ManagedIdentityApplication({
        system: { ...MSAL_SYSTEM, networkClient },
      });
      const exchange = new TokenExchange({ endPoint, clock, signal });
      // What it has in its cache is what we have, and want another for.
      const request = { resource, forceRefresh: true };
      return within(exchange, () => exchange.run(() => application.acquireToken(request)));
    },
  };
}

async function within<T>(exchange: TokenExchange, run: () => Promise<T>): Promise<T> {
  exchangesOpen++;
  try {
    return await exchanges.run(exchange, run);
  } finally {
    exchangesOpen--;
    // As long as it is in use, each promise of this thread costs more.
    if (exchangesOpen === 0) exchanges.disable();
  }
}

function currentExchange(): TokenExchange {
  const exchange = exchanges.getStore();
  assert(exchange !== undefined, 'MSAL sends within an exchange');
  return exchange;
}
