import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/* Azure's four token end points, played by a server on this machine. Each judges a request as Azure's
 * documentation describes it, and refuses what is not of that form in the words of Azure. */

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly form: Readonly<Record<string, string>>;
}

export interface PlayedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, all else as JSON. */
  readonly body: unknown;
}

export type EndPointAnswer = (request: SeenRequest) => PlayedAnswer | Promise<PlayedAnswer>;

interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

export interface PlayedServer {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** May be replaced at any time. */
  answer: EndPointAnswer;
  /** Nobody listens there any more; open requests are cut. */
  stop(): Promise<void>;
}

export interface PlayedServerOptions {
  readonly answer: EndPointAnswer;
  /** 0, or left out: any free one. */
  readonly port?: number;
  /** With a certificate: over TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Ends with `t`. */
export async function startEndPoint(
  t: Teardown,
  { answer, port = 0, tls }: PlayedServerOptions,
): Promise<PlayedServer> {
  const requests: SeenRequest[] = [];
  const listener: RequestListener = async (incoming, outgoing) => {
    const seen = await readRequest(incoming);
    requests.push(seen);
    const { status, headers, body } = await played.answer(seen);
    outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const scheme = tls === undefined ? 'http' : 'https';
  const played: PlayedServer = {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer,
    stop: () => stopServer(server),
  };
  t.teardown(played.stop);
  return played;
}

async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

const FORM = 'application/x-www-form-urlencoded';

/** RFC 9110, section 8.3.1: without its parameters. */
const mediaTypeOf = (contentType: string | undefined) => contentType?.split(';')[0]?.trim();

async function readRequest(incoming: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const url = new URL(incoming.url ?? '', 'http://end-point');
  const isForm = mediaTypeOf(incoming.headers['content-type']) === FORM;
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    ),
    form: isForm ? Object.fromEntries(new URLSearchParams(`${Buffer.concat(chunks)}`)) : {},
  };
}

export interface TokenToIssue {
  readonly value: string;
  /** Since 1970. */
  readonly expiresAtMs: number;
}

export interface Played {
  readonly audience: string;
  /** Called for each request that is as it should be. */
  readonly issue: () => TokenToIssue;
}

const TOKEN_PATH = '/metadata/identity/oauth2/token';
const refuse = (status: number, error: string, text: string): PlayedAnswer => ({
  status,
  body: { error, error_description: text },
});

/** The first of `wanted` that is not so, in words. */
function faultOf(
  wanted: Readonly<Record<string, readonly [unknown, unknown]>>,
): string | undefined {
  for (const [name, [is, shouldBe]] of Object.entries(wanted)) {
    if (is !== shouldBe) return `${name} is ${JSON.stringify(is)}, not ${JSON.stringify(shouldBe)}`;
  }
  return undefined;
}

const keysOf = (fields: object) => Object.keys(fields).sort().join();

export function playImds({ audience, issue }: Played): EndPointAnswer {
  return ({ method, path, query, headers }) => {
    const fault = faultOf({
      method: [method, 'GET'],
      path: [path, TOKEN_PATH],
      query: [keysOf(query), 'api-version,resource'],
      'api-version': [query['api-version'], '2018-02-01'],
      resource: [query.resource, audience],
      Metadata: [headers.metadata, 'true'],
    });
    if (fault !== undefined) return refuse(400, 'invalid_request', fault);
    return { status: 200, body: metadataToken(issue(), audience) };
  };
}

export function playAppService(played: Played & { readonly secret: string }): EndPointAnswer {
  const { audience, issue, secret } = played;
  return ({ method, path, query, headers }) => {
    const fault = faultOf({
      method: [method, 'GET'],
      path: [path, '/msi/token'],
      query: [keysOf(query), 'api-version,resource'],
      'api-version': [query['api-version'], '2019-08-01'],
      resource: [query.resource, audience],
      'X-IDENTITY-HEADER': [headers['x-identity-header'], secret],
    });
    if (fault !== undefined) return { status: 400, body: { statusCode: 400, message: fault } };
    const { value, expiresAtMs } = issue();
    return {
      status: 200,
      body: {
        access_token: value,
        expires_on: String(Math.floor(expiresAtMs / 1000)),
        resource: audience,
        token_type: 'Bearer',
        client_id: '5E29463D-71DA-4FE0-8E69-999B57DB23B0',
      },
    };
  };
}

