import t from 'tap';
import { type FakeSession, SESSION_RETRY_MS, setUp, token } from '../../support/mqtt-rotation.js';

/* The same of service account tokens, which are shown on the connections that are open. */

const MOVE_TIMEOUT_MS = 30_000;

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
