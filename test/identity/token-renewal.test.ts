import t from 'tap';
import { type IssuedToken, TokenError } from '../../src/identity/issued-token.js';
import { TokenRenewal } from '../../src/identity/token-renewal.js';
import { Backoff } from '../../src/mqtt/backoff.js';
import type { AccessToken } from '../../src/secrets/kafka-credentials.js';
import { ManualClock } from '../support/manual-clock.js';

/* When a token is renewed, on a clock that a test moves and with jitter that it chooses. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

class PlayedSource {
  readonly #clock: ManualClock;
  /** When each request came, by the monotonic clock. */
  readonly askedMs: number[] = [];
  #answer: ((result: IssuedToken | TokenError) => void) | undefined;
  signal: AbortSignal | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  issue(signal: AbortSignal): Promise<IssuedToken> {
    this.askedMs.push(this.#clock.monotonicMs());
    this.signal = signal;
    return new Promise((resolve, reject) => {
      this.#answer = (result) => {
        if (result instanceof TokenError) reject(result);
        else resolve(result);
      };
    });
  }

  /** Answers the request that is under way, and waits until that is heard. */
  async answer(result: IssuedToken | TokenError): Promise<void> {
    this.#answer?.(result);
    this.#answer = undefined;
    await new Promise(setImmediate);
  }
}

function setUp({ random = (): number => 0.5 } = {}) {
  const clock = new ManualClock();
  const source = new PlayedSource(clock);
  const tokens: AccessToken[] = [];
  const troubles: string[] = [];
  let wells = 0;
  const renewal = new TokenRenewal({
    source,
    clock,
    random,
    backoff: new Backoff(1_000, MINUTE, () => 1),
    onToken: (token) => tokens.push(token),
    onTrouble: (text) => troubles.push(text),
    onWell: () => {
      wells++;
    },
  });
  const give = (value: string, lifeMs: number, refreshInMs?: number) =>
    source.answer({
      token: { value, expiresAtMs: clock.wallMs() + lifeMs, principal: 'p' },
      refreshAtMs: refreshInMs === undefined ? undefined : clock.wallMs() + refreshInMs,
    });
  /** How long after this moment the next request comes. */
  const nextAskMs = (stepMs: number) => {
    const startMs = clock.monotonicMs();
    const asked = source.askedMs.length;
    while (source.askedMs.length === asked && clock.monotonicMs() < startMs + 100 * HOUR) {
      clock.advance(stepMs);
    }
    return (source.askedMs.at(-1) ?? Number.NaN) - startMs;
  };
  const values = () => tokens.map(({ value }) => value);
  return { clock, source, renewal, troubles, give, nextAskMs, values, wells: () => wells };
}

t.test(
  'the first token is asked for at once, and the next after 60 to 80 % of its life',
  async (t) => {
    for (const [random, share] of [
      [0, 0.6],
      [0.5, 0.7],
      [0.999, 0.7998],
    ] as const) {
      const { renewal, source, give, nextAskMs, values, wells } = setUp({ random: () => random });
      renewal.start();
      t.equal(source.askedMs.length, 1);
      await give('one', 24 * HOUR);
      t.strictSame(values(), ['one']);
      t.equal(Math.round(nextAskMs(MINUTE) / MINUTE), Math.round(24 * 60 * share));
      await give('two', 24 * HOUR);
      t.strictSame([values(), wells()], [['one', 'two'], 2]);
      renewal.stop();
    }
  },
);

t.test(
  'the time that the issuer names counts, with jitter, but never the last fifth',
  async (t) => {
    const { renewal, give, nextAskMs } = setUp({ random: () => 0.5 });
    renewal.start();
    await give('one', 10 * HOUR, 5 * HOUR);
    t.equal(nextAskMs(MINUTE), 5 * HOUR + 15 * MINUTE);
    await give('two', 10 * HOUR, 9 * HOUR);
    t.equal(nextAskMs(MINUTE), 8 * HOUR);
    renewal.stop();
  },
);

t.test('a token that the end point gives again is asked for less and less often', async (t) => {
  const { renewal, source, clock, nextAskMs, values } = setUp();
  renewal.start();
  const token = { value: 'kept', expiresAtMs: clock.wallMs() + 24 * HOUR, principal: 'p' };
  await source.answer({ token, refreshAtMs: undefined });
  while (clock.wallMs() < token.expiresAtMs - 1_000) {
    nextAskMs(100);
    await source.answer({ token, refreshAtMs: undefined });
  }
  t.strictSame(values(), ['kept'], 'told once');
  t.ok(source.askedMs.length < 20, `${source.askedMs.length} requests`);
  const gaps = source.askedMs.slice(1).map((ms, index) => ms - (source.askedMs[index] as number));
  t.ok(Math.min(...gaps) >= 1_000, `${gaps}`);
  renewal.stop();
});