export interface PlayedArc extends Played {
  /** Whose name a challenge gives, and what it holds. */
  readonly keyFile: string;
  readonly key: string;
}

export function playArc({ audience, issue, keyFile, key }: PlayedArc): EndPointAnswer {
  return ({ method, path, query, headers }) => {
    const fault = faultOf({
      method: [method, 'GET'],
      path: [path, TOKEN_PATH],
      query: [keysOf(query), 'api-version,resource'],
      'api-version': [query['api-version'], '2020-06-01'],
      resource: [query.resource, audience],
      Metadata: [headers.metadata, 'true'],
    });
    if (fault !== undefined) return refuse(400, 'invalid_request', fault);
    if (headers.authorization !== `Basic ${key}`) {
      const challenge = { 'www-authenticate': `Basic realm=${keyFile}` };
      return {
        ...refuse(401, 'unauthorized_client', 'Missing Basic Authorization header'),
        headers: challenge,
      };
    }
    return { status: 200, body: metadataToken(issue(), audience) };
  };
}

export interface PlayedEntra extends Played {
  readonly tenantId: string;
  readonly clientId: string;
  /** Whether an assertion is the token of the service account as it is now. */
  readonly trusts: (assertion: string) => boolean;
}

/** What MSAL tells of itself, which Entra ID knows; of the parameters, the documented ones are left. */
const TELEMETRY = [
  ...['client-request-id', 'x-client-SKU', 'x-client-VER', 'x-client-OS', 'x-client-CPU'],
  ...['x-ms-lib-capability', 'x-client-current-telemetry', 'x-client-last-telemetry'],
];

function withoutTelemetry(fields: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !TELEMETRY.includes(name)));
}

export function playEntra(played: PlayedEntra): EndPointAnswer {
  const { audience, issue, tenantId, clientId, trusts } = played;
  return ({ method, path, query, form, headers }) => {
    const fault = faultOf({
      method: [method, 'POST'],
      path: [path, `/${tenantId}/oauth2/v2.0/token`],
      query: [keysOf(withoutTelemetry(query)), ''],
      'Content-Type': [mediaTypeOf(headers['content-type']), FORM],
      form: [
        keysOf(withoutTelemetry(form)),
        'client_assertion,client_assertion_type,client_id,grant_type,scope',
      ],
      client_id: [form.client_id, clientId],
      scope: [form.scope, `${audience}/.default`],
      grant_type: [form.grant_type, 'client_credentials'],
      client_assertion_type: [
        form.client_assertion_type,
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      ],
    });
    if (fault !== undefined) return refuse(400, 'invalid_request', `AADSTS900144: ${fault}`);
    if (!trusts(form.client_assertion ?? '')) {
      const text =
        'AADSTS700213: No matching federated identity record found for presented assertion subject ' +
        "'system:serviceaccount:default:millrace'. Trace ID: 0f0e-1 Correlation ID: 0f0e-2";
      return refuse(401, 'invalid_client', text);
    }
    const { value, expiresAtMs } = issue();
    const seconds = Math.floor((expiresAtMs - Date.now()) / 1000);
    return {
      status: 200,
      body: {
        token_type: 'Bearer',
        expires_in: seconds,
        ext_expires_in: seconds,
        access_token: value,
      },
    };
  };
}

/** As IMDS and Azure Arc answer: every number is text. */
function metadataToken({ value, expiresAtMs }: TokenToIssue, audience: string): object {
  const expiresOn = Math.floor(expiresAtMs / 1000);
  return {
    access_token: value,
    refresh_token: '',
    expires_in: '86400',
    expires_on: String(expiresOn),
    not_before: String(expiresOn - 86_400),
    resource: audience,
    token_type: 'Bearer',
  };
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A JWT that nobody has signed. Times since 1970 in seconds, as claims have them. */
export function unsecuredJwt(claims: Readonly<Record<string, unknown>>): string {
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`;
}
