import t from 'tap';
import { connectedFlows } from '../support/record-flows.js';

t.test('a revocation waits for what is under way, and takes the rest out', async (t) => {
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
  const state = { kind: 'consumer', routeIndex: 0, stopped: false } as const;
  flows.flow.onMessage({ ...state, code: 'TOPIC_AUTHORIZATION_FAILED', detail: 'no' });
  t.same(flows.troubles, ['TOPIC_AUTHORIZATION_FAILED: no']);
  flows.loseWorker(0);
  t.same(flows.troubles.slice(1), [undefined]);
});
