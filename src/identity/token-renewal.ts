/* TokenRenewal: keeps one access token fresh. Main thread.
 *
 *   start, renewNow -> asking -- token ---> waiting for 60-80 % of its life, or when its issuer says
 *                      ^  ^ |                  |
 *                      |  | `- failure -> waiting, longer each time, at least as long as was asked for
 *                      |  `-----------------------'  |
 *                      `-----------------------------'
 *
 * 1. One request is under way at most, and one timer beside none.
 * 2. A token stays in service until there is another, however often renewal fails.
 * 3. After stop() nothing is asked, called or left behind.
 */
import type { Clock } from '../base/clock.js';
import type { AccessToken } from '../secrets/kafka-credentials.js';
import { type IssuedToken, TokenError, type TokenSource } from './issued-token.js';

/** Renewed between these shares of its life, so that a fleet that was started at once does not ask at once
 * for ever, and with a fifth of it left to try again. */
const RENEWAL_SHARE_MIN = 0.6;
const RENEWAL_SHARE_MAX = 0.8;
/** What an issuer's own time is put off by, as a share of what is left from there. */
const REFRESH_JITTER = 0.1;
/** The least that is waited after a token, however short its life is. */
const RENEWAL_MS_MIN = 1_000;
/** The least that is waited although the issuer's own time is over; twice as long each time that it gives the
 * same token again: end points keep tokens too, and may give one until it has all but expired. */
const REFRESH_MS_MIN = 60_000;
/** Between two requests that others ask for: each of several shards may say that a token was refused. */
const DEMAND_MS_MIN = 10_000;
/** The wall clock may be set, and a machine may sleep: time that is left is looked at so often. */
const LOOK_MS_MAX = 600_000;

export interface TokenRenewalOptions {
  readonly source: TokenSource;
  readonly clock: Clock;
  /** Gives numbers from 0 up to 1. */
  readonly random: () => number;
  /** How long to wait after each failure in turn. */
  readonly backoff: { nextMs(): number; reset(): void };
  /** A first or another token; a token that comes again is not told again. */
  readonly onToken: (token: AccessToken) => void;
  /** Each time that there was none; the text is for people. */
  readonly onTrouble: (text: string) => void;
  /** Each time that there was one, after `onToken`. */
  readonly onWell: (token: AccessToken) => void;
}

export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #token: AccessToken | undefined;
  #request: AbortController | undefined;
  #cancelTimer: () => void = () => {};
  #askedMs = Number.NEGATIVE_INFINITY;
  /** How often in turn the same token was given. */
  #repeats = 0;
  #isFailing = false;
  #isDemanded = false;
  #isStopped = false;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
  }

  /** Asks for the first token; returns at once. */
  start(): void {
    void this.#ask();
  }

  /**
   * Asks for another token although the last one is still good: Kafka refused it, or what it is made from
   * has changed. At once, or ten seconds after the last request. While requests fail they are repeated
   * anyway, when it is their time.
   */
  renewNow(): void {
    if (this.#isStopped || this.#isFailing) return;
    if (this.#request !== undefined) {
      this.#isDemanded = true;
      return;
    }
    const { clock } = this.#options;
    const dueMs = this.#askedMs + DEMAND_MS_MIN;
    this.#wait(() => dueMs - clock.monotonicMs());
  }

  /** Ends a request that is under way. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#request?.abort();
  }

  async #ask(): Promise<void> {
    const { source, clock } = this.#options;
    const request = new AbortController();
    this.#request = request;
    this.#isDemanded = false;
    this.#askedMs = clock.monotonicMs();
    const result = await source.issue(request.signal).catch((error) => {
      if (error instanceof TokenError) return error;
      throw error;
    });
    this.#request = undefined;
    if (this.#isStopped) return;
    if (result instanceof TokenError) this.#onFailure(result);
    else this.#onIssued(result);
    if (this.#isDemanded) this.renewNow();
  }

  #onIssued({ token, refreshAtMs }: IssuedToken): void {
    const { clock, backoff, onToken, onWell } = this.#options;
    backoff.reset();
    this.#isFailing = false;
    const isNew = token.value !== this.#token?.value;
    this.#token = token;
    this.#repeats = isNew ? 0 : this.#repeats + 1;
    const dueWallMs = this.#renewalMs(token.expiresAtMs, refreshAtMs);
    this.#wait(() => dueWallMs - clock.wallMs());
    if (isNew) onToken(token);
    onWell(token);
  }

  /** When to renew a token, by the wall clock. */
  #renewalMs(expiresAtMs: number, refreshAtMs: number | undefined): number {
    const { clock, random } = this.#options;
    const nowMs = clock.wallMs();
    const lifeMs = expiresAtMs - nowMs;
    const share = RENEWAL_SHARE_MIN + (RENEWAL_SHARE_MAX - RENEWAL_SHARE_MIN) * random();
    const asked =
      refreshAtMs === undefined
        ? nowMs + lifeMs * share
        : Math.max(
            refreshAtMs + (expiresAtMs - refreshAtMs) * REFRESH_JITTER * random(),
            nowMs + REFRESH_MS_MIN * 2 ** this.#repeats * (1 + random()),
          );
    const dueMs = Math.min(asked, nowMs + lifeMs * RENEWAL_SHARE_MAX);
    return Math.max(dueMs, nowMs + RENEWAL_MS_MIN);
  }

  #onFailure({ message, retryAfterMs }: TokenError): void {
    const { clock, backoff, onTrouble } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#isFailing = true;
    const dueMs = nowMs + Math.max(backoff.nextMs(), retryAfterMs);
    this.#wait(() => dueMs - clock.monotonicMs());
    onTrouble(`${this.#standing()}: ${message}`);
  }

  /** What there is while there is no other token. */
  #standing(): string {
    if (this.#token === undefined) return 'there is no access token yet';
    const { expiresAtMs } = this.#token;
    const until = new Date(expiresAtMs).toISOString();
    return expiresAtMs > this.#options.clock.wallMs()
      ? `the access token, good until ${until}, cannot be renewed`
      : `the access token has expired at ${until} and cannot be renewed`;
  }

  #wait(leftMs: () => number): void {
    this.#cancelTimer();
    const delayMs = Math.min(Math.max(leftMs(), 0), LOOK_MS_MAX);
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      if (leftMs() <= 0) void this.#ask();
      else this.#wait(leftMs);
    });
  }
}
