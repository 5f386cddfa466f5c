/* One HTTP request to a token end point, bounded in time and size: where the environment names a wrong
 * address, anybody may answer. No redirect is followed, and no proxy is used: most end points are on this
 * very machine, and what is sent to them is secret.
 */
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';

/** Azure answers within a second or two; from connecting to the last byte. */
export const REQUEST_MS_MAX = 10_000;
/** A token has one or two KiB, with many groups ten. */
export const ANSWER_BYTES_MAX = 128 * 1024;

export interface TokenRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What became of the request, as the end of a sentence that begins with the end point. */
export class RequestFailure extends Error {}

interface Bounds {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Rejects with a RequestFailure: nobody answers, or not in time, or with more than may be. */
export async function boundedRequest(request: TokenRequest, bounds: Bounds): Promise<Answer> {
  const { url, method, headers, body = '' } = request;
  const isTls = url.protocol === 'https:';
  const http = isTls ? await import('node:https') : await import('node:http');
  if (bounds.signal.aborted) throw new RequestFailure('is not asked any more');
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    method,
    headers,
    // No connection is kept for hours until the next token.
    agent: false,
    // Also where NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
    rejectUnauthorized: true,
  };
  return new Promise((resolve, reject) => {
    const outgoing = http.request(url, options);
    const end = (result: Answer | RequestFailure) => {
      cancelTimer();
      bounds.signal.removeEventListener('abort', onAbort);
      // What comes after it, such as the error of being destroyed, is nobody's concern.
      outgoing.on('error', () => {});
      outgoing.destroy();
      if (result instanceof RequestFailure) reject(result);
      else resolve(result);
    };
    const onAbort = () => end(new RequestFailure('is not asked any more'));
    const cancelTimer = bounds.clock.after(REQUEST_MS_MAX, () =>
      end(new RequestFailure(`does not answer within ${REQUEST_MS_MAX / 1000} s`)),
    );
    bounds.signal.addEventListener('abort', onAbort);
    outgoing.once('error', (error) => end(failureOf(error)));
    outgoing.once('response', (incoming) => collect(incoming, end));
    outgoing.end(body);
  });
}

function collect(incoming: IncomingMessage, end: (result: Answer | RequestFailure) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      end(
        new RequestFailure(
          `answers with more than ${ANSWER_BYTES_MAX / 1024} KiB, which is no token`,
        ),
      );
    } else {
      chunks.push(chunk);
    }
  });
  incoming.once('error', (error) => end(failureOf(error)));
  incoming.once('end', () => {
    const { statusCode, headers } = incoming;
    assert(statusCode !== undefined, 'an answer has a status');
    end({ status: statusCode, headers, text: Buffer.concat(chunks).toString('utf8') });
  });
}

const UNREACHABLE = 'cannot be reached from here';
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is not there: nobody listens',
  ENOTFOUND: 'is not there: its name has no address',
  EAI_AGAIN: 'is not there: its name cannot be resolved now',
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ETIMEDOUT: 'does not answer',
  ECONNRESET: 'closes the connection without an answer',
  EPIPE: 'closes the connection without an answer',
};

/** By the code alone: the message may quote what was sent or received. */
function failureOf(error: NodeJS.ErrnoException): RequestFailure {
  const { code = 'unknown reason' } = error;
  if (/^HPE_/.test(code)) return new RequestFailure(`does not answer as HTTP servers do (${code})`);
  if (/CERT|SELF_SIGNED|ALTNAME|ERR_TLS|ERR_SSL|EPROTO/.test(code)) {
    return new RequestFailure(
      `cannot be trusted (${code}); a CA of your own goes into a file that NODE_EXTRA_CA_CERTS names`,
    );
  }
  return new RequestFailure(`${WORDS[code] ?? 'cannot be asked'} (${code})`);
}
