import t from 'tap';
import { NO_MATCHING_SUBSCRIBERS, QUOTA_EXCEEDED } from '../../src/mqtt/reason-code.js';
import { RecordFlows, turns } from '../support/record-flows.js';

const NOT_AUTHORIZED = 0x87;
/** More records than a route's turn and a few. */
const MANY = 5_000;
const MANY_TEXTS = Array.from({ length: MANY }, (_, n) => `${n}`);

function connected(...args: ConstructorParameters<typeof RecordFlows>): RecordFlows {
  const flows = new RecordFlows(...args);
  flows.publisher.connect();
  return flows;
}

function many(flows: RecordFlows, count: number, spec: Parameters<RecordFlows['write']>[0]): void {
  for (let n = 0; n < count; n++) flows.write(spec);
  flows.ring();
}

t.test('a record is published, and committed an interval after its PUBACK', async (t) => {
  const flows = connected();
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
  const flows = connected();
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
  const flows = connected();
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
  const flows = connected();
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
  const flows = connected([{ qos: 0 }]);
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
  const flows = connected([{ qos: 0 }]);
  many(flows, MANY, {});
  flows.clock.advance(10);
  t.same(flows.publisher.payloads(), MANY_TEXTS);
});

t.test('many records that have expired are all passed over', async (t) => {
  const flows = connected();
  const headers = [['Message Expiry Interval', '1']] as const;
  many(flows, MANY, { timestampMs: 1, headers: [...headers, ['Millrace', expiring]] });
  flows.clock.advance(2_000);
  t.equal(flows.publisher.takeSent().length, 0);
  t.equal(flows.counters().recordsConsumed, MANY);
  t.same(flows.commits().at(-1), [{ partition: 0, offset: MANY }]);
});

t.test('one batch does not keep everything else from its turn', async (t) => {
  const flows = connected([{ qos: 0, mqttTopic: 'one' }]);
  for (let n = 0; n < 40_000; n++) flows.write({ value: '' });
  flows.ring();
  const first = flows.publisher.takeSent().length;
  t.ok(first < 40_000, `${first} at once`);
  flows.clock.advance(10);
  t.equal(first + flows.publisher.takeSent().length, 40_000);
});

t.test('no matching subscribers is success, and counted', async (t) => {
  const flows = connected();
  flows.consume({});
  flows.publisher.pubackSent(NO_MATCHING_SUBSCRIBERS);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 1 }]]);
  t.match(flows.counters(), { publishesUnheard: 1, publishesAcknowledged: 1 });
});

t.test('onNoSubscriber: hold tries again with backoff, and its topic waits', async (t) => {
  const flows = connected([{ onNoSubscriber: 'hold' }]);
  const { publisher, clock } = flows;
  flows.consume({ value: 'a' });
  publisher.pubackSent(NO_MATCHING_SUBSCRIBERS);
  flows.consume({ value: 'b' }, { key: 'other', value: 'c' });
  t.same(publisher.pubackSent(), ['c'], 'another topic goes on');
  t.equal(flows.counters().recordsHeldNow, 2);
  t.equal(flows.flow.underWay, 0);
  clock.advance(499);
  t.same(publisher.payloads(), []);
  clock.advance(1);
  t.same(publisher.pubackSent(NO_MATCHING_SUBSCRIBERS), ['a']);
  clock.advance(999);
  t.same(publisher.payloads(), []);
  clock.advance(1);
  t.same(flows.commits(), [], 'nothing past what is held');
  t.same(publisher.pubackSent(), ['a']);
  t.same(publisher.pubackSent(), ['b'], 'at once');
  clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 3 }]]);
  t.equal(flows.counters().recordsHeldNow, 0);
  t.equal(flows.usedBytes(), 0);
});

t.test('records that were under way when the first was held keep their order', async (t) => {
  const flows = connected([{ onNoSubscriber: 'hold' }]);
  const { publisher, clock } = flows;
  flows.consume({}, {}, {});
  const ids = publisher.takeSent().map(({ packetId }) => packetId);
  publisher.puback(ids.slice(0, 1), NO_MATCHING_SUBSCRIBERS);
  flows.consume({});
  publisher.puback(ids.slice(1), NO_MATCHING_SUBSCRIBERS);
  for (const expected of ['0', '1', '2', '3']) {
    clock.advance(500);
    t.same(publisher.pubackSent(), [expected]);
  }
  t.equal(flows.usedBytes(), 0);
});

