import { OperatingError } from '../base/errors.js';
import type { AccessToken } from '../secrets/kafka-credentials.js';

export interface IssuedToken {
  readonly token: AccessToken;
  /** When its issuer wants it to be renewed, since 1970; undefined where it does not say. */
  readonly refreshAtMs: number | undefined;
}

/** An end point that issues tokens. */
export interface TokenSource {
  /** Rejects with a TokenError, after a bounded time; soon after `signal` is aborted. */
  issue(signal: AbortSignal): Promise<IssuedToken>;
}

/** There is no token; the message says who was asked, what was said, and what helps. No secret is in it. */
export class TokenError extends OperatingError {
  /** How long the end point asks to be left alone; 0 where it does not say. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs = 0) {
    super('ERR_ACCESS_TOKEN', message);
    this.retryAfterMs = retryAfterMs;
  }
}
