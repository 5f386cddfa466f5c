import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { type MovableSession, MqttRotation } from '../../../src/engine/rotation/mqtt-rotation.js';
import { ConnectionFault } from '../../../src/mqtt/dial/connection-fault.js';
import type { SessionState } from '../../../src/mqtt/session-options.js';
import type { MqttCredentials } from '../../../src/secrets/mqtt-credentials.js';
import { type Sealed, seal, unseal } from '../../../src/secrets/sealed.js';
import { ManualClock } from '../../support/manual-clock.js';
import { standingThatTells } from '../../support/standing.js';

/* Which values each session shows a broker that takes some and others not, by whatever way they are tried. */

const REFUSED_WAIT_MS = 30_000;
const NETWORK_WAIT_MS = 1_000;
const SESSION_RETRY_MS = 600_000;
const MOVE_TIMEOUT_MS = 30_000;

type Values = Sealed<MqttCredentials>;

const login = (password: string): Values => seal({ login: { username: 'u', password } });
const token = (serviceAccountToken: string): Values => seal({ serviceAccountToken });
const nameOf = (values: Values) => {
  const { login: shown, serviceAccountToken } = unseal(values);
  return shown?.password ?? serviceAccountToken ?? '';
};

/** Passwords and tokens that the broker takes, and what else it may say. */
class FakeBroker {
  readonly clock = new ManualClock();
  accepts = new Set<string>(['old']);
  isUp = true;
  /** What a connection with another client identifier is told, whatever it shows. */
  trialFault: ConnectionFault | undefined;
  reauthenticates = true;
  trials = 0;
  /** Of the last trial. */
  trialSignal: AbortSignal | undefined;

  fault(values: Values): ConnectionFault | undefined {
    if (!this.isUp) return new ConnectionFault('network', 'nobody listens');
    return this.accepts.has(nameOf(values))
      ? undefined
      : new ConnectionFault('authentication', `refused: ${nameOf(values).length} characters`);
  }

  async try(values: Values, signal: AbortSignal): Promise<void> {
    this.trials += 1;
    this.trialSignal = signal;
    const fault = this.isUp ? (this.trialFault ?? this.fault(values)) : this.fault(values);
    if (fault !== undefined) throw fault;
  }
}

/** Behaves as mqtt/session.ts does, as far as it matters here. */
class FakeSession implements MovableSession {
  state: SessionState = { kind: 'idle' };
  /** While it is, no answer is seen. */
  paused = false;
  /** What it has connected with, one after another. */
  readonly connections: string[] = [];
  readonly #index: number;
  readonly #broker: FakeBroker;
  readonly #rotation: () => MqttRotation;
  #cancelWait = () => {};
  #onResumed = () => {};

  constructor(index: number, broker: FakeBroker, rotation: () => MqttRotation) {
    this.#index = index;
    this.#broker = broker;
    this.#rotation = rotation;
  }

  dial(): void {
    this.#cancelWait();
    this.#set({ kind: 'dialling' });
    const values = this.#rotation().credentialsOf(this.#index);
    const fault = this.#broker.fault(values);
    if (fault !== undefined) {
      this.#wait(fault.lossReason === 'network' ? NETWORK_WAIT_MS : REFUSED_WAIT_MS, fault);
      return;
    }
    this.connections.push(nameOf(values));
    this.#set({ kind: 'active' });
  }

  /** Reads on. */
  resume(): void {
    this.paused = false;
    this.#onResumed();
  }

  lose(): void {
    this.#wait(NETWORK_WAIT_MS, new ConnectionFault('network', 'cut'));
  }

  reconnectAtOnce(reason: string): void {
    if (this.state.kind === 'waiting') this.dial();
    else this.#wait(0, new ConnectionFault('newCredentials', reason));
  }

