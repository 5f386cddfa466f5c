import t from 'tap';
import { connectedFlows } from '../support/record-flows.js';

t.test('a stop reads nothing more, waits for PUBACKs, and commits what it has', async (t) => {
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
  const flows = connectedFlows();
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
