import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { TokenError } from '../../src/identity/issued-token.js';
import { type PlayedAnswer, startEndPoint } from '../support/azure-end-points.js';
import { openSourceIn } from '../support/azure-process.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';

/* Whatever an end point answers: a good token, or an error that a person understands, in bounded time and
 * memory, and without a secret. */

const RESOURCE = 'https://hubs.servicebus.windows.net';
const NEVER = new AbortController().signal;
const clock = new ManualClock();
const NOW_S = Math.floor(clock.wallMs() / 1000);
const GOOD = { access_token: 'abc.def.ghi', expires_on: NOW_S + 3600, token_type: 'Bearer' };
const PLACE = /^IMDS, the end point of Azure's virtual machines at http:\/\/127\.0\.0\.1:[0-9]+, /;

const server = await startEndPoint(t, { answer: () => ok(GOOD) });

/** IMDS at another address than the documented one. */
function imdsAt(url: string | URL) {
  const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: `${url}` };
  return openSourceIn({ audience: RESOURCE, environment, clock });
}

async function issue(answer: PlayedAnswer) {
  server.answer = () => answer;
  return imdsAt(server.url).issue(NEVER);
}

/** The end of the message, behind the name of the end point. */
async function failure(t: Test, answer: PlayedAnswer): Promise<string> {
  const error = await issue(answer).then(
    () => new Error('there is a token'),
    (rejected: Error) => rejected,
  );
  t.type(error, TokenError);
  t.match(error.message, PLACE);
  return error.message.replace(PLACE, '');
}

const ok = (body: unknown): PlayedAnswer => ({ status: 200, body });

t.test('expires_on counts more than expires_in, and both may be text', async (t) => {
  const expiryOf = async (fields: object) => {
    const { token } = await issue(ok({ access_token: 'abc', ...fields }));
    return (token.expiresAtMs - clock.wallMs()) / 1000;
  };
  t.equal(await expiryOf({ expires_on: String(NOW_S + 60), expires_in: '86400' }), 60);
  t.equal(await expiryOf({ expires_on: NOW_S + 61 }), 61);
  t.equal(await expiryOf({ expires_in: '62' }), 62);
  t.equal(await expiryOf({ expires_in: 63 }), 63);
  t.equal(await expiryOf({ expires_in: 999_999_999_999 }), 31 * 86_400, 'a life without end');
});

t.test('the time for renewal is taken where it is before the expiry', async (t) => {
  const refreshOf = async (fields: object) => {
    const { refreshAtMs } = await issue(ok({ ...GOOD, ...fields }));
    return refreshAtMs === undefined ? undefined : (refreshAtMs - clock.wallMs()) / 1000;
  };
  t.equal(await refreshOf({}), undefined);
  t.equal(await refreshOf({ refresh_in: '1800' }), 1800);
  t.equal(await refreshOf({ refresh_on: NOW_S + 1801 }), 1801);
  t.equal(await refreshOf({ refresh_in: 3600 }), undefined);
  t.equal(await refreshOf({ refresh_in: 'soon' }), undefined);
});

const HOSTILE: Readonly<Record<string, readonly [PlayedAnswer, string]>> = {
  'no JSON': [ok('<html>planted</html>'), 'answers with no JSON object; is it the right address?'],
  'a list': [ok([GOOD]), 'answers with no JSON object; is it the right address?'],
  null: [ok('null'), 'answers with no JSON object; is it the right address?'],
  'no token': [ok({ ...GOOD, access_token: undefined }), 'answers with no access_token'],
  'a token that is a number': [ok({ ...GOOD, access_token: 7 }), 'answers with no access_token'],
  'a token with a line break': [
    ok({ ...GOOD, access_token: 'planted\nplanted' }),
    'answers with no access_token',
  ],
  'a token with a separator of SASL': [
    ok({ ...GOOD, access_token: 'planted\u0001planted' }),
    'answers with no access_token',
  ],
  'another type': [ok({ ...GOOD, token_type: 'pop' }), 'answers with another sort of token'],
  'no expiry': [
    ok({ access_token: 'planted' }),
    'answers with a token without expires_on or expires_in',
  ],
  'an expiry of the wrong type': [
    ok({ access_token: 'planted', expires_on: {}, expires_in: -1 }),
    'answers with a token without expires_on or expires_in',
  ],
  'an expiry in the past': [
    ok({ ...GOOD, expires_on: NOW_S - 1 }),
    'answers with a token that has expired already; is the clock of this machine right?',
  ],
  'a redirect': [
    { status: 302, headers: { location: 'http://planted.example/' }, body: '' },
    'answers with a redirect (HTTP 302), which is not followed; is it the right address?',
  ],
  'a huge body': [
    ok({ ...GOOD, more: 'x'.repeat(200_000) }),
    'answers with more than 128 KiB, which is no token; it was asked because the environment names no other: AZURE_FEDERATED_TOKEN_FILE (workload identity) and IDENTITY_ENDPOINT (App Service, Azure Arc) are not set; is this a machine in Azure?',
  ],
};

for (const [name, [answer, message]] of Object.entries(HOSTILE)) {
  t.test(`${name} is no token`, async (t) => {
    t.equal(await failure(t, answer), message);
  });
}