t.test('the backoff rises to 30 s', async (t) => {
  const flows = connected();
  flows.consume({});
  const waits: number[] = [];
  for (let round = 0; round < 9; round++) {
    flows.publisher.pubackSent(QUOTA_EXCEEDED);
    const sinceMs = flows.clock.monotonicMs();
    while (flows.publisher.outbound.inFlight === 0) flows.clock.advance(100);
    waits.push(flows.clock.monotonicMs() - sinceMs);
  }
  t.same(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

t.test('a held record that cannot be sent when it is due goes first once it can', async (t) => {
  const flows = connected();
  const { publisher, clock } = flows;
  flows.consume({ value: 'a' });
  publisher.pubackSent(QUOTA_EXCEEDED);
  flows.consume({ value: 'b' });
  publisher.disconnect();
  flows.write({ key: 'other', value: 'c' });
  clock.advance(60_000);
  publisher.connect({ sessionPresent: true });
  t.same(publisher.pubackSent(), ['a', 'c']);
  t.same(publisher.pubackSent(), ['b']);
  t.equal(flows.usedBytes(), 0);
});

t.test('a record whose turn comes while MQTT is away waits without a timer', async (t) => {
  const flows = connected();
  const { publisher, clock } = flows;
  flows.consume({ value: 'a' });
  publisher.pubackSent(QUOTA_EXCEEDED);
  flows.consume({ value: 'b' });
  clock.advance(500);
  const [sent] = publisher.takeSent();
  // Its PUBACK is the last thing that comes: what lines up behind it has no connection.
  publisher.outbound.onPuback(sent?.packetId as number, 0);
  t.same(publisher.payloads(), []);
  publisher.disconnect();
  clock.advance(60_000);
  publisher.connect({ sessionPresent: true });
  t.same(publisher.pubackSent(), ['b']);
});

t.test('held records of one topic that all expire are all let go', async (t) => {
  const flows = connected();
  const { publisher, clock } = flows;
  const wallMs = clock.wallMs();
  const headers = [['Message Expiry Interval', '10'] as const, ['Millrace', expiring] as const];
  const spec = { timestampMs: wallMs, headers, value: '' };
  flows.consume(spec);
  publisher.pubackSent(QUOTA_EXCEEDED);
  many(flows, 20_000, spec);
  clock.advance(300);
  publisher.disconnect();
  clock.advance(60_000);
  publisher.connect({ sessionPresent: true });
  t.equal(publisher.takeSent().length, 0);
  t.equal(flows.usedBytes(), 0);
  clock.advance(1_000);
  t.same(flows.commits().at(-1), [{ partition: 0, offset: 20_001 }]);
});

t.test('what lines up behind a record whose partition is revoked goes on', async (t) => {
  const flows = connected();
  const { publisher, clock } = flows;
  flows.consume({ value: 'a' });
  publisher.pubackSent(QUOTA_EXCEEDED);
  flows.consume({ partition: 1, value: 'b' });
  clock.advance(500);
  const [tried] = publisher.takeSent();
  flows.revoke(1, [0]);
  publisher.puback([tried?.packetId as number], QUOTA_EXCEEDED);
  t.same(flows.released(), [[]], 'nothing of it may be committed');
  clock.advance(60_000);
  t.same(publisher.pubackSent(), ['b']);
  flows.consume({ partition: 1, value: 'c' });
  t.same(publisher.pubackSent(), ['c'], 'the topic flows');
  t.equal(flows.usedBytes(), 0);
});

t.test('a topic whose only record is nobody’s any more flows', async (t) => {
  const flows = connected();
  flows.consume({ value: 'a' });
  flows.publisher.pubackSent(QUOTA_EXCEEDED);
  flows.clock.advance(500);
  flows.revoke(1, [0], true);
  flows.publisher.pubackSent(QUOTA_EXCEEDED);
  flows.consume({ partition: 1, value: 'b' });
  t.same(flows.publisher.pubackSent(), ['b']);
});

t.test(
  'a refused PUBLISH is a dead letter, and its offset moves when that is stored',
  async (t) => {
    const flows = connected();
    const headers = [['colour', 'red'] as const, ['nothing', null] as const];
    flows.consume({ value: 'a', headers, timestampMs: 1_234 }, { value: 'b' });
    flows.publisher.pubackSent(NOT_AUTHORIZED);
    t.equal(flows.flow.underWay, 2);
    flows.clock.advance(1_000);
    t.same(flows.commits(), []);
    const letter = await flows.store();
    t.match(letter, {
      route: 'down',
      direction: 'kafkaToMqtt',
      reason: { code: 'publishRefused', message: /Not authorized.*commands\[0\] at offset 0/ },
      mqtt: { topic: 'devices/k', qos: 1 },
      kafka: { topic: 'commands', partition: 0 },
    });
    t.equal(`${Buffer.from(letter.payload)}`, 'a');
    flows.clock.advance(1_000);
    t.same(flows.commits(), [[{ partition: 0, offset: 1 }]]);
    flows.letters[0]?.failed();
    await turns();
    flows.clock.advance(500);
    t.equal(flows.letters.length, 2, 'a letter that cannot be stored is tried again');
    flows.letters.shift();
    await flows.store();
    t.equal(flows.flow.underWay, 0);
    flows.clock.advance(1_000);
    t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
  },
);

t.test('records that no PUBLISH can be made of are dead letters with their reason', async (t) => {
  const flows = connected([{}], { payloadBytesMax: 10 });
  flows.publisher.disconnect();
  flows.publisher.connect({ maximumPacketSize: 60 });
  flows.consume(
    { key: 'a/#' },
    { value: '12345678901' },
    { value: null, oversizeBytes: 5_000_000 },
    { key: 'x'.repeat(60), value: '' },
  );
  t.same(flows.publisher.payloads(), []);
  const reasons: string[] = [];
  while (flows.letters.length > 0) reasons.push((await flows.store()).reason.code);
  t.same(reasons, ['mqttTopicInvalid', 'oversize', 'oversize', 'publishTooLarge']);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 4 }]]);
});

