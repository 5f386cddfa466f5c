import t from 'tap';
import type { MqttAuthentication } from '../../src/config/model.js';
import type { SessionOptions } from '../../src/mqtt/session-options.js';
import type { MqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { ScriptedSession } from '../support/scripted-session.js';
import { nextTurn } from '../support/scripted-socket.js';

/* Who a session says that it is, and what becomes of it when that changes. */

const KUBERNETES = { kind: 'kubernetes', audience: 'aio-mq', required: true } as const;
const PASSWORD = { kind: 'usernamePassword', secretName: 'login' } as const;
const X509 = { kind: 'x509', secretName: 'client' } as const;

class Scripted extends ScriptedSession {
  constructor(
    readonly now: { credentials: MqttCredentials },
    authentication: MqttAuthentication = { kind: 'none' },
    options: Partial<SessionOptions> = {},
  ) {
    super({
      security: { tls: undefined, authentication },
      credentials: () => seal(now.credentials),
      ...options,
    });
  }

  /** The token in what was sent since the last look, by CONNECT or AUTH, with its reason code. */
  tokens(): (readonly [reasonCode: number | undefined, token: string])[] {
    return this.socket.packets().flatMap((packet) => {
      if (packet.cmd !== 'connect' && packet.cmd !== 'auth') return [];
      const { authenticationMethod, authenticationData } = packet.properties ?? {};
      t.equal(authenticationMethod, 'K8S-SAT');
      const reasonCode = packet.cmd === 'auth' ? packet.reasonCode : undefined;
      return [[reasonCode, `${authenticationData}`] as const];
    });
  }
}

function withToken(): Scripted {
  const scripted = new Scripted({ credentials: { serviceAccountToken: 'first' } }, KUBERNETES);
  scripted.open();
  return scripted;
}

const METHOD = { authenticationMethod: 'K8S-SAT' };

function activeWithToken(): Scripted {
  const scripted = new Scripted({ credentials: { serviceAccountToken: 'first' } }, KUBERNETES);
  scripted.activate({ properties: METHOD });
  t.equal(scripted.session.state.kind, 'active');
  scripted.socket.packets();
  return scripted;
}

t.test('user name and password go into CONNECT, as they are at every dial', async (t) => {
  const now = { credentials: { login: { username: 'u', password: 'p\n' } } };
  const scripted = new Scripted(now, PASSWORD);
  scripted.open();
  t.match(scripted.socket.packets(), [
    { cmd: 'connect', username: 'u', password: Buffer.from('p\n'), clean: false },
  ]);
  now.credentials = { login: { username: 'u', password: 'other' } };
  await scripted.cut();
  scripted.open();
  t.match(scripted.socket.packets(), [{ cmd: 'connect', password: Buffer.from('other') }]);
});

t.test('without a login CONNECT has none', async (t) => {
  const scripted = new Scripted({ credentials: {} });
  scripted.open();
  const [connect] = scripted.socket.packets();
  t.notOk(connect !== undefined && 'username' in connect && connect.username);
  t.notOk(connect?.cmd === 'connect' && connect.properties?.authenticationMethod);
});

t.test('a refused login says what to look at', async (t) => {
  const cases: readonly [MqttAuthentication, number, RegExp][] = [
    [
      PASSWORD,
      0x86,
      /0x86 Bad User Name or Password: the username or the password in Secret login/,
    ],
    [PASSWORD, 0x87, /0x87 Not authorized: the username or the password in Secret login is wrong/],
    [X509, 0x87, /does not accept whom the client certificate of Secret client names/],
    [KUBERNETES, 0x87, /service account token: has it the audience aio-mq/],
    [KUBERNETES, 0x8c, /does not take service account tokens \(K8S-SAT\)/],
    [{ kind: 'none' }, 0x8c, /asks for another kind of authentication/],
    [{ kind: 'none' }, 0x87, /asks for a login: give localBrokerConnection.authentication/],
  ];
  for (const [authentication, reasonCode, reason] of cases) {
    const scripted = new Scripted({ credentials: {} }, authentication);
    scripted.connect({ reasonCode });
    const state = scripted.session.state;
    t.match(state, { kind: 'waiting', refused: true, lossReason: 'authentication', reason });
  }
});

t.test('a connection that ends before its CONNACK tells what may be behind it', async (t) => {
  const scripted = new Scripted({ credentials: {} });
  scripted.open();
  await scripted.cut();
  t.match(scripted.session.state, {
    reason: /before its CONNACK: if it is the broker's port for TLS, give tlsEnabled: true$/,
  });
  const alert = new Scripted({ credentials: {} });
  alert.open();
  alert.socket.send(Buffer.from('15030100020246', 'hex'));
  t.match(alert.session.state, {
    reason: /before its CONNACK: if it is the broker's port for TLS/,
  });
});

t.test('a token goes along in CONNECT, and once more where the server asks', async (t) => {
  const scripted = withToken();
  t.same(scripted.tokens(), [[undefined, 'first']]);
  scripted.send({ cmd: 'auth', reasonCode: 0x18, properties: METHOD });
  t.same(scripted.tokens(), [[0x18, 'first']]);
  scripted.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: METHOD });
  t.equal(scripted.session.state.kind, 'subscribing');
});

