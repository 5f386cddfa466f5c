/* What a token end point answered: a token, checked field by field, or a refusal in words for people.
 * Nothing that was sent or received in confidence gets into those.
 */
import type { Clock } from '../base/clock.js';
import { shortText } from '../base/short-text.js';
import {
  type Answer,
  boundedRequest,
  RequestFailure,
  type TokenRequest,
} from './bounded-request.js';
import { type IssuedToken, TokenError } from './issued-token.js';
import { principalOf } from './principal.js';

/** RFC 6750, section 2.1; whatever else Kafka would take for a break of the protocol. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
/** A token that is said to live longer is renewed by then all the same. */
const LIFE_MS_MAX = 31 * 24 * 3_600_000;
const RETRY_AFTER_MS_MAX = 3_600_000;
/** What looks like a token, or a part of one. */
const TOKEN_LIKE =
  /[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(\.[A-Za-z0-9_-]*)?|[A-Za-z0-9_+/=-]{100,}/g;
const CONTROL = /[\p{Cc}\p{Cf}\s]+/gu;

/** One end point, where it is, as texts name it and as its refusals are to be understood. */
export interface EndPoint {
  /** Whatever follows the `?` is MSAL's to say. */
  readonly url: URL;
  /** Such as `IMDS, the end point of virtual machines, at http://169.254.169.254`. */
  readonly place: string;
  /** What is sent to it in confidence. */
  readonly secrets: readonly string[];
  /** What a person can do of a refusal; undefined: nothing is known. */
  readonly remedyOf: (refusal: Refusal) => string | undefined;
  /** What a person can do where nobody answers. */
  readonly absent: string;
  /** What it wants to be shown before it gives a token, where it does. Rejects with a TokenError. */
  readonly prove?: (challenge: Answer) => Promise<Proof>;
}

/** A file that not everybody may read. */
export interface Proof {
  readonly path: string;
  /** What it holds. */
  readonly key: string;
}

export interface Refusal {
  readonly status: number;
  /** Such as `invalid_request`; empty where there is none. */
  readonly code: string;
  /** Shortened; empty where there is none. */
  readonly description: string;
}

export interface Asking {
  readonly endPoint: EndPoint;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Asks; rejects with a TokenError unless there is an answer of any status. */
export async function ask(request: TokenRequest, asking: Asking): Promise<Answer> {
  try {
    return await boundedRequest(request, asking);
  } catch (error) {
    if (!(error instanceof RequestFailure)) throw error;
    const { place, absent } = asking.endPoint;
    throw new TokenError(`${place}, ${error.message}; ${absent}`);
  }
}

/** The token that `answer` holds. Throws a TokenError where it holds none that can be used. */
export function tokenOf(answer: Answer, { endPoint, clock }: Asking): IssuedToken {
  const { status } = answer;
  const fields = fieldsOf(answer.text);
  if (status !== 200) throw refusalError(answer, fields, endPoint, clock.wallMs());
  const wrong = (what: string) => new TokenError(`${endPoint.place}, answers with ${what}`);
  if (fields === undefined) throw wrong('no JSON object; is it the right address?');
  const { access_token: value, token_type: type } = fields;
  if (typeof value !== 'string' || !TOKEN.test(value)) throw wrong('no access_token');
  if (type !== undefined && !/^bearer$/i.test(String(type))) throw wrong('another sort of token');
  const nowMs = clock.wallMs();
  const expiresAtMs = expiryOf(fields, nowMs);
  if (expiresAtMs === undefined) throw wrong('a token without expires_on or expires_in');
  if (expiresAtMs <= nowMs) {
    throw wrong('a token that has expired already; is the clock of this machine right?');
  }
  return {
    token: { value, expiresAtMs, principal: principalOf(value) },
    refreshAtMs: refreshOf(fields, nowMs, expiresAtMs),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** IMDS counts expires_in from when a token was made, which may be hours ago: it keeps them. */
function expiryOf(fields: Fields, nowMs: number): number | undefined {
  const on = secondsOf(fields.expires_on);
  const within = secondsOf(fields.expires_in);
  if (on === undefined && within === undefined) return undefined;
  const expiresAtMs = on === undefined ? nowMs + (within as number) * 1000 : on * 1000;
  return Math.min(expiresAtMs, nowMs + LIFE_MS_MAX);
}

function refreshOf(fields: Fields, nowMs: number, expiresAtMs: number): number | undefined {
  const on = secondsOf(fields.refresh_on);
  const within = secondsOf(fields.refresh_in);
  const atMs =
    on !== undefined ? on * 1000 : within !== undefined ? nowMs + within * 1000 : undefined;
  return atMs === undefined || atMs >= expiresAtMs ? undefined : atMs;
}

/** Numbers come as such, or as text. */
function secondsOf(value: unknown): number | undefined {
  if (typeof value === 'string' && /^[0-9]{1,12}$/.test(value)) return Number(value);
  return typeof value === 'number' && value >= 0 && value < 1e12 ? value : undefined;
}

function refusalError(
  answer: Answer,
  fields: Fields | undefined,
  endPoint: EndPoint,
  nowMs: number,
): TokenError {
  const { status, headers } = answer;
  const { place, secrets, remedyOf } = endPoint;
  if (status >= 300 && status < 400) {
    return new TokenError(
      `${place}, answers with a redirect (HTTP ${status}), which is not followed; is it the right address?`,
    );
  }
  const refusal = refusalOf(status, fields, secrets);
  const said = [`HTTP ${status}`, refusal.code, refusal.description].filter((part) => part !== '');
  const remedy = remedyOf(refusal) ?? generalRemedy(refusal);
  const end = remedy === undefined ? '' : `; ${remedy}`;
  return new TokenError(
    `${place}, gives no token: ${said.join(', ')}${end}`,
    retryAfterMs(headers['retry-after'], nowMs),
  );
}

/** Entra ID and IMDS have error and error_description, App Service has message, Arc has either. */
function refusalOf(
  status: number,
  fields: Fields | undefined,
  secrets: readonly string[],
): Refusal {
  const { error, error_description: text, message } = fields ?? {};
  const inner = typeof error === 'object' && error !== null ? (error as Fields) : undefined;
  const code = inner === undefined ? error : inner.code;
  const description = [text, message, inner?.message].find((each) => typeof each === 'string');
  return {
    status,
    code: typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : '',
    description: typeof description === 'string' ? withoutSecrets(description, secrets) : '',
  };
}

/** One line, without what is secret and without what only Azure's support can use. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length > 2);
  const cleaned = known.reduce((rest, secret) => rest.replaceAll(secret, () => '...'), text);
  const line = cleaned.replace(/\s*Trace ID:.*$/s, '').replace(TOKEN_LIKE, '...');
  return shortText(line.replace(CONTROL, ' ').trim());
}

function generalRemedy({ status, description }: Refusal): string | undefined {
  if (/AADSTS500011\b/.test(description)) {
    return 'the audience names nothing that the tenant knows: it is https://NAMESPACE.servicebus.windows.net';
  }
  if (status === 429) return 'it is asked too often, by all on this machine together';
  return status >= 500 ? 'that passes by itself as a rule' : undefined;
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
function retryAfterMs(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0;
  const ms = /^[0-9]{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MS_MAX) : 0;
}