t.test('many records that are dead letters wait for the store within its bound', async (t) => {
  const flows = connected();
  const value = 'x'.repeat(200_000);
  let written = 0;
  while (flows.write({ key: '#', value })) written++;
  flows.ring();
  for (let stored = 0; stored < 400; stored++) {
    await flows.store();
    while (flows.write({ key: '#', value })) written++;
    flows.ring();
    const bytes = flows.letters.reduce((sum, { letter }) => sum + letter.payload.length, 0);
    if (bytes > 33 * 1024 * 1024) t.fail(`${bytes} bytes wait`);
  }
  while (flows.letters.length > 0) await flows.store();
  t.equal(flows.routeCounters().deadLettered.mqttTopicInvalid, written);
  t.equal(flows.usedBytes(), 0);
});

t.test('a route without dead letters does not wait for those of others', async (t) => {
  const routes = Array.from({ length: 10 }, (_, n) => ({ name: `route ${n}` }));
  const flows = connected(routes);
  const value = 'x'.repeat(200_000);
  for (const [route] of routes.slice(1).entries()) {
    while (flows.write({ key: '#', value }, route + 1));
    flows.ring(route + 1);
  }
  const bytes = flows.letters.reduce((sum, { letter }) => sum + letter.payload.length, 0);
  t.ok(bytes >= 32 * 1024 * 1024, 'there is no room for more');
  flows.consume({});
  t.same(flows.publisher.payloads(), ['0']);
});

t.test('a record that came through this route before is stopped, counted and done', async (t) => {
  const flows = connected();
  flows.consume({ headers: [['Millrace', 'v=1;properties=;path=edge/down,a/b']] });
  flows.consume({ headers: [['Millrace', 'v=1;properties=;path=a/b']] });
  t.same(flows.publisher.pubackSent(), ['1']);
  t.equal(flows.routeCounters().messagesLoopStopped, 1);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
});