t.test('an AUTH or CONNACK that is not awaited ends the connection', async (t) => {
  const cases: readonly [() => Scripted, Parameters<Scripted['send']>[0], RegExp][] = [
    [withToken, { cmd: 'auth', reasonCode: 0, properties: METHOD }, /AUTH with 0x00 Success that/],
    [withToken, { cmd: 'auth', reasonCode: 0x19, properties: METHOD }, /AUTH with 0x19 Re-auth/],
    [withToken, { cmd: 'auth', reasonCode: 0x18 }, /an AUTH of another method/],
    [
      withToken,
      {
        cmd: 'connack',
        reasonCode: 0,
        sessionPresent: false,
        properties: { authenticationMethod: 'X' },
      },
      /a CONNACK with an Authentication Method that CONNECT did not name/,
    ],
    [activeWithToken, { cmd: 'auth', reasonCode: 0x18, properties: METHOD }, /0x18 Continue/],
    [
      () => {
        const scripted = new Scripted({ credentials: {} });
        scripted.activate();
        return scripted;
      },
      { cmd: 'auth', reasonCode: 0x18, properties: METHOD },
      /an AUTH, although CONNECT named no Authentication Method/,
    ],
  ];
  for (const [make, packet, reason] of cases) {
    const scripted = make();
    scripted.send(packet);
    t.match(scripted.session.state, { kind: 'waiting', reason });
    t.equal(scripted.disconnectCode(), 0x82);
  }
});

t.test('a second question for the token is one too many', async (t) => {
  const scripted = withToken();
  for (let n = 0; n < 2; n++) {
    scripted.send({ cmd: 'auth', reasonCode: 0x18, properties: METHOD });
  }
  t.match(scripted.session.state, { kind: 'waiting', reason: /0x18 Continue authentication that/ });
});

t.test('a new token is taken over the open connection', async (t) => {
  const scripted = activeWithToken();
  scripted.now.credentials = { serviceAccountToken: 'second' };
  const renewed = scripted.session.reauthenticate();
  t.same(scripted.tokens(), [[0x19, 'second']]);
  scripted.send({ cmd: 'auth', reasonCode: 0x18, properties: METHOD });
  t.same(scripted.tokens(), [[0x18, 'second']]);
  scripted.send({ cmd: 'auth', reasonCode: 0, properties: METHOD });
  t.equal(await renewed, true);
  t.equal(scripted.session.state.kind, 'active');
  scripted.clock.advance(60_000);
  t.equal(scripted.sockets.length, 1, 'no time-out is left over');
});

t.test('a token that is refused there goes into a CONNECT at once', async (t) => {
  const scripted = activeWithToken();
  scripted.now.credentials = { serviceAccountToken: 'second' };
  const renewed = scripted.session.reauthenticate();
  scripted.send({ cmd: 'disconnect', reasonCode: 0x87 });
  t.equal(await renewed, false);
  t.match(scripted.states.at(-1), {
    kind: 'waiting',
    refused: false,
    lossReason: 'newCredentials',
  });
  scripted.clock.advance(0);
  t.equal(scripted.sockets.length, 2);
  scripted.socket.accept();
  t.same(scripted.tokens(), [[undefined, 'second']]);
  scripted.send({ cmd: 'connack', reasonCode: 0x87, sessionPresent: false });
  scripted.clock.advance(10_000);
  t.equal(scripted.sockets.length, 2, 'and if it is refused again it waits for long');
});

