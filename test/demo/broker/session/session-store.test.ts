import t from 'tap';
import { createCounters } from '../../../../src/demo/broker/counters.js';
import { applyDefaults } from '../../../../src/demo/broker/options.js';
import { SessionStore } from '../../../../src/demo/broker/session/session-store.js';
import { SubscriptionIndex } from '../../../../src/demo/broker/topic/subscription-index.js';
import { parseTopicFilter } from '../../../../src/demo/broker/topic/topic-filter.js';
import { ManualClock } from '../../../support/manual-clock.js';

const timerMsMax = 2 ** 31 - 1;

/** Node fires a timer with a longer delay at once. */
class NodeLikeClock extends ManualClock {
  override after(delayMs: number, callback: () => void): () => void {
    if (delayMs > timerMsMax) throw new RangeError(`${delayMs} ms is more than a timer can hold`);
    return super.after(delayMs, callback);
  }
}

function setUp() {
  const clock = new NodeLikeClock();
  const counters = createCounters();
  const index = new SubscriptionIndex();
  const context = { settings: applyDefaults({ clock }), counters, held: new Set<string>() };
  return { clock, counters, index, store: new SessionStore(context, index) };
}

t.test('a session outlives its connection by its Session Expiry Interval', async (t) => {
  const { clock, store, counters } = setUp();
  const { session } = store.open('c', false);
  session.expirySeconds = 10;
  store.leave(session);
  clock.advance(9_999);
  t.equal(store.get('c'), session);
  clock.advance(1);
  t.equal(store.get('c'), undefined);
  t.equal(counters.sessionsExpired, 1);
});

t.test('a session whose client comes back does not expire', async (t) => {
  const { clock, store } = setUp();
  const { session } = store.open('c', false);
  session.expirySeconds = 10;
  store.leave(session);
  clock.advance(5_000);
  t.strictSame(store.open('c', false).present, true);
  clock.advance(60_000);
  t.equal(store.get('c'), session);
});

t.test('an interval longer than a timer can hold is waited for in full', async (t) => {
  const { clock, store } = setUp();
  const { session } = store.open('c', false);
  session.expirySeconds = 0xffff_fffe;
  store.leave(session);
  clock.advance(0xffff_fffe * 1000 - 1);
  t.equal(store.get('c'), session);
  clock.advance(1);
  t.equal(store.get('c'), undefined);
});

t.test('Session Expiry Interval 0xFFFFFFFF never ends', async (t) => {
  const { clock, store } = setUp();
  const { session } = store.open('c', false);
  session.expirySeconds = 0xffff_ffff;
  store.leave(session);
  clock.advance(0xffff_ffff * 1000);
  t.equal(store.get('c'), session);
});

t.test('Clean Start begins a new session and takes the old subscriptions away', async (t) => {
  const { store, index } = setUp();
  const { session } = store.open('c', false);
  const filter = parseTopicFilter('a');
  if (filter === undefined) throw new Error('a is a topic filter');
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  const subscription = {
    session,
    text: 'a',
    filter,
    ...options,
    encodedIdentifier: Buffer.alloc(0),
  };
  session.subscriptions.set('a', subscription);
  index.add(subscription);
  const opened = store.open('c', true);
  t.equal(opened.present, false);
  t.not(opened.session, session);
  t.equal(index.match('a').bySession.size, 0);
});

t.test('while suspended nothing expires; the time counts when it resumes', async (t) => {
  const { clock, store } = setUp();
  const { session } = store.open('c', false);
  session.expirySeconds = 10;
  store.leave(session);
  store.suspend();
  clock.advance(20_000);
  t.equal(store.get('c'), session);
  store.resume();
  t.equal(store.get('c'), undefined);
});

t.test('an assigned client identifier is not one that exists', async (t) => {
  const { store } = setUp();
  store.open('assigned-1', false);
  t.equal(store.assignClientId(), 'assigned-2');
});