t.test('RETAIN is left out for a broker without retained messages', async (t) => {
  const flows = connected();
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
  const flows = connected();
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

t.test('a revocation waits for what is under way, and takes the rest out', async (t) => {
  const flows = connected();
  flows.publisher.disconnect();
  flows.publisher.connect({ receiveMaximum: 2 });
  flows.consume({}, {}, {}, { partition: 1 }, {});
  const ids = flows.publisher.takeSent().map(({ packetId }) => packetId);
  flows.revoke(1, [0]);
  t.same(flows.released(), []);
  flows.publisher.puback([ids[0] as number]);
  t.same(flows.publisher.payloads(), ['0'], 'of partition 1; the others are out of the ring');
  t.same(flows.released(), []);
  flows.publisher.puback([ids[1] as number]);
  t.same(flows.released(), [[{ partition: 0, offset: 2 }]]);
  flows.clock.advance(60_000);
  t.same(flows.released(), [], 'once');
});

t.test('a revocation waits no longer than revokeTimeoutMs', async (t) => {
  const flows = connected();
  flows.consume({}, {});
  const ids = flows.publisher.takeSent().map(({ packetId }) => packetId);
  flows.publisher.puback([ids[0] as number]);
  flows.revoke(1, [0]);
  flows.clock.advance(29_999);
  t.same(flows.released(), []);
  flows.clock.advance(1);
  t.same(flows.released(), [[{ partition: 0, offset: 1 }]]);
  // It comes back before the PUBACK of what it had: that moves nothing of the new assignment.
  flows.seek(0, 1);
  flows.consume({});
  flows.publisher.puback([ids[1] as number]);
  flows.clock.advance(60_000);
  t.same(flows.commits(), []);
  flows.publisher.pubackSent();
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
  t.equal(flows.usedBytes(), 0);
});

t.test('of a lost partition nothing is committed any more', async (t) => {
  const flows = connected();
  flows.consume({}, {});
  const ids = flows.publisher.takeSent().map(({ packetId }) => packetId);
  flows.publisher.puback([ids[0] as number]);
  flows.revoke(1, [0], true);
  t.same(flows.released(), [[]], 'the consumer learns that it may take it again');
  flows.publisher.puback([ids[1] as number]);
  flows.clock.advance(60_000);
  t.same(flows.commits(), []);
  t.equal(flows.usedBytes(), 0);
});

t.test('PUBACKs of a worker that died move nothing of its successor', async (t) => {
  const flows = connected();
  flows.consume({}, {}, {});
  const ids = flows.publisher.takeSent().map(({ packetId }) => packetId);
  flows.loseWorker(0, new Map([[0, 0]]));
  flows.consume({}, {}, {});
  flows.publisher.puback(ids);
  flows.clock.advance(60_000);
  t.same(flows.commits(), []);
  t.same(flows.publisher.pubackSent(), ['0', '1', '2']);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 3 }]]);
  t.equal(flows.flow.underWay, 0);
});

t.test('what a dead worker had sent is sent again from the ring that it left', async (t) => {
  const flows = connected();
  flows.consume({ value: 'old' });
  flows.publisher.takeSent();
  flows.publisher.disconnect();
  flows.loseWorker(0, new Map([[0, 0]]));
  flows.consume({ value: 'new' });
  flows.publisher.connect({ sessionPresent: true });
  t.same(flows.publisher.pubackSent(), ['old', 'new']);
  t.equal(flows.publisher.outbound.inFlight, 0);
});

t.test('a trouble that its worker had does not outlive it', async (t) => {
  const flows = connected();
  const state = { kind: 'consumer', routeIndex: 0, stopped: false } as const;
  flows.flow.onMessage({ ...state, code: 'TOPIC_AUTHORIZATION_FAILED', detail: 'no' });
  t.same(flows.troubles, ['TOPIC_AUTHORIZATION_FAILED: no']);
  flows.loseWorker(0);
  t.same(flows.troubles.slice(1), [undefined]);
});

t.test('routes that share a session take turns, also when one has far more', async (t) => {
  const flows = connected([
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

t.test('a stop reads nothing more, waits for PUBACKs, and commits what it has', async (t) => {
  const flows = connected();
  flows.consume({}, {}, { partition: 1 });
  flows.flow.stopReading();
  flows.consume({});
  const ids = flows.publisher.takeSent().map(({ packetId }) => packetId);
  t.equal(ids.length, 3);
  flows.publisher.puback([ids[0], ids[2]] as number[]);
  t.equal(flows.flow.underWay, 1);
  t.equal(flows.ended, 2);
  t.same(flows.flow.close(0), [
    {
      routeIndex: 0,
      offsets: [
        { partition: 0, offset: 1 },
        { partition: 1, offset: 1 },
      ],
    },
  ]);
  flows.clock.advance(60_000);
  t.same(flows.commits(), [], 'nothing is asked for any more');
});

t.test('a stop leaves no timer behind, also for what settles late', async (t) => {
  const flows = connected();
  flows.consume({}, { key: '#' });
  flows.publisher.pubackSent();
  flows.clock.advance(1_000);
  flows.flow.stopReading();
  flows.flow.close(0);
  flows.commits();
  await flows.store();
  flows.clock.advance(60_000);
  t.same(flows.commits(), []);
});

t.test('a stop waits for no partition that is being given back', async (t) => {
  const flows = connected();
  flows.consume({}, { partition: 1 });
  flows.revoke(1, [0]);
  flows.flow.stopReading();
  flows.flow.close(0);
  t.same(flows.released(), []);
  // Its consumer ends, and gives the other one back.
  flows.revoke(2, [1]);
  t.equal(flows.released().length, 1);
  flows.clock.advance(60_000);
  t.same(flows.released(), [], 'no timer is left');
});

/** The header that says whose the expiry is. */
const expiring = 'v=1;properties=Message Expiry Interval;path=';