const REFUSED: Readonly<Record<string, readonly [PlayedAnswer, string]>> = {
  'no identity': [
    { status: 400, body: { error: 'invalid_request', error_description: 'Identity not found' } },
    'gives no token: HTTP 400, invalid_request, Identity not found; turn on the system-assigned identity of this machine (in Azure, under Identity)',
  ],
  'several user-assigned identities': [
    {
      status: 400,
      body: {
        error: 'invalid_request',
        error_description: 'Multiple user assigned identities exist, please specify the clientId',
      },
    },
    'gives no token: HTTP 400, invalid_request, Multiple user assigned identities exist, please specify the clientId; turn on the system-assigned identity: this machine has only user-assigned ones, and several',
  ],
  'an audience that nobody knows': [
    {
      status: 400,
      body: {
        error: 'invalid_resource',
        error_description:
          'AADSTS500011: The resource principal named https://a was not found.\r\nTrace ID: 1\r\nCorrelation ID: 2',
      },
    },
    'gives no token: HTTP 400, invalid_resource, AADSTS500011: The resource principal named https://a was not found.; the audience names nothing that the tenant knows: it is https://NAMESPACE.servicebus.windows.net',
  ],
  'an update': [
    { status: 410, body: '' },
    'gives no token: HTTP 410; it is being updated, which takes 70 s at most',
  ],
  throttling: [
    { status: 429, body: 'planted' },
    'gives no token: HTTP 429; it is asked too often, by all on this machine together',
  ],
  'an error inside an error': [
    { status: 500, body: { error: { code: 'Internal', message: 'later' } } },
    'gives no token: HTTP 500, Internal, later; that passes by itself as a rule',
  ],
  'types that are wrong': [
    { status: 400, body: { error: ['planted'], error_description: { planted: 1 }, message: 7 } },
    'gives no token: HTTP 400',
  ],
};

for (const [name, [answer, message]] of Object.entries(REFUSED)) {
  t.test(`a refusal because of ${name} says what helps`, async (t) => {
    t.equal(await failure(t, answer), message);
  });
}

t.test('a description is one short line without anything like a token', async (t) => {
  const token = `${'eyJhbGciOiJub25l'}.${'eyJvaWQiOiJwbGFudGVk'}.c2lnbmF0dXJl`;
  const text = `bad\u001b[31m ${token}\n${'k'.repeat(150)} ${'word '.repeat(100)}`;
  const answer = { status: 400, body: { error: 'x'.repeat(65), error_description: text } };
  const message = await failure(t, answer);
  t.match(
    message,
    /^gives no token: HTTP 400, bad \[31m \.\.\. \.\.\. word word .*\.\.\. \([0-9]+ characters\)$/,
  );
  t.ok(message.length < 300);
});

t.test('Retry-After is heard, in seconds and as a date, up to an hour', async (t) => {
  const waitOf = async (text: string) => {
    const answer = { status: 429, headers: { 'retry-after': text }, body: '' };
    const error = await issue(answer).catch((rejected) => rejected);
    t.type(error, TokenError);
    return (error as TokenError).retryAfterMs;
  };
  t.equal(await waitOf('17'), 17_000);
  t.equal(await waitOf('999999'), 3_600_000);
  const date = new Date(clock.wallMs() + 30_000).toUTCString();
  t.equal(await waitOf(date), Date.parse(date) - clock.wallMs());
  for (const nothing of ['-1', 'soon', new Date(0).toUTCString()])
    t.equal(await waitOf(nothing), 0);
});

async function listen(t: Test, listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

t.test('who answers drop by drop is given up after ten seconds', async (t) => {
  let drops = 0;
  const url = await listen(t, (_, outgoing) => {
    outgoing.writeHead(200);
    const drip = () => outgoing.write(' ', () => drops++);
    drip();
    t.teardown(() => clearInterval(timer));
    const timer = setInterval(drip, 5);
  });
  const waiting = imdsAt(url).issue(NEVER);
  const isOver = t.rejects(waiting, {
    message: /, does not answer within 10 s; it was asked because/,
  });
  await until('it drips', () => drops > 2);
  clock.advance(10_000);
  await isOver;
});

t.test('a request that nobody wants any more ends at once', async (t) => {
  let isAsked = false;
  const url = await listen(t, () => {
    isAsked = true;
  });
  const stop = new AbortController();
  const waiting = imdsAt(url).issue(stop.signal);
  const isOver = t.rejects(waiting, { message: /, is not asked any more; / });
  await until('it is asked', () => isAsked);
  stop.abort();
  await isOver;
});

t.test('headers without end are no answer', async (t) => {
  const url = await listen(t, (_, outgoing) => {
    outgoing.writeHead(200, { planted: 'x'.repeat(100_000) }).end('{}');
  });
  await t.rejects(imdsAt(url).issue(NEVER), {
    message: /, does not answer as HTTP servers do \(HPE_HEADER_OVERFLOW\); /,
  });
});

t.test('who is not there, or hangs up, is said so', async (t) => {
  const hangsUp = await listen(t, (incoming) => incoming.socket.destroy());
  await t.rejects(imdsAt(hangsUp).issue(NEVER), {
    message: /, closes the connection without an answer \(ECONNRESET\); /,
  });
  const cuts = await listen(t, (_, outgoing) => {
    outgoing.writeHead(200, { 'content-length': 100 });
    outgoing.write('{', () => outgoing.socket?.destroy());
  });
  await t.rejects(imdsAt(cuts).issue(NEVER), {
    message: /, closes the connection without an answer/,
  });
  const stopped = await startEndPoint(t, { answer: () => ok(GOOD) });
  await stopped.stop();
  await t.rejects(imdsAt(stopped.url).issue(NEVER), {
    code: 'ERR_ACCESS_TOKEN',
    message: /, is not there: nobody listens \(ECONNREFUSED\); .*is this a machine in Azure\?$/,
  });
  await t.rejects(imdsAt('http://nowhere.invalid').issue(NEVER), {
    message: /, is not there: its name (has no address|cannot be resolved now) \(E[A-Z_]+\); /,
  });
});
