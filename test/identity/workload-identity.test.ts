import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import {
  type PlayedEntra,
  playEntra,
  startEndPoint,
  unsecuredJwt,
} from '../support/azure-end-points.js';
import { LOCALHOST_KEY, LOCALHOST_PEM } from '../support/certificates.js';

/* Workload identity against Entra ID as it is documented, over TLS; each case is a process of its own. */

const MAIN = fileURLToPath(new URL('../support/issue-token-main.js', import.meta.url));
const AUDIENCE = 'https://Hubs.servicebus.windows.net';
const ASSERTION = unsecuredJwt({ sub: 'system:serviceaccount:default:millrace', planted: true });
const VALUE = unsecuredJwt({ oid: 'object-1' });

interface Case {
  readonly played?: Partial<PlayedEntra>;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the file of the service account's token holds. */
  readonly file?: string;
}

interface Result {
  readonly token?: { readonly value: string; readonly expiresAtMs: number };
  readonly failure?: string;
}

async function issue(t: Test, { played = {}, environment = {}, file = ASSERTION }: Case) {
  const answer = playEntra({
    audience: AUDIENCE,
    issue: () => ({ value: VALUE, expiresAtMs: Date.now() + 3_600_500 }),
    tenantId: 'Tenant-1',
    clientId: 'client-1',
    trusts: (assertion) => assertion === ASSERTION,
    ...played,
  });
  const tls = { key: LOCALHOST_KEY, cert: LOCALHOST_PEM };
  const server = await startEndPoint(t, { answer, tls });
  const folder = t.testdir();
  const tokenFile = join(folder, 'token');
  const caFile = join(folder, 'ca.pem');
  await Promise.all([writeFile(tokenFile, file), writeFile(caFile, LOCALHOST_PEM)]);
  const env = {
    PATH: process.env.PATH,
    NODE_EXTRA_CA_CERTS: caFile,
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
    AZURE_CLIENT_ID: 'client-1',
    AZURE_TENANT_ID: 'Tenant-1',
    AZURE_AUTHORITY_HOST: server.url,
    // MSAL would ask another host because of it.
    MSAL_FORCE_REGION: 'westeurope',
    ...environment,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, AUDIENCE], { env });
  const { token, failure = '' } = JSON.parse(stdout) as Result;
  t.notMatch(failure, ASSERTION);
  return { token, failure, server, tokenFile };
}

t.test('the token of the service account is exchanged', async (t) => {
  const { token, server } = await issue(t, { file: `${ASSERTION}\n` });
  t.match(token, { value: VALUE, principal: 'object-1' });
  const lifeMs = (token?.expiresAtMs ?? 0) - Date.now();
  t.ok(lifeMs > 3_500_000 && lifeMs <= 3_600_000, `${lifeMs}`);
  t.equal(server.requests.length, 1);
});

t.test('an authority with a path has the tenant behind it', async (t) => {
  const { failure, server } = await issue(t, {
    environment: { AZURE_AUTHORITY_HOST: 'https://127.0.0.1:1/adfs/' },
  });
  t.match(failure, /^Entra ID at https:\/\/127\.0\.0\.1:1\/adfs\/Tenant-1\/oauth2\/v2\.0\/token, /);
  t.match(failure, /nobody listens \(ECONNREFUSED\); workload identity needs a way out to it/);
  t.equal(server.requests.length, 0);
});

t.test('who is not trusted is told what the federated credential must have', async (t) => {
  const { failure, server } = await issue(t, { played: { trusts: () => false } });
  t.equal(
    failure,
    `Entra ID at ${server.url}/Tenant-1/oauth2/v2.0/token, gives no token: HTTP 401, invalid_client, ` +
      'AADSTS700213: No matching federated identity record found for presented assertion subject ' +
      "'system:serviceaccount:default:millrace'.; the federated credential of the client must have the " +
      'issuer, the subject (system:serviceaccount:NAMESPACE:NAME) and the audience ' +
      '(api://AzureADTokenExchange) of the token in the file',
  );
});

t.test('a certificate that nobody here trusts gets no assertion', async (t) => {
  const environment = { NODE_EXTRA_CA_CERTS: '', NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const { failure, server } = await issue(t, { environment });
  t.match(failure, /, cannot be trusted \([A-Z_]+\); a CA of your own goes into a file that /);
  t.equal(server.requests.length, 0);
});

t.test('a file that is missing, empty, or no token is said to be so', async (t) => {
  const missing = await issue(t, { environment: { AZURE_FEDERATED_TOKEN_FILE: '/nowhere' } });
  t.equal(
    missing.failure,
    'workload identity: AZURE_FEDERATED_TOKEN_FILE names /nowhere, which cannot be read (ENOENT); the webhook ' +
      'of workload identity mounts it into the pod',
  );
  for (const file of ['', 'planted text', 'x'.repeat(70_000)]) {
    const { failure, tokenFile, server } = await issue(t, { file });
    t.equal(
      failure,
      `workload identity: AZURE_FEDERATED_TOKEN_FILE names ${tokenFile}, which holds no token; it is to hold ` +
        "that of the pod's service account",
    );
    t.equal(server.requests.length, 0);
  }
});
