import t from 'tap';
import { NO_MATCHING_SUBSCRIBERS } from '../../src/mqtt/reason-code.js';
import { connectedFlows, EXPIRING, RecordFlows, writeMany } from '../support/record-flows.js';

/** More records than a route's turn and a few. */
const MANY = 5_000;
const MANY_TEXTS = Array.from({ length: MANY }, (_, n) => `${n}`);

t.test('a record is published, and committed an interval after its PUBACK', async (t) => {
  const flows = connectedFlows();
  flows.consume({ offset: 41 });
  const [sent] = flows.publisher.takeSent();
  t.match(sent, { topic: 'devices/k', payload: '41', dup: false, qos: 1, retain: false });
  t.equal(flows.flow.underWay, 1);
  flows.clock.advance(60_000);
  t.same(flows.commits(), [], 'not before');
  flows.publisher.puback([sent?.packetId as number]);
  t.equal(flows.flow.underWay, 0);
  flows.clock.advance(999);
  t.same(flows.commits(), []);
  flows.clock.advance(1);
  t.same(flows.commits(), [[{ partition: 0, offset: 42 }]]);
  flows.clock.advance(60_000);
  t.same(flows.commits(), [], 'once');
  t.match(flows.counters(), { recordsConsumed: 1, publishesSent: 1, publishesAcknowledged: 1 });
  t.equal(flows.usedBytes(), 0);
});

t.test('nothing is committed past a record that is not acknowledged', async (t) => {
  const flows = connectedFlows();
  flows.consume({}, {}, {}, { partition: 1 });
  const sent = flows.publisher.takeSent();
  const ids = sent.map(({ packetId }) => packetId);
  flows.publisher.puback([ids[0], ids[2], ids[3]] as number[]);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [
    [
      { partition: 0, offset: 1 },
      { partition: 1, offset: 1 },
    ],
  ]);
  flows.publisher.puback([ids[1]] as number[]);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 3 }]]);
});

t.test('a commit that failed is asked for again, whole', async (t) => {
  const flows = connectedFlows();
  flows.consume({}, { partition: 1 });
  flows.publisher.pubackSent();
  flows.clock.advance(1_000);
  t.equal(flows.commits('_TIMED_OUT').length, 1);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [
    [
      { partition: 0, offset: 1 },
      { partition: 1, offset: 1 },
    ],
  ]);
  t.match(flows.counters(), { commitsFailed: 1, commitsSucceeded: 1 });
});

t.test('where Kafka goes on at a lower offset, so does what is committed', async (t) => {
  const flows = connectedFlows();
  flows.consume({ offset: 20 });
  flows.publisher.pubackSent();
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 21 }]]);
  // The topic was deleted and made anew.
  flows.consume({ offset: 0 }, {});
  flows.publisher.pubackSent();
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
  const fell = flows.log.lines.filter(({ from }) => from !== undefined);
  t.match(fell, [{ partition: 0, from: 20, to: 0 }], 'told once');
});

t.test('at QoS 0 a record is done once it is written, and committed at once', async (t) => {
  const flows = connectedFlows([{ qos: 0 }]);
  flows.consume({}, {});
  t.same(
    flows.publisher.takeSent().map(({ qos, packetId }) => [qos, packetId]),
    [
      [0, 0],
      [0, 0],
    ],
  );
  flows.clock.advance(0);
  t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
});

