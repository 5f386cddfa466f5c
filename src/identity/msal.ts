/* MSAL, Microsoft's library for Entra ID and managed identities, and how all of ours use it. Decision 024. */
import { createRequire } from 'node:module';
import type { NodeSystemOptions } from '@azure/msal-node';

const require = createRequire(import.meta.url);

/** With the first token that is asked for: it takes 13 MB of memory, of which other bridges have no use. */
export function loadMsal(): typeof import('@azure/msal-node') {
  return require('@azure/msal-node');
}

/** It tries once, since how long to wait is for TokenRenewal to say, and logs nothing, not even to nobody. */
export const MSAL_SYSTEM: NodeSystemOptions = {
  disableInternalRetries: true,
  // 0 is LogLevel.Error.
  loggerOptions: { loggerCallback: () => {}, logLevel: 0, piiLoggingEnabled: false },
};
