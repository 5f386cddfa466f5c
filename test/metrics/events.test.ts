import t from 'tap';
import { ConnectorEvents } from '../../src/metrics/events.js';
import { captureLog } from '../support/captured-log.js';
import { ManualClock } from '../support/manual-clock.js';

function setUp() {
  const clock = new ManualClock();
  const { log, lines } = captureLog();
  const events = new ConnectorEvents('my-connector', log, clock);
  return { clock, lines, events, route: events.route('route1') };
}

t.test('a dead letter is counted every time and logged once in ten seconds', async (t) => {
  const { clock, lines, route } = setUp();
  const detail = { id: 'id-1', topicName: 'plant/1', message: 'Broker: Message size too large' };
  for (let n = 0; n < 5; n += 1) route.deadLettered('recordTooLarge', detail);
  t.equal(route.counters.deadLettered.recordTooLarge, 5);
  t.equal(lines.length, 1);
  t.match(lines[0], {
    connector: 'my-connector',
    route: 'route1',
    reason: 'recordTooLarge',
    id: 'id-1',
    topicName: 'plant/1',
    detail: 'Broker: Message size too large',
    suppressed: 0,
  });
  clock.advance(10_000);
  route.deadLettered('recordTooLarge', detail);
  t.equal(lines.length, 2);
  t.match(lines[1], { suppressed: 4 });
});

t.test('another reason is logged at once', async (t) => {
  const { lines, route } = setUp();
  const detail = { id: 'id-1', topicName: 'plant/1', message: '' };
  route.deadLettered('recordTooLarge', detail);
  route.deadLettered('oversize', detail);
  t.equal(lines.length, 2);
});

t.test('connection errors of one session and reason are logged once in ten seconds', async (t) => {
  const { clock, lines, events } = setUp();
  for (let n = 0; n < 50; n += 1) {
    events.mqttLost('session-0', 'refused', 'ECONNREFUSED');
    clock.advance(100);
  }
  t.equal(lines.length, 1);
  t.equal(events.counters.mqttLosses.refused, 50);
});

t.test(
  'a session is connected from its CONNACK until its connection is lost or closed',
  async (t) => {
    const { events } = setUp();
    events.mqttConnected('session-0', false);
    events.mqttConnected('session-1', true);
    t.equal(events.counters.sessionsConnected.size, 2);
    events.mqttLost('session-0', 'closed', 'end of stream');
    t.same([...events.counters.sessionsConnected], ['session-1']);
    events.mqttClosed('session-1');
    t.equal(events.counters.sessionsConnected.size, 0);
  },
);

t.test('paused time includes the pause that still lasts, and no pause twice', async (t) => {
  const { clock, events } = setUp();
  events.socketPaused('session-0');
  clock.advance(1_000);
  events.socketPaused('session-0');
  clock.advance(500);
  events.socketResumed('session-0');
  events.socketResumed('session-0');
  clock.advance(5_000);
  t.equal(events.counters.pausedMsUntil(clock.monotonicMs()), 1_500);
  events.socketPaused('session-0');
  events.socketPaused('session-1');
  clock.advance(100);
  t.equal(events.counters.pausedMsUntil(clock.monotonicMs()), 1_700);
});

t.test('a PUBACK counts as refused from reason code 0x80 on', async (t) => {
  const { events } = setUp();
  for (const reasonCode of [0x00, 0x10, 0x7f, 0x80, 0x97]) events.pubackSent(reasonCode);
  t.equal(events.counters.pubacksSucceeded, 3);
  t.equal(events.counters.pubacksRefused, 2);
});

t.test('Kafka coming up is logged when it was down, and not again', async (t) => {
  const { lines, events } = setUp();
  events.kafkaUp(0);
  events.kafkaUp(0);
  t.equal(lines.length, 1);
  events.kafkaDown(0, 'network', 'all brokers down');
  t.equal(events.counters.shard(0).kafkaUp, false);
  events.kafkaUp(0);
  t.same(
    lines.map(({ msg }) => msg),
    ['Kafka answers', 'no connection to Kafka', 'Kafka answers'],
  );
});

t.test(
  'a held delivery is counted once for its reason and leaves the gauge when released',
  async (t) => {
    const { route } = setUp();
    route.holdBegan('quota', 'throttled');
    route.holdBegan('deadLetterStore', 'full');
    t.equal(route.counters.holdsNow, 2);
    route.holdEnded();
    t.equal(route.counters.holdsNow, 1);
    t.equal(route.counters.holds.quota, 1);
    t.equal(route.counters.holds.deadLetterStore, 1);
  },
);

t.test('the same name always gives the same route', async (t) => {
  const { events, route } = setUp();
  t.equal(events.route('route1'), route);
  t.not(events.route('route2'), route);
});

t.test('an access token that cannot be had is logged when the reason is another one', async (t) => {
  const { clock, lines, events } = setUp();
  const logged = () => lines.splice(0).map(({ msg, detail }) => [msg, detail]);
  for (const detail of ['nobody listens', 'nobody listens', 'HTTP 400', 'HTTP 400']) {
    events.accessTokenMissing(detail);
    clock.advance(60_000);
  }
  const none = 'no access token could be had; it is tried again';
  t.strictSame(logged(), [
    [none, 'nobody listens'],
    [none, 'HTTP 400'],
  ]);
  t.equal(events.counters.accessTokenFailures, 4);
  events.accessTokenIssued(clock.wallMs() + 5_000);
  events.accessTokenWell();
  events.accessTokenWell();
  t.strictSame(logged(), [
    ['there is a new access token', undefined],
    ['access tokens can be had again', undefined],
  ]);
  t.equal(events.counters.accessTokens, 1);
  events.accessTokenMissing('HTTP 400');
  t.strictSame(logged(), [[none, 'HTTP 400']]);
});

t.test('a connection that is given up for new credentials is nothing to warn of', async (t) => {
  const { lines, events } = setUp();
  events.mqttConnected('session-0', false);
  events.mqttRenewed('session-0');
  t.equal(events.counters.sessionsConnected.size, 0);
  t.equal(events.counters.mqttLosses.newCredentials, 1);
  t.match(lines.at(-1), { level: 30, session: 'session-0' });
});
