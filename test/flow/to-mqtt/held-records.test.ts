import t from 'tap';
import { OffsetTracker } from '../../../src/delivery/offset-tracker.js';
import { HeldRecords } from '../../../src/flow/to-mqtt/held-records.js';
import type { Partition } from '../../../src/flow/to-mqtt/partitions.js';
import type { RecordLedger } from '../../../src/flow/to-mqtt/record-ledger.js';
import { OutgoingTopic } from '../../../src/mqtt/send/outgoing-topics.js';
import { ManualClock } from '../../support/manual-clock.js';

/** Deliveries whose position in the ring is `start` and their own number. */
function setUp(start = 0) {
  const clock = new ManualClock();
  const due: string[] = [];
  const partitionOf = new Map<number, Partition>();
  const ledger = {
    position: Array.from({ length: 100 }, (_, n) => (start + n) >>> 0),
    partition: (delivery: number) => partitionOf.get(delivery),
  } as unknown as RecordLedger;
  const held = new HeldRecords(clock, ledger, ({ name }) => due.push(name));
  const takeDue = () => due.splice(0);
  return { clock, held, partitionOf, takeDue };
}

const topic = (name = 'a') => new OutgoingTopic(name, Buffer.from(name));

t.test('the first of a topic is tried after its wait, and the others follow it', async (t) => {
  const { clock, held, takeDue } = setUp();
  held.hold(topic(), 1);
  held.lineUp(topic(), 2);
  t.ok(held.has(topic()));
  t.notOk(held.has(topic('b')));
  t.equal(held.count, 2);
  clock.advance(500);
  t.same(takeDue(), ['a']);
  t.equal(held.first(topic()), 1);
  t.equal(held.count, 1);
  t.ok(held.taken(topic(), 1), 'another one follows');
  t.equal(held.first(topic()), 2);
  t.notOk(held.taken(topic(), 2));
  t.notOk(held.has(topic()));
  clock.advance(60_000);
  t.same(takeDue(), []);
});

for (const [where, start] of [
  ['the beginning', 0],
  ['the end of 32 bits', 2 ** 32 - 3],
] as const) {
  t.test(`what comes back is before what lines up, at ${where}`, async (t) => {
    const { held } = setUp(start);
    held.hold(topic(), 1);
    held.lineUp(topic(), 5);
    held.hold(topic(), 3);
    held.hold(topic(), 2);
    held.lineUp(topic(), 6);
    t.same(
      [1, 2, 3, 4, 5].map(() => held.first(topic())),
      [1, 2, 3, 5, 6],
    );
    t.equal(held.first(topic()), undefined);
  });
}

t.test('only the record that is tried decides', async (t) => {
  const { clock, held, takeDue } = setUp();
  held.hold(topic(), 1);
  held.lineUp(topic(), 2);
  t.notOk(held.taken(topic(), 9), 'one that was under way before');
  clock.advance(500);
  held.first(topic());
  t.notOk(held.taken(topic(), 9));
  held.hold(topic(), 9);
  takeDue();
  clock.advance(60_000);
  t.same(takeDue(), [], 'it comes back behind the one that is tried');
  held.hold(topic(), 1);
  clock.advance(999);
  t.same(takeDue(), []);
  clock.advance(1);
  t.same(takeDue(), ['a'], 'longer than the first time');
});

t.test('one that is postponed is due without a timer', async (t) => {
  const { clock, held, takeDue } = setUp();
  held.hold(topic(), 1);
  held.hold(topic('b'), 2);
  t.equal(held.takeDue(), undefined);
  clock.advance(500);
  held.postpone(topic());
  held.postpone(topic('b'));
  takeDue();
  clock.advance(60_000);
  t.same(takeDue(), []);
  t.equal(held.takeDue()?.name, 'a');
  t.equal(held.takeDue()?.name, 'b');
  t.equal(held.takeDue(), undefined);
});

t.test('records of partitions that are given up are taken out', async (t) => {
  const { clock, held, partitionOf, takeDue } = setUp();
  const partition = (id: number): Partition => ({
    id,
    tracker: new OffsetTracker(),
    underWay: 0,
    committed: -1,
    gone: false,
  });
  const [leaving, staying] = [partition(0), partition(1)];
  for (const delivery of [1, 3, 5, 6]) partitionOf.set(delivery, leaving);
  for (const delivery of [2, 4]) partitionOf.set(delivery, staying);
  held.hold(topic('mixed'), 1);
  held.lineUp(topic('mixed'), 2);
  held.hold(topic('waits'), 3);
  held.hold(topic('tried'), 4);
  held.lineUp(topic('tried'), 5);
  held.hold(topic('due'), 6);
  clock.advance(500);
  t.equal(held.first(topic('tried')), 4);
  held.postpone(topic('due'));
  held.postpone(topic('waits'));
  held.postpone(topic('mixed'));
  t.same(held.drop(new Set([leaving])).sort(), [1, 3, 5, 6]);
  t.equal(held.count, 1);
  t.notOk(held.has(topic('waits')));
  t.notOk(held.has(topic('due')));
  t.ok(held.has(topic('tried')), 'its first is under way');
  t.notOk(held.taken(topic('tried'), 4));
  t.notOk(held.has(topic('tried')));
  t.equal(held.takeDue()?.name, 'mixed');
  t.equal(held.takeDue(), undefined);
  t.equal(held.first(topic('mixed')), 2);
  takeDue();
});

t.test('a close gives everything back, and nothing is due after it', async (t) => {
  const { clock, held, takeDue } = setUp();
  held.hold(topic('a'), 1);
  held.lineUp(topic('a'), 2);
  held.hold(topic('b'), 3);
  t.same(held.close(), [1, 2, 3]);
  t.equal(held.count, 0);
  clock.advance(60_000);
  t.same(takeDue(), []);
});
