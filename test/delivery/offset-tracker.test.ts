import assert from 'node:assert/strict';
import t from 'tap';
import { OffsetTracker } from '../../src/delivery/offset-tracker.js';
import { forSeeds } from '../support/random.js';

t.test('nothing may be committed before the first record is settled', async (t) => {
  const tracker = new OffsetTracker();
  t.equal(tracker.next, -1);
  tracker.open(7);
  t.equal(tracker.next, -1);
  t.equal(tracker.openCount, 1);
});

t.test('an open record holds the offset back, whatever is settled behind it', async (t) => {
  const tracker = new OffsetTracker();
  const [a, b, c] = [10, 11, 15].map((offset) => tracker.open(offset));
  t.notOk(tracker.settle(c as number));
  t.notOk(tracker.settle(b as number));
  t.equal(tracker.next, -1);
  t.ok(tracker.settle(a as number));
  t.equal(tracker.next, 16, 'the next one to read is behind the last');
  t.equal(tracker.openCount, 0);
});

t.test('a record that is settled twice, or was never opened, is a mistake', async (t) => {
  const tracker = new OffsetTracker();
  const first = tracker.open(1);
  const second = tracker.open(2);
  tracker.settle(second);
  t.throws(() => tracker.settle(second), /before/);
  tracker.settle(first);
  t.throws(() => tracker.settle(first), /not held/);
  t.throws(() => tracker.settle(99), /not held/);
});

t.test('where offsets fall, what may be committed falls, behind all that is open', async (t) => {
  const tracker = new OffsetTracker();
  const [a, b, c] = [20, 21, 0].map((offset) => tracker.open(offset));
  t.equal(tracker.last, 0);
  t.ok(tracker.settle(a as number));
  t.notOk(tracker.settle(c as number));
  t.equal(tracker.next, 21);
  t.ok(tracker.settle(b as number));
  t.equal(tracker.next, 1);
});

t.test('random records in random order never let an open one be passed', (t) =>
  forSeeds(t, 500, (random) => {
    const tracker = new OffsetTracker();
    const records: { offset: number; number: number; settled: boolean }[] = [];
    let offset = random.below(1_000);
    for (let i = 0; i < 400; i++) {
      const open = records.filter(({ settled }) => !settled);
      if (open.length === 0 || random.chance(0.55)) {
        offset = random.chance(0.05) ? random.below(1_000) : offset + random.between(1, 3);
        records.push({ offset, number: tracker.open(offset), settled: false });
      } else {
        const record = random.chance(0.5) ? open[0] : random.pick(open);
        assert.ok(record);
        record.settled = true;
        const before = tracker.next;
        const isFirst = record === open[0];
        assert.equal(tracker.settle(record.number), isFirst);
        if (!isFirst) assert.equal(tracker.next, before);
      }
      const firstOpen = records.findIndex(({ settled }) => !settled);
      const done = firstOpen < 0 ? records.length : firstOpen;
      const last = records[done - 1];
      assert.equal(tracker.next, last === undefined ? -1 : last.offset + 1);
      assert.equal(tracker.openCount, records.filter(({ settled }) => !settled).length);
    }
  }),
);