t.test(
  'an issuer whose time is over and that gives the same token again is asked less and less',
  async (t) => {
    const { renewal, source, clock, nextAskMs, values } = setUp({ random: () => 0 });
    renewal.start();
    const token = { value: 'kept', expiresAtMs: clock.wallMs() + 24 * HOUR, principal: 'p' };
    const refreshAtMs = clock.wallMs() - HOUR;
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      await source.answer({ token, refreshAtMs });
      waits.push(nextAskMs(1_000) / MINUTE);
    }
    t.strictSame(waits.slice(0, 10), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    const leftMin = 24 * 60 - 1023;
    t.equal(waits[10], Math.ceil(leftMin * 0.8 * 60) / 60, 'but in time before it expires');
    t.strictSame(values(), ['kept']);

    const other = { ...token, value: 'another', expiresAtMs: clock.wallMs() + 24 * HOUR };
    await source.answer({ token: other, refreshAtMs });
    t.equal(nextAskMs(1_000), MINUTE, 'from the beginning again');
    renewal.stop();
  },
);

t.test('a token of some seconds whose time is over is renewed before it expires', async (t) => {
  const { renewal, give, nextAskMs } = setUp({ random: () => 0 });
  renewal.start();
  await give('one', 20_000, -1_000);
  t.equal(nextAskMs(1_000), 16_000);
  renewal.stop();
});

t.test('after failures it is tried again, later each time, and the token stays', async (t) => {
  const { renewal, source, give, nextAskMs, troubles, values, wells, clock } = setUp();
  renewal.start();
  await source.answer(new TokenError('nobody listens'));
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    waits.push(nextAskMs(1_000));
    await source.answer(new TokenError('nobody listens'));
  }
  t.strictSame(
    waits,
    [1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1_000),
  );
  t.equal(new Set(troubles).size, 1);
  t.equal(troubles[0], 'there is no access token yet: nobody listens');
  nextAskMs(1_000);
  await give('one', HOUR);
  t.strictSame([values(), wells()], [['one'], 1]);

  const until = new Date(clock.wallMs() + HOUR).toISOString();
  nextAskMs(1_000);
  await source.answer(new TokenError('nobody listens'));
  t.equal(
    troubles.at(-1),
    `the access token, good until ${until}, cannot be renewed: nobody listens`,
  );
  t.equal(nextAskMs(1_000), 1_000, 'from the beginning again');
  clock.advance(HOUR);
  await source.answer(new TokenError('nobody listens'));
  t.equal(
    troubles.at(-1),
    `the access token has expired at ${until} and cannot be renewed: nobody listens`,
  );
  t.strictSame(values(), ['one']);
  renewal.stop();
});

t.test('Retry-After is waited for, whoever wants another token now', async (t) => {
  const { renewal, source, nextAskMs } = setUp();
  renewal.start();
  await source.answer(new TokenError('throttled', 5 * MINUTE));
  renewal.renewNow();
  t.equal(nextAskMs(1_000), 5 * MINUTE);
  await source.answer(new TokenError('nobody listens'));
  for (let n = 0; n < 10; n++) renewal.renewNow();
  t.equal(nextAskMs(1_000), 2_000, 'nor is any other wait cut short');
  renewal.stop();
});

t.test('however often another token is wanted, it is asked for once in ten seconds', async (t) => {
  const { renewal, source, give, clock, nextAskMs } = setUp();
  renewal.start();
  renewal.renewNow();
  renewal.renewNow();
  t.equal(source.askedMs.length, 1, 'one request at a time');
  await give('one', 24 * HOUR);
  t.equal(nextAskMs(1_000), 10_000, 'what was wanted meanwhile is not forgotten');
  await give('two', 24 * HOUR);
  clock.advance(MINUTE);
  for (let n = 0; n < 20; n++) renewal.renewNow();
  clock.advance(0);
  t.equal(source.askedMs.length, 3, 'at once, where the last was long ago');
  await give('three', 24 * HOUR);
  t.ok(nextAskMs(1_000) > HOUR);
  renewal.stop();
});

t.test('a wall clock that is set does not make it miss the time', async (t) => {
  const { renewal, source, clock } = setUp();
  renewal.start();
  const expiresAtMs = clock.wallMs() + 24 * HOUR;
  await source.answer({
    token: { value: 'a', expiresAtMs, principal: 'p' },
    refreshAtMs: undefined,
  });
  // 20 hours were slept through: the wall clock alone knows of them.
  const wallMs = clock.wallMs.bind(clock);
  clock.wallMs = () => wallMs() + 20 * HOUR;
  clock.advance(10 * MINUTE);
  t.equal(source.askedMs.length, 2);
  renewal.stop();
});

t.test('after the stop nothing is asked, told or left', async (t) => {
  const { renewal, source, give, clock, values, troubles } = setUp();
  renewal.start();
  await give('one', HOUR);
  renewal.stop();
  renewal.renewNow();
  clock.advance(2 * HOUR);
  t.equal(source.askedMs.length, 1);

  for (const end of ['token', 'failure']) {
    const other = setUp();
    other.renewal.start();
    other.renewal.stop();
    t.equal(other.source.signal?.aborted, true);
    if (end === 'token') await other.give('late', HOUR);
    else await other.source.answer(new TokenError('is not asked any more'));
    other.clock.advance(2 * HOUR);
    t.strictSame([other.values(), other.troubles, other.source.askedMs.length], [[], [], 1]);
  }
  t.strictSame([values(), troubles], [['one'], []]);
});
