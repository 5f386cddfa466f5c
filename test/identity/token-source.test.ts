import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { UsageError } from '../../src/base/errors.js';
import type { Environment } from '../../src/identity/token-source.js';
import {
  type EndPointAnswer,
  playAppService,
  playImds,
  startEndPoint,
  unsecuredJwt,
} from '../support/azure-end-points.js';
import { mountArc, openSourceIn } from '../support/azure-process.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';

/* Which end point is asked, and what it is asked, by what the environment says. */

const AUDIENCE = 'https://hubs.servicebus.windows.net';
const MAIN = fileURLToPath(new URL('../support/issue-token-main.js', import.meta.url));
const SECRET = 'planted-identity-header';
const clock = new ManualClock();
const EXPIRES_AT_MS = clock.wallMs() + 3_600_000;
const VALUE = unsecuredJwt({ oid: 'object-1' });
const issue = () => ({ value: VALUE, expiresAtMs: EXPIRES_AT_MS });
const soon = () => ({ value: VALUE, expiresAtMs: Date.now() + 3_600_000 });
const TOKEN = { value: VALUE, expiresAtMs: EXPIRES_AT_MS, principal: 'object-1' };

interface Choice {
  readonly environment: Environment;
  readonly audience?: string;
}

function open({ environment, audience = AUDIENCE }: Choice) {
  return openSourceIn({ audience, environment, clock });
}

const issued = (choice: Choice) => open(choice).issue(new AbortController().signal);

t.test('IMDS is asked where the environment names no other end point', async (t) => {
  const server = await startEndPoint(t, { answer: playImds({ audience: AUDIENCE, issue }) });
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url };
  t.strictSame(await issued({ environment }), { token: TOKEN, refreshAtMs: undefined });
});

t.test('connectors that ask at the same time get each its own token, or its own end', async (t) => {
  const audiences = ['https://a.servicebus.windows.net', 'https://b.servicebus.windows.net'];
  const waiting: (() => void)[] = [];
  const answer: EndPointAnswer = async ({ query }) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    const value = unsecuredJwt({ oid: query.resource?.slice(8, 9) });
    return { status: 200, body: { access_token: value, expires_in: 3600 } };
  };
  const server = await startEndPoint(t, { answer });
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url };
  const sources = audiences.map((audience) => open({ environment, audience }));
  const stopped = new AbortController();
  const signal = new AbortController().signal;
  const tokens = sources.map((source) => source.issue(signal));
  const third = open({ environment }).issue(stopped.signal);
  const ended = t.rejects(third, { message: /, is not asked any more; / });
  await until('all three ask', () => waiting.length === 3);
  stopped.abort();
  await ended;
  for (const resolve of waiting.reverse()) resolve();
  const principals = (await Promise.all(tokens)).map(({ token }) => token.principal);
  t.strictSame(principals, ['a', 'b']);
});

t.test('a process whose tokens are had is none whose promises cost more', async (t) => {
  const server = await startEndPoint(t, { answer: playImds({ audience: AUDIENCE, issue: soon }) });
  const env = { PATH: process.env.PATH, AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url };
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, AUDIENCE], { env });
  t.match(JSON.parse(stdout), { token: { value: VALUE }, promisesAreWatched: false });
});

t.test('another token is asked for while the last one is good for long', async (t) => {
  let issuedCount = 0;
  const another = () => ({ ...soon(), value: unsecuredJwt({ oid: `${++issuedCount}` }) });
  const server = await startEndPoint(t, {
    answer: playImds({ audience: AUDIENCE, issue: another }),
  });
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url };
  const source = openSourceIn({ audience: AUDIENCE, environment, clock: systemClock });
  const principals = [];
  for (let n = 0; n < 2; n++) {
    const { token } = await source.issue(new AbortController().signal);
    principals.push(token.principal);
  }
  t.strictSame(principals, ['1', '2']);
});

t.test('an audience that is written as a scope is the same resource', async (t) => {
  const server = await startEndPoint(t, { answer: playImds({ audience: AUDIENCE, issue }) });
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url };
  const { token } = await issued({ environment, audience: `${AUDIENCE}/.default` });
  t.strictSame(token, TOKEN);
});

t.test('App Service is asked with the secret that it gave', async (t) => {
  const answer = playAppService({ audience: AUDIENCE, issue, secret: SECRET });
  const server = await startEndPoint(t, { answer });
  const environment = {
    IDENTITY_ENDPOINT: `${server.url}/msi/token`,
    IDENTITY_HEADER: SECRET,
    // Azure Arc is for another day.
    IMDS_ENDPOINT: 'http://127.0.0.1:1',
  };
  t.strictSame((await issued({ environment })).token, TOKEN);
});

t.test(
  'a machine with the agent of Azure Arc is asked there, by variable or by file',
  async (t) => {
    const answer: EndPointAnswer = () => ({ status: 404, body: {} });
    const server = await startEndPoint(t, { answer });
    const environment = {
      IDENTITY_ENDPOINT: `${server.url}/metadata/identity/oauth2/token`,
      IMDS_ENDPOINT: server.url,
    };
    await t.rejects(issued({ environment }), {
      message: `the end point of Azure Arc at ${server.url}/metadata/identity/oauth2/token, gives no token: HTTP 404; is this machine connected to Azure? azcmagent show`,
    });
    t.strictSame(server.requests[0]?.query, { 'api-version': '2020-06-01', resource: AUDIENCE });
    t.teardown(mountArc(t.testdir({ himds: '' })));
    const byFile = open({ environment: {} });
    const signal = AbortSignal.abort();
    await t.rejects(byFile.issue(signal), {
      message:
        /^the end point of Azure Arc at http:\/\/127\.0\.0\.1:40342\/metadata\/identity\/oauth2\/token, /,
    });
  },
);

