import t from 'tap';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import { addon } from '../../src/kafka/addon.js';
import { type LoggedIn, producerAsClient } from '../../src/kafka/login.js';
import { NativeShard } from '../support/native-shard.js';

/* What a client logs in with is set while it runs. What is wrong is told, and no value of it. */

const NOWHERE = { 'bootstrap.servers': '127.0.0.1:1' };
const BY_LOGIN = {
  ...NOWHERE,
  'security.protocol': 'sasl_plaintext',
  'sasl.mechanism': 'PLAIN',
  'sasl.username': 'u',
  'sasl.password': 'p',
};
const BY_TOKEN = {
  ...NOWHERE,
  'security.protocol': 'sasl_plaintext',
  'sasl.mechanism': 'OAUTHBEARER',
};
const LATER_MS = Date.now() + 3_600_000;

type Tap = { teardown(callback: () => void): void };

function producer(t: Tap, properties: Readonly<Record<string, string>>): LoggedIn {
  const shard = new NativeShard();
  t.teardown(() => shard.close());
  return producerAsClient(shard.native, shard.native.addProducer(properties));
}

function consumer(t: Tap, properties: Readonly<Record<string, string>>): LoggedIn {
  const native = new addon.Consumer(
    { ...properties, 'group.id': 'g' },
    'topic',
    new Uint8Array(createRingMemory(1024)),
    new Uint8Array(new SharedArrayBuffer(64)),
    -1,
    -1,
  );
  t.teardown(() => native.destroy());
  return native;
}

for (const [kind, open] of Object.entries({ producer, consumer })) {
  t.test(`a ${kind} takes another login and another token`, async (t) => {
    t.equal(open(t, BY_LOGIN).setCredentials('$ConnectionString', 'ü'.repeat(10_000)), undefined);
    const byToken = open(t, BY_TOKEN);
    t.equal(byToken.setToken('eyJ.a.', LATER_MS, 'bridge'), undefined);
    t.equal(byToken.setToken('eyJ.b.', LATER_MS + 1, ''), undefined);
  });

  t.test(`a ${kind} tells what is wrong with a login or a token, without it`, async (t) => {
    const byLogin = open(t, BY_LOGIN);
    const byToken = open(t, BY_TOKEN);
    for (const [fault, said] of [
      [byLogin.setCredentials('a\0planted', 'p'), /username has a NUL/],
      [byLogin.setCredentials('a', 'p\0planted'), /password has a NUL/],
      [byLogin.setToken('planted', LATER_MS, 'p'), /does not log in by a token/],
      [byToken.setToken('', LATER_MS, 'p'), /token is empty/],
      [byToken.setToken('planted\0', LATER_MS, 'p'), /has a NUL/],
      [byToken.setToken('planted', LATER_MS, 'a\0b'), /principal has a NUL/],
      [byToken.setToken('planted', 1, 'p'), /has expired/],
      [byToken.setToken('plantedü', LATER_MS, 'p'), /refuses the token: _INVALID_ARG/],
      [byToken.setToken('planted\x01', LATER_MS, 'p'), /refuses the token: _INVALID_ARG/],
    ] as const) {
      t.match(fault, said);
      t.notMatch(fault, /planted/);
    }
  });

  t.test(`a ${kind} refuses what is no login and no token`, async (t) => {
    const client = open(t, BY_TOKEN) as unknown as Record<string, (...args: unknown[]) => unknown>;
    const odd = [undefined, null, 1, {}, Symbol('s')];
    for (const value of odd) {
      t.throws(() => client.setCredentials?.(value, 'p'), TypeError);
      t.throws(() => client.setCredentials?.('u', value), TypeError);
      t.throws(() => client.setToken?.(value, LATER_MS, 'p'), TypeError);
      t.throws(() => client.setToken?.('v', LATER_MS, value), TypeError);
    }
    for (const expiresMs of [...odd.filter((value) => value !== 1), -1, 0.5, Number.NaN, 2 ** 60]) {
      t.throws(() => client.setToken?.('v', expiresMs, 'p'), TypeError);
    }
  });
}

t.test('a consumer that is destroyed refuses them', async (t) => {
  const native = consumer(t, BY_TOKEN);
  (native as unknown as { destroy(): void }).destroy();
  t.throws(() => native.setCredentials('u', 'p'), /destroyed/);
  t.throws(() => native.setToken('v', LATER_MS, 'p'), /destroyed/);
});
