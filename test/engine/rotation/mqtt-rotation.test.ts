import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { ConnectionFault } from '../../../src/mqtt/dial/connection-fault.js';
import {
  type FakeSession,
  login,
  NETWORK_WAIT_MS,
  REFUSED_WAIT_MS,
  SESSION_RETRY_MS,
  setUp,
} from '../../support/mqtt-rotation.js';

/* Which values each session shows a broker that takes some and others not: passwords, which are tried by a
 * connection of their own where the broker lets them. */

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