t.test('at QoS 0 nothing is read while MQTT is away', async (t) => {
  const flows = new RecordFlows([{ qos: 0 }]);
  flows.consume({}, {});
  flows.clock.advance(60_000);
  t.same(flows.commits(), []);
  t.equal(flows.counters().recordsConsumed, 0);
  flows.publisher.connect();
  t.same(flows.publisher.payloads(), ['0', '1']);
  flows.publisher.disconnect();
  flows.consume({});
  flows.clock.advance(60_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
});

t.test('many records at QoS 0 all go, though nobody rings for the rest', async (t) => {
  const flows = connectedFlows([{ qos: 0 }]);
  writeMany(flows, MANY, {});
  flows.clock.advance(10);
  t.same(flows.publisher.payloads(), MANY_TEXTS);
});

t.test('many records that have expired are all passed over', async (t) => {
  const flows = connectedFlows();
  const headers = [['Message Expiry Interval', '1']] as const;
  writeMany(flows, MANY, { timestampMs: 1, headers: [...headers, ['Millrace', EXPIRING]] });
  flows.clock.advance(2_000);
  t.equal(flows.publisher.takeSent().length, 0);
  t.equal(flows.counters().recordsConsumed, MANY);
  t.same(flows.commits().at(-1), [{ partition: 0, offset: MANY }]);
});

t.test('one batch does not keep everything else from its turn', async (t) => {
  const flows = connectedFlows([{ qos: 0, mqttTopic: 'one' }]);
  for (let n = 0; n < 40_000; n++) flows.write({ value: '' });
  flows.ring();
  const first = flows.publisher.takeSent().length;
  t.ok(first < 40_000, `${first} at once`);
  flows.clock.advance(10);
  t.equal(first + flows.publisher.takeSent().length, 40_000);
});

t.test('no matching subscribers is success, and counted', async (t) => {
  const flows = connectedFlows();
  flows.consume({});
  flows.publisher.pubackSent(NO_MATCHING_SUBSCRIBERS);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 1 }]]);
  t.match(flows.counters(), { publishesUnheard: 1, publishesAcknowledged: 1 });
});

t.test('a record that came through this route before is stopped, counted and done', async (t) => {
  const flows = connectedFlows();
  flows.consume({ headers: [['Millrace', 'v=1;properties=;path=edge/down,a/b']] });
  flows.consume({ headers: [['Millrace', 'v=1;properties=;path=a/b']] });
  t.same(flows.publisher.pubackSent(), ['1']);
  t.equal(flows.routeCounters().messagesLoopStopped, 1);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
});

t.test('RETAIN is left out for a broker without retained messages', async (t) => {
  const flows = connectedFlows();
  const headers = [['Retain', '1'] as const, ['Millrace', 'v=1;properties=Retain;path='] as const];
  flows.consume({ headers });
  t.match(flows.publisher.takeSent(), [{ retain: true }]);
  flows.publisher.disconnect();
  flows.publisher.connect({ retainAvailable: false, sessionPresent: true });
  t.match(flows.publisher.takeSent(), [{ retain: false, dup: true }]);
  flows.consume({ headers });
  t.match(flows.publisher.takeSent(), [{ retain: false, dup: false }]);
  t.equal(flows.counters().retainLeftOut, 2);
});

t.test('after a reconnect what is not acknowledged is read in the ring again', async (t) => {
  const flows = connectedFlows();
  flows.consume({}, {}, {});
  const ids = flows.publisher.takeSent().map(({ packetId }) => packetId);
  flows.publisher.puback([ids[1] as number]);
  flows.publisher.disconnect();
  flows.consume({});
  flows.publisher.connect({ sessionPresent: true });
  t.same(
    flows.publisher.takeSent().map(({ payload, dup, packetId }) => [payload, dup, packetId]),
    [
      ['0', true, ids[0]],
      ['2', true, ids[2]],
      ['3', false, 4],
    ],
  );
  t.equal(flows.counters().publishesResent, 2);
});

t.test('routes that share a session take turns, also when one has far more', async (t) => {
  const flows = connectedFlows([
    { name: 'loud', mqttTopic: 'loud' },
    { name: 'quiet', mqttTopic: 'quiet' },
  ]);
  flows.publisher.disconnect();
  flows.publisher.connect({ receiveMaximum: 100 });
  for (let n = 0; n < 3_000; n++) flows.write({}, 0);
  flows.ring(0);
  for (let n = 0; n < 100; n++) flows.write({}, 1);
  flows.ring(1);
  let quiet = 0;
  for (let rounds = 0; quiet < 100 && rounds < 10; rounds++) {
    const sent = flows.publisher.takeSent();
    quiet += sent.filter(({ topic }) => topic === 'quiet').length;
    flows.publisher.puback(sent.map(({ packetId }) => packetId));
  }
  t.equal(quiet, 100);
});

t.test('a route with a session of its own goes on while the others’ is away', async (t) => {
  const flows = new RecordFlows([{}, { name: 'apart', ownSession: true }]);
  flows.own.get(1)?.connect();
  flows.write({}, 0);
  flows.write({}, 1);
  flows.ring(0);
  flows.ring(1);
  t.same(flows.own.get(1)?.pubackSent(), ['0']);
  t.equal(flows.counters(0).recordsConsumed, 0);
});