t.test('a server that says nothing to a new token is left for a new connection', async (t) => {
  const scripted = activeWithToken();
  scripted.now.credentials = { serviceAccountToken: 'second' };
  const renewed = scripted.session.reauthenticate();
  scripted.clock.advance(scripted.session.options.connectTimeoutMs);
  t.equal(await renewed, false);
  t.equal(scripted.disconnectCode(), 0);
  scripted.clock.advance(0);
  scripted.socket.accept();
  t.same(scripted.tokens(), [[undefined, 'second']]);
});

t.test(
  'an answer to a new token that cannot be read, for a pause of our own, is waited for',
  async (t) => {
    const scripted = activeWithToken();
    scripted.credit = false;
    scripted.publishTo('plant/a', 1);
    scripted.now.credentials = { serviceAccountToken: 'second' };
    const renewed = scripted.session.reauthenticate();
    scripted.send({ cmd: 'auth', reasonCode: 0, properties: METHOD });
    const { connectTimeoutMs } = scripted.session.options;
    scripted.clock.advance(10 * connectTimeoutMs);
    await nextTurn();
    t.equal(scripted.session.state.kind, 'active');
    scripted.credit = true;
    scripted.session.resume();
    t.equal(await renewed, true);
    scripted.clock.advance(10 * connectTimeoutMs);
    t.equal(scripted.sockets.length, 1, 'over the one connection');
  },
);

t.test(
  'a pause while a new token is decided about does not count, what follows does',
  async (t) => {
    const scripted = activeWithToken();
    const { connectTimeoutMs } = scripted.session.options;
    scripted.now.credentials = { serviceAccountToken: 'second' };
    const renewed = scripted.session.reauthenticate();
    scripted.credit = false;
    scripted.publishTo('plant/a', 1);
    scripted.clock.advance(connectTimeoutMs / 2);
    scripted.credit = true;
    scripted.session.resume();
    scripted.clock.advance(connectTimeoutMs);
    await nextTurn();
    t.equal(scripted.session.state.kind, 'active', 'the answer may still lie in the socket');
    scripted.clock.advance(connectTimeoutMs / 2);
    t.equal(await renewed, false);
    t.equal(scripted.disconnectCode(), 0, 'a broker that says nothing is left');
  },
);

t.test('moving to another connection waits for nothing and loses nothing', async (t) => {
  const scripted = new Scripted({ credentials: {} });
  scripted.activate({ properties: { sessionExpiryInterval: 86_400 } });
  scripted.publishTo('plant/a', 1);
  scripted.session.reconnectAtOnce('there are new credentials');
  t.equal(scripted.disconnectCode(), 0, 'an orderly DISCONNECT, which keeps the session');
  scripted.clock.advance(0);
  t.equal(scripted.sockets.length, 2);
  scripted.activate({ sessionPresent: true });
  scripted.publishTo('plant/a', 1, true);
  t.same(scripted.joined, [1], 'what is open is not produced again');
  scripted.settle('plant/a');
  t.same(scripted.pubacks(), [[1, 0]]);
  t.equal(scripted.deliveries.length, 1);
});

t.test('a session that waits makes its attempt at once; one that stopped stays so', async (t) => {
  const scripted = new Scripted({ credentials: {} });
  scripted.connect({ reasonCode: 0x87 });
  t.match(scripted.session.state, { kind: 'waiting', refused: true });
  await nextTurn();
  scripted.session.reconnectAtOnce('there are new credentials');
  t.equal(scripted.sockets.length, 2);
  t.equal(scripted.session.state.kind, 'dialling');
  scripted.session.stop('the test is over');
  scripted.session.reconnectAtOnce('there are new credentials');
  t.equal(scripted.sockets.length, 2);
  const idle = new Scripted({ credentials: {} });
  idle.session.reconnectAtOnce('there are new credentials');
  t.equal(idle.sockets.length, 0);
});
