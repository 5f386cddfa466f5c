import type { AuthenticationResult } from '@azure/msal-node';
import t, { type Test } from 'tap';
import { AssertionError } from '../../src/base/assert.js';
import { TokenError } from '../../src/identity/issued-token.js';
import { TokenExchange } from '../../src/identity/token-exchange.js';
import { startEndPoint } from '../support/azure-end-points.js';
import { ManualClock } from '../support/manual-clock.js';

/* What MSAL may send and is shown, and what becomes of what it says. */

const clock = new ManualClock();
const NOW_S = Math.floor(clock.wallMs() / 1000);
const GOOD = {
  access_token: 'abc.def.ghi',
  expires_on: String(NOW_S + 3600),
  resource: 'planted',
  correlation_id: 'planted',
};
const PATH = '/metadata/identity/oauth2/token';

async function start(t: Test) {
  const server = await startEndPoint(t, { answer: () => ({ status: 200, body: GOOD }) });
  const endPoint = {
    url: new URL(PATH, server.url),
    place: 'the end point',
    secrets: [],
    remedyOf: () => undefined,
    absent: 'is it there?',
  };
  const exchange = new TokenExchange({ endPoint, clock, signal: new AbortController().signal });
  /** As MSAL gives it back, of which the token alone is looked at. */
  const result = (accessToken: string) => ({ accessToken }) as AuthenticationResult;
  return { exchange, server, result };
}

t.test('of a token, MSAL is shown what it needs', async (t) => {
  const { exchange, server, result } = await start(t);
  const issued = await exchange.run(async () => {
    const shown = await exchange.sendGetRequestAsync(`${server.url}${PATH}/?resource=a`);
    t.strictSame(shown, {
      status: 200,
      headers: {},
      body: {
        token_type: 'Bearer',
        access_token: 'abc.def.ghi',
        expires_on: NOW_S + 3600,
        expires_in: 3600,
      },
    });
    return result('abc.def.ghi');
  });
  t.equal(issued.token.value, 'abc.def.ghi');
  t.match(server.requests, [{ method: 'GET', path: PATH, query: { resource: 'a' } }]);
});

t.test('what MSAL refuses is told by its code, without its text', async (t) => {
  const refused = Object.assign(new Error('planted'), { errorCode: 'missing_tenant_id_error' });
  const text = (reason: string) =>
    `the end point, is not asked, or gives no token, as MSAL wants it (${reason})`;
  const before = await start(t);
  await t.rejects(
    before.exchange.run(() => Promise.reject(refused)),
    {
      code: 'ERR_ACCESS_TOKEN',
      message: text('missing_tenant_id_error'),
    },
  );
  const none = await start(t);
  await t.rejects(
    none.exchange.run(async () => null),
    { message: text('unknown reason') },
  );

  const another = await start(t);
  const error = await another.exchange
    .run(async () => {
      await another.exchange.sendGetRequestAsync(`${another.server.url}/`);
      return another.result('planted');
    })
    .catch((rejected) => rejected);
  t.type(error, TokenError);
  t.equal(error.message, text('unknown reason'));
});

t.test('what went wrong is told, whatever MSAL makes of it', async (t) => {
  const { exchange, server, result } = await start(t);
  server.answer = () => ({ status: 500, body: { error: 'later' } });
  const acquire = () =>
    exchange.sendPostRequestAsync(`${server.url}/`).then(
      () => result('abc.def.ghi'),
      () => result('planted'),
    );
  await t.rejects(exchange.run(acquire), {
    message: 'the end point, gives no token: HTTP 500, later; that passes by itself as a rule',
  });
});

t.test('another place is not asked, nor the same one for ever', async (t) => {
  const { exchange, server } = await start(t);
  const elsewhere = () => exchange.sendGetRequestAsync('http://127.0.0.1:1/planted');
  await t.rejects(
    exchange.run(async () => {
      await elsewhere();
      return null;
    }),
    AssertionError,
  );
  const again = await start(t);
  const send = () => again.exchange.sendGetRequestAsync(`${again.server.url}/`);
  await send();
  await send();
  await t.rejects(send(), AssertionError);
  t.strictSame([server.requests.length, again.server.requests.length], [0, 2]);
});