t.test('MSAL asks where Azure documents it, by whatever name the machine is called', async (t) => {
  const arc = 'http://localhost:40342/metadata/identity/oauth2/token';
  const places: readonly (readonly [Environment, string])[] = [
    [{}, "IMDS, the end point of Azure's virtual machines at http://169.254.169.254, "],
    [
      { IDENTITY_ENDPOINT: arc, IMDS_ENDPOINT: 'http://localhost:40342' },
      'the end point of Azure Arc at http://127.0.0.1:40342/metadata/identity/oauth2/token, ',
    ],
    [
      { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://Imds.Example/' },
      "IMDS, the end point of Azure's virtual machines at http://imds.example, ",
    ],
  ];
  for (const [environment, place] of places) {
    const error = await open({ environment })
      .issue(AbortSignal.abort())
      .catch((rejected) => rejected);
    t.ok(error.message.startsWith(`${place}is not asked any more; `), error.message);
  }
});

const WORKLOAD = {
  AZURE_FEDERATED_TOKEN_FILE: '/var/run/secrets/azure/tokens/azure-identity-token',
  AZURE_CLIENT_ID: 'client-1',
  AZURE_TENANT_ID: 'tenant-1',
};

const WRONG: Readonly<Record<string, readonly [Environment, string | RegExp]>> = {
  'workload identity without a client': [
    { ...WORKLOAD, AZURE_CLIENT_ID: '' },
    'managed identity: AZURE_FEDERATED_TOKEN_FILE asks for workload identity, but AZURE_CLIENT_ID is not set: ' +
      'what the webhook of workload identity sets; is the label azure.workload.identity/use: "true" on the pod, ' +
      "and the client's identifier on its service account?",
  ],
  'workload identity with a tenant that changes the path': [
    { ...WORKLOAD, AZURE_TENANT_ID: 'planted/../other' },
    /AZURE_TENANT_ID is set to something else than what the webhook/,
  ],
  'an authority without TLS': [
    { ...WORKLOAD, AZURE_AUTHORITY_HOST: 'http://login.example' },
    'managed identity: AZURE_AUTHORITY_HOST is no address that begins with https://',
  ],
  'an end point with a password': [
    { IDENTITY_ENDPOINT: 'http://planted:planted@127.0.0.1/', IDENTITY_HEADER: SECRET },
    'managed identity: IDENTITY_ENDPOINT has a user or a password in it; leave it out',
  ],
  'an end point that is no address': [
    { IDENTITY_ENDPOINT: 'planted', IMDS_ENDPOINT: 'http://127.0.0.1' },
    'managed identity: IDENTITY_ENDPOINT is no address that begins with http:// or https://',
  ],
  'another IMDS that is a file': [
    { AZURE_POD_IDENTITY_AUTHORITY_HOST: 'file:///planted' },
    'managed identity: AZURE_POD_IDENTITY_AUTHORITY_HOST is no address that begins with http:// or https://',
  ],
  'a secret that would be two headers': [
    { IDENTITY_ENDPOINT: 'http://127.0.0.1/', IDENTITY_HEADER: 'planted\r\nhost: planted' },
    'managed identity: IDENTITY_HEADER has characters that no header may have',
  ],
  'half of a pair': [
    { IDENTITY_ENDPOINT: 'http://127.0.0.1/' },
    /^managed identity: IDENTITY_ENDPOINT is set without IDENTITY_HEADER, .*IMDS_ENDPOINT/,
  ],
  'Cloud Shell': [
    { MSI_ENDPOINT: 'http://127.0.0.1/planted' },
    /^managed identity: MSI_ENDPOINT is set without IDENTITY_ENDPOINT .* not supported; elsewhere, unset it$/,
  ],
  'Azure Machine Learning, on a machine with the agent of Azure Arc': [
    {
      MSI_ENDPOINT: 'http://127.0.0.1/planted',
      MSI_SECRET: 'planted',
      IDENTITY_ENDPOINT: 'http://127.0.0.1/',
      IMDS_ENDPOINT: 'http://127.0.0.1/',
    },
    /^managed identity: MSI_ENDPOINT is set without IDENTITY_ENDPOINT and IDENTITY_HEADER/,
  ],
  'workload identity with a tenant that stands for many': [
    { ...WORKLOAD, AZURE_TENANT_ID: 'organizations' },
    /AZURE_TENANT_ID is set to something else than what the webhook/,
  ],
  'Service Fabric': [
    {
      IDENTITY_ENDPOINT: 'https://127.0.0.1/',
      IDENTITY_HEADER: SECRET,
      IDENTITY_SERVER_THUMBPRINT: 'planted',
    },
    'managed identity: the end point of Service Fabric is not supported',
  ],
};

for (const [name, [environment, message]] of Object.entries(WRONG)) {
  t.test(`${name} is an error of the environment`, async (t) => {
    const error = t.throws(() => open({ environment })) as Error;
    t.type(error, UsageError);
    t.match(error, { message });
    t.notMatch(error.message, /planted/);
  });
}
