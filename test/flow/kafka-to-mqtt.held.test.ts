import t from 'tap';
import { NO_MATCHING_SUBSCRIBERS, QUOTA_EXCEEDED } from '../../src/mqtt/reason-code.js';
import { connectedFlows, EXPIRING, writeMany } from '../support/record-flows.js';

t.test('onNoSubscriber: hold tries again with backoff, and its topic waits', async (t) => {
  const flows = connectedFlows([{ onNoSubscriber: 'hold' }]);
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
  const flows = connectedFlows([{ onNoSubscriber: 'hold' }]);
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
  const { publisher, clock } = flows;
  const wallMs = clock.wallMs();
  const headers = [['Message Expiry Interval', '10'] as const, ['Millrace', EXPIRING] as const];
  const spec = { timestampMs: wallMs, headers, value: '' };
  flows.consume(spec);
  publisher.pubackSent(QUOTA_EXCEEDED);
  writeMany(flows, 20_000, spec);
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
  flows.consume({ value: 'a' });
  flows.publisher.pubackSent(QUOTA_EXCEEDED);
  flows.clock.advance(500);
  flows.revoke(1, [0], true);
  flows.publisher.pubackSent(QUOTA_EXCEEDED);
  flows.consume({ partition: 1, value: 'b' });
  t.same(flows.publisher.pubackSent(), ['b']);
});