  async reauthenticate(): Promise<boolean> {
    const values = this.#rotation().credentialsOf(this.#index);
    await turn();
    if (this.paused) {
      await new Promise<void>((resolve) => {
        this.#onResumed = resolve;
      });
    }
    if (this.#broker.reauthenticates && this.#broker.fault(values) === undefined) {
      this.connections.push(`${nameOf(values)} by AUTH`);
      return true;
    }
    this.reconnectAtOnce('refused');
    return false;
  }

  #wait(delayMs: number, { lossReason, message }: ConnectionFault): void {
    this.#set({ kind: 'waiting', reason: message, refused: false, lossReason });
    this.#cancelWait = this.#broker.clock.after(delayMs, () => this.dial());
  }

  #set(state: SessionState): void {
    this.state = state;
    this.#rotation().onState(this.#index, state);
  }
}

function setUp(old: Values, count = 2) {
  const broker = new FakeBroker();
  const { clock } = broker;
  const { standing, told } = standingThatTells();
  const inService: string[] = [];
  const rotation: MqttRotation = new MqttRotation({
    inService: old,
    sessions: () => sessions,
    tryConnect: (values, signal) => broker.try(values, signal),
    standing,
    onInService: (values) => inService.push(nameOf(values)),
    clock,
    random: () => 0.5,
  });
  const sessions = Array.from(
    { length: count },
    (_, index) => new FakeSession(index, broker, () => rotation),
  );
  for (const session of sessions) session.dial();
  /** Lets time pass in steps, and what is due then happen. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(Math.min(250, ms - passed));
      for (let turns = 0; turns < 4; turns++) await turn();
    }
  };
  const connections = () => sessions.map((session) => session.connections);
  return { broker, clock, rotation, sessions, told, inService, pass, connections };
}

t.test('what works is in service, and the sessions move', async (t) => {
  const { broker, rotation, told, inService, pass, connections } = setUp(login('old'));
  broker.accepts.add('new');
  rotation.offer(login('new'));
  await pass(1_000);
  t.strictSame(told, ['found', 'in service']);
  t.strictSame(inService, ['new']);
  t.strictSame(connections(), [
    ['old', 'new'],
    ['old', 'new'],
  ]);
  t.equal(broker.trials, 1);
});

t.test(
  'one session at a time is away, and the others stay where one does not come back',
  async (t) => {
    const { broker, rotation, sessions, pass, connections } = setUp(login('old'), 3);
    broker.accepts.add('new');
    rotation.offer(login('new'));
    // The trial is over, the first session is about to dial.
    for (let turns = 0; turns < 4; turns++) await turn();
    t.strictSame(
      sessions.map(({ state }) => state.kind),
      ['waiting', 'active', 'active'],
    );
    broker.isUp = false;
    await pass(60_000);
    t.strictSame(connections(), [['old'], ['old'], ['old']]);
    t.equal(sessions[1]?.state.kind, 'active');
    broker.isUp = true;
    await pass(2_000);
    t.strictSame(connections(), [
      ['old', 'new'],
      ['old', 'new'],
      ['old', 'new'],
    ]);
  },
);

t.test('what is refused is told once, and nobody loses a connection', async (t) => {
  const { broker, rotation, told, pass, connections, sessions } = setUp(login('old'));
  rotation.offer(login('wrong'));
  await pass(300_000);
  t.ok(broker.trials > 3, 'it is tried again');
  t.ok(broker.trials < 20, 'seldom');
  t.strictSame(told, ['found', 'refused authentication: refused: 5 characters']);
  t.strictSame(connections(), [['old'], ['old']]);
  // Connections that are made meanwhile use what works.
  sessions[0]?.lose();
  await pass(NETWORK_WAIT_MS);
  t.strictSame(connections(), [['old', 'old'], ['old']]);
});

t.test('a good value after a bad one heals it, at once', async (t) => {
  const { broker, rotation, told, pass, connections } = setUp(login('old'));
  rotation.offer(login('wrong'));
  await pass(120_000);
  broker.accepts.add('good');
  rotation.offer(login('good'));
  await pass(500);
  t.strictSame(told.slice(2), ['found', 'in service']);
  t.strictSame(connections()[0], ['old', 'good']);
});

t.test('what the broker learns of later is in service by itself', async (t) => {
  const { broker, rotation, told, pass, connections } = setUp(login('old'));
  rotation.offer(login('early'));
  await pass(30_000);
  broker.accepts.add('early');
  await pass(60_000);
  t.equal(told.at(-1), 'in service');
  t.strictSame(connections()[1], ['old', 'early']);
});

t.test('the values of before put an end to it', async (t) => {
  const { broker, rotation, told, pass } = setUp(login('old'));
  rotation.offer(login('wrong'));
  await pass(10_000);
  rotation.offer(login('old'));
  const { trials } = broker;
  await pass(300_000);
  t.equal(told.at(-1), 'withdrawn');
  t.equal(broker.trials, trials, 'nothing is tried any more');
});

t.test('while the broker is away nothing is known, and then it is', async (t) => {
  const { broker, rotation, told, sessions, pass, connections } = setUp(login('old'));
  broker.isUp = false;
  for (const session of sessions) session.lose();
  rotation.offer(login('new'));
  await pass(100_000);
  t.strictSame(told, ['found', 'untried network: nobody listens']);
  // The password was changed while it was away.
  broker.accepts = new Set(['new']);
  broker.isUp = true;
  await pass(2 * NETWORK_WAIT_MS);
  t.equal(told.at(-1), 'in service');
  t.strictSame(connections(), [
    ['old', 'new'],
    ['old', 'new'],
  ]);
});

t.test('no trial is needed where the old values are refused', async (t) => {
  const { broker, rotation, told, sessions, pass, connections } = setUp(login('old'));
  broker.trialFault = new ConnectionFault('other', 'CONNECT refused: 0x97 Quota exceeded', 0x97);
  rotation.offer(login('new'));
  await pass(60_000);
  t.strictSame(connections(), [['old'], ['old']]);
  broker.accepts = new Set(['new']);
  sessions[1]?.lose();
  await pass(2 * NETWORK_WAIT_MS);
  t.equal(told.at(-1), 'in service');
  t.strictSame(connections(), [
    ['old', 'new'],
    ['old', 'new'],
  ]);
});

t.test('neither the old nor the new work: each is tried, in bounds, until one does', async (t) => {
  const { broker, rotation, sessions, pass, connections, clock } = setUp(login('old'), 1);
  broker.accepts.clear();
  sessions[0]?.lose();
  rotation.offer(login('new'));
  let dials = 0;
  const session = sessions[0] as FakeSession;
  const dial = session.dial.bind(session);
  session.dial = () => {
    dials += 1;
    dial();
  };
  await pass(10 * REFUSED_WAIT_MS);
  t.ok(dials <= 22, `${dials} dials in ten waits`);
  t.ok(clock.waiting <= 3);
  broker.accepts.add('old');
  await pass(2 * REFUSED_WAIT_MS);
  t.strictSame(connections(), [['old', 'old']]);
});

t.test(
  'a broker that takes no other client identifier is tried by the first session',
  async (t) => {
    const { broker, rotation, told, pass, connections } = setUp(login('old'));
    broker.trialFault = new ConnectionFault('other', 'CONNECT refused: 0x85', 0x85);
    rotation.offer(login('wrong'));
    await pass(5_000);
    t.strictSame(told.slice(1), ['refused authentication: refused: 5 characters']);
    t.strictSame(connections(), [['old', 'old'], ['old']], 'it is back with the old at once');
    await pass(SESSION_RETRY_MS / 2);
    t.strictSame(connections(), [['old', 'old'], ['old']], 'and stays for long');
    broker.accepts.add('good');
    rotation.offer(login('good'));
    await pass(1_000);
    t.equal(told.at(-1), 'in service');
    t.strictSame(connections(), [
      ['old', 'old', 'good'],
      ['old', 'good'],
    ]);
  },
);

t.test('a token is shown on the open connections', async (t) => {
  const { broker, rotation, told, pass, connections } = setUp(token('old'));
  broker.accepts.add('new');
  rotation.offer(token('new'));
  await pass(1_000);
  t.strictSame(told, ['found', 'in service']);
  t.equal(broker.trials, 0);
  t.strictSame(connections(), [
    ['old', 'new by AUTH'],
    ['old', 'new by AUTH'],
  ]);
});

t.test('a session that reads nothing holds no other up', async (t) => {
  const { broker, rotation, inService, sessions, pass, connections } = setUp(token('old'), 3);
  const [slow] = sessions as [FakeSession, ...FakeSession[]];
  slow.paused = true;
  broker.accepts = new Set(['new']);
  rotation.offer(token('new'));
  await pass(1_000);
  t.same(inService, ['new'], 'who reads tries it for all');
  await pass(MOVE_TIMEOUT_MS);
  t.same(connections(), [['old'], ['old', 'new by AUTH'], ['old', 'new by AUTH']]);
  slow.resume();
  await pass(1_000);
  t.same(connections()[0], ['old', 'new by AUTH'], 'and over the same connection');
});

t.test('where no session reads, the first to read again puts a new token in service', async (t) => {
  const { broker, rotation, inService, sessions, pass, connections } = setUp(token('old'));
  for (const session of sessions) session.paused = true;
  broker.accepts = new Set(['new']);
  rotation.offer(token('new'));
  await pass(2 * MOVE_TIMEOUT_MS);
  t.same(inService, []);
  for (const session of sessions) session.resume();
  await pass(1_000);
  t.same(inService, ['new']);
  t.same(connections(), [
    ['old', 'new by AUTH'],
    ['old', 'new by AUTH'],
  ]);
});

t.test('where AUTH is refused, connections are made with the token', async (t) => {
  const { broker, rotation, told, pass, connections } = setUp(token('old'));
  broker.reauthenticates = false;
  broker.accepts.add('new');
  rotation.offer(token('new'));
  await pass(1_000);
  t.strictSame(told, ['found', 'in service']);
  t.strictSame(connections(), [
    ['old', 'new'],
    ['old', 'new'],
  ]);
});

t.test('a token that is refused costs one session its connection once', async (t) => {
  const { rotation, told, pass, connections } = setUp(token('old'));
  rotation.offer(token('wrong'));
  await pass(SESSION_RETRY_MS / 2);
  t.strictSame(told, ['found', 'refused authentication: refused: 5 characters']);
  t.strictSame(connections(), [['old', 'old'], ['old']]);
});

t.test('a token that has expired before another could be shown', async (t) => {
  const { broker, rotation, told, sessions, pass, connections } = setUp(token('old'));
  broker.isUp = false;
  for (const session of sessions) session.lose();
  rotation.offer(token('new'));
  await pass(5_000);
  broker.accepts = new Set(['new']);
  broker.isUp = true;
  await pass(2_000);
  t.strictSame(told, ['found', 'untried disconnected: no session is connected', 'in service']);
  t.strictSame(connections(), [
    ['old', 'new'],
    ['old', 'new'],
  ]);
});

t.test('values that come while others are tried or moved to are what counts', async (t) => {
  const { broker, rotation, inService, pass, connections } = setUp(login('old'), 3);
  for (const each of ['second', 'third', 'fourth']) broker.accepts.add(each);
  rotation.offer(login('second'));
  rotation.offer(login('third'));
  for (let turns = 0; turns < 4; turns++) await turn();
  rotation.offer(login('fourth'));
  await pass(5_000);
  t.equal(inService.at(-1), 'fourth');
  t.notOk(inService.includes('second'));
  for (const each of connections()) t.equal(each.at(-1), 'fourth');
});

t.test('what is offered while others are tried is not taken for what was tried', async (t) => {
  const { broker, rotation, told, pass, connections } = setUp(login('old'));
  broker.accepts.add('good');
  rotation.offer(login('good'));
  rotation.offer(login('wrong'));
  await pass(5_000);
  t.strictSame(told, ['found', 'refused authentication: refused: 5 characters']);
  t.strictSame(connections(), [['old'], ['old']]);
});

t.test('other values are tried soon again, however long those before were not', async (t) => {
  const { broker, rotation, told, pass } = setUp(login('old'));
  rotation.offer(login('wrong'));
  await pass(600_000);
  rotation.offer(login('early'));
  await pass(500);
  broker.accepts.add('early');
  await pass(1_500);
  t.equal(told.at(-1), 'in service');
});

t.test('a trial that said nothing is made again as soon as a session is connected', async (t) => {
  const { broker, rotation, told, sessions, pass } = setUp(login('old'));
  broker.accepts.add('new');
  broker.isUp = false;
  for (const session of sessions) session.lose();
  rotation.offer(login('new'));
  await pass(300_000);
  broker.isUp = true;
  await pass(2 * NETWORK_WAIT_MS);
  t.equal(told.at(-1), 'in service');
});

t.test('a session that tries a token for all is not moved back meanwhile', async (t) => {
  const { broker, rotation, told, sessions, pass } = setUp(token('old'));
  sessions[1]?.lose();
  broker.accepts.add('new');
  rotation.offer(token('new'));
  // The first session waits for the answer to its AUTH.
  sessions[1]?.dial();
  await pass(1_000);
  t.strictSame(told, ['found', 'in service']);
});

t.test('a session that moves and one that tries are awaited each by itself', async (t) => {
  const { broker, rotation, told, sessions, pass, connections } = setUp(login('old'), 2);
  broker.accepts.add('new');
  rotation.offer(login('new'));
  // The trial is over, and the first session about to move: it finds nobody.
  for (let turns = 0; turns < 4; turns++) await turn();
  broker.isUp = false;
  await pass(250);
  t.match(sessions[0]?.state, { kind: 'waiting', lossReason: 'network' });
  // Meanwhile there is another change, which is tried by the second.
  broker.isUp = true;
  broker.trialFault = new ConnectionFault('other', 'CONNECT refused: 0x85', 0x85);
  broker.accepts.add('newer');
  rotation.offer(login('newer'));
  await pass(5_000);
  t.equal(told.at(-1), 'in service');
  for (const each of connections()) t.equal(each.at(-1), 'newer');
  broker.trialFault = undefined;
  broker.accepts.add('newest');
  rotation.offer(login('newest'));
  await pass(5_000);
  for (const each of connections()) t.equal(each.at(-1), 'newest', 'and it can change again');
});

t.test('a trial that fails in a way that nobody foresaw is a fault like any other', async (t) => {
  const { broker, rotation, told, pass } = setUp(login('old'));
  const broken = new Error('a bug');
  broker.try = () => Promise.reject(broken);
  rotation.offer(login('new'));
  await pass(1_000);
  t.strictSame(told, ['found', 'untried other: a bug']);
});

t.test('a trial under way is given up by stop()', async (t) => {
  const { broker, rotation, pass } = setUp(login('old'));
  rotation.offer(login('new'));
  await pass(250);
  t.equal(broker.trialSignal?.aborted, false);
  rotation.stop();
  t.equal(broker.trialSignal?.aborted, true);
});

t.test('nothing is left of it after stop(), and nothing moves', async (t) => {
  const { broker, clock, rotation, told, pass, connections } = setUp(login('old'));
  rotation.offer(login('wrong'));
  await pass(10_000);
  broker.accepts.add('wrong');
  rotation.stop();
  t.equal(clock.waiting, 0);
  await pass(300_000);
  t.equal(told.length, 2);
  t.strictSame(connections(), [['old'], ['old']]);
});
