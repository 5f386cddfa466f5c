/* One token by way of MSAL, which puts the requests together; here they are sent, bounded, and what comes
 * back is judged.
 *
 * 1. MSAL is shown a challenge or a token, each once it was checked, and of a token the fields that are
 *    needed: it keeps tokens in a cache, under what the answer says that they are for.
 * 2. Nobody else is asked than the end point that people are told of.
 * 3. What went wrong is told in our words. MSAL's name neither the place nor the reason, and may repeat
 *    what was answered.
 */
import type {
  AuthenticationResult,
  INetworkModule,
  NetworkRequestOptions,
  NetworkResponse,
} from '@azure/msal-node';
import { assert } from '../base/assert.js';
import type { TokenRequest } from './bounded-request.js';
import { type IssuedToken, TokenError } from './issued-token.js';
import { type Asking, ask, tokenOf } from './token-answer.js';

/** Azure Arc's agent is asked, asks for proof, and is asked again. */
const REQUESTS_MAX = 2;

export class TokenExchange implements INetworkModule {
  #asking: Asking;
  #requests = 0;
  #issued: IssuedToken | undefined;
  #failure: unknown;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  /**
   * The token that `acquire` gets, a call of MSAL that sends what it sends through this. Rejects with a
   * TokenError, whatever MSAL makes of it.
   */
  async run(acquire: () => Promise<AuthenticationResult | null>): Promise<IssuedToken> {
    const result = await acquire().catch((error: unknown) => error);
    if (this.#failure !== undefined) throw this.#failure;
    const issued = this.#issued;
    if (issued !== undefined && field(result, 'accessToken') === issued.token.value) return issued;
    const code = field(result, 'errorCode') ?? 'unknown reason';
    throw new TokenError(
      `${this.#asking.endPoint.place}, is not asked, or gives no token, as MSAL wants it (${code})`,
    );
  }

  sendGetRequestAsync<T>(
    url: string,
    options?: NetworkRequestOptions,
  ): Promise<NetworkResponse<T>> {
    return this.#send('GET', url, options);
  }

  sendPostRequestAsync<T>(
    url: string,
    options?: NetworkRequestOptions,
  ): Promise<NetworkResponse<T>> {
    return this.#send('POST', url, options);
  }

  async #send<T>(
    method: TokenRequest['method'],
    address: string,
    { headers = {}, body = '' }: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    try {
      const url = this.#placeOf(address);
      return (await this.#answer({ method, url, headers, body })) as NetworkResponse<T>;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** As Azure documents it: MSAL adds a slash to some, and changes the case of letters. */
  #placeOf(address: string): URL {
    const url = new URL(this.#asking.endPoint.url);
    const given = new URL(address);
    assert(given.origin === url.origin, 'MSAL asks the end point that was chosen');
    url.search = given.search;
    return url;
  }

  async #answer(request: TokenRequest): Promise<NetworkResponse<object>> {
    this.#requests++;
    assert(this.#requests <= REQUESTS_MAX, 'MSAL does not repeat requests');
    const { endPoint, clock } = this.#asking;
    const answer = await ask(request, this.#asking);
    if (answer.status === 401 && endPoint.prove !== undefined && this.#requests === 1) {
      const { path, key } = await endPoint.prove(answer);
      this.#asking = { ...this.#asking, endPoint: { ...endPoint, secrets: [key] } };
      return { status: 401, headers: { 'www-authenticate': `Basic realm=${path}` }, body: {} };
    }
    const issued = tokenOf(answer, this.#asking);
    this.#issued = issued;
    const { value, expiresAtMs } = issued.token;
    const body = {
      token_type: 'Bearer',
      access_token: value,
      expires_on: Math.floor(expiresAtMs / 1000),
      expires_in: Math.floor((expiresAtMs - clock.wallMs()) / 1000),
    };
    return { status: 200, headers: {}, body };
  }
}

/** Of a result, or of an error that is to name nothing but its code. */
function field(value: unknown, name: 'accessToken' | 'errorCode'): string | undefined {
  const found = (value as Record<string, unknown> | null)?.[name];
  return typeof found === 'string' ? found : undefined;
}
