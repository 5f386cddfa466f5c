import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Clock } from '../../src/base/clock.js';
import { ARC_AGENT, ARC_TOKENS_FOLDER } from '../../src/identity/azure-arc.js';
import type { TokenSource } from '../../src/identity/issued-token.js';
import { type Environment, openTokenSource } from '../../src/identity/token-source.js';

/* This process as one that Azure has just started: MSAL reads the environment of the process and fixed
 * folders, and keeps what it chose. */

const NAMES = [
  ...['AZURE_FEDERATED_TOKEN_FILE', 'AZURE_CLIENT_ID', 'AZURE_TENANT_ID', 'AZURE_AUTHORITY_HOST'],
  ...['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'IDENTITY_SERVER_THUMBPRINT', 'IMDS_ENDPOINT'],
  ...['MSI_ENDPOINT', 'MSI_SECRET', 'AZURE_POD_IDENTITY_AUTHORITY_HOST'],
];

const require = createRequire(import.meta.url);

export interface AzureProcess {
  readonly environment: Environment;
  readonly audience: string;
  readonly clock: Clock;
}

/** The source of such a process. There is one at a time. */
export function openSourceIn(options: AzureProcess): TokenSource {
  const { environment } = options;
  const isSame = NAMES.every((name) => process.env[name] === environment[name]);
  for (const name of NAMES) {
    const value = environment[name];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  if (!isSame) forgetMsal();
  return openTokenSource(options);
}

/** The next one that is loaded has chosen nothing yet. */
function forgetMsal(): void {
  delete require.cache[require.resolve('@azure/msal-node')];
}

/**
 * Has the files of Azure Arc's agent be those of a folder, as a mount would, for this process: its keys
 * `tokens/NAME.key` and its program `himds`. Returns what undoes it.
 */
export function mountArc(folder: string): () => void {
  const { statSync, readFileSync, accessSync } = fs;
  const { open } = fsPromises;
  const moved = (path: unknown) =>
    typeof path === 'string'
      ? path
          .replace(`${ARC_TOKENS_FOLDER}/`, `${folder}/tokens/`)
          .replace(ARC_AGENT, `${folder}/himds`)
      : path;
  const redirect =
    (call: (...all: never[]) => unknown) =>
    (path: unknown, ...rest: unknown[]) =>
      (call as (...all: unknown[]) => unknown)(moved(path), ...rest);
  const replace = (calls: object, promised: object) => {
    Object.assign(fs, calls);
    Object.assign(fsPromises, promised);
    syncBuiltinESMExports();
    forgetMsal();
  };
  replace(
    {
      statSync: redirect(statSync),
      readFileSync: redirect(readFileSync),
      accessSync: redirect(accessSync),
    },
    { open: redirect(open) },
  );
  return () => replace({ statSync, readFileSync, accessSync }, { open });
}
