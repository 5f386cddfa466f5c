import t from 'tap';
import { OffsetCommits } from '../../../src/flow/to-mqtt/offset-commits.js';
import { ManualClock } from '../../support/manual-clock.js';

function setUp(intervalMs = 1_000) {
  const clock = new ManualClock();
  let asked = 0;
  let isDue = true;
  const commits = new OffsetCommits({
    clock,
    intervalMs,
    commit: () => {
      asked++;
      return isDue;
    },
  });
  /** How often a commit was asked for within this time. */
  const within = (ms: number) => {
    const before = asked;
    clock.advance(ms);
    return asked - before;
  };
  return { commits, within, nothingDue: () => (isDue = false) };
}

t.test('what settles within an interval is committed together', async (t) => {
  const { commits, within } = setUp();
  commits.onSettled();
  t.equal(within(600), 0);
  commits.onSettled();
  t.equal(within(399), 0);
  t.equal(within(1), 1);
  t.equal(within(60_000), 0);
});

t.test('one commit is under way at a time, however slow Kafka is', async (t) => {
  const { commits, within } = setUp(0);
  commits.onSettled();
  t.equal(within(0), 1, 'at once');
  commits.onSettled();
  t.equal(within(60_000), 0);
  commits.onAnswered(true);
  t.equal(within(0), 1);
  commits.onAnswered(true);
  t.equal(within(60_000), 0);
});

t.test('a commit that failed comes again after a second, also with nothing new', async (t) => {
  const { commits, within } = setUp(0);
  commits.onSettled();
  within(0);
  commits.onAnswered(false);
  t.equal(within(999), 0);
  t.equal(within(1), 1);
});

t.test('where there was nothing to commit nobody answers', async (t) => {
  const { commits, within, nothingDue } = setUp();
  nothingDue();
  commits.onSettled();
  t.equal(within(1_000), 1);
  commits.onSettled();
  t.equal(within(1_000), 1);
});

t.test('a worker that ended answers nothing, and its successor begins anew', async (t) => {
  const { commits, within } = setUp();
  commits.onSettled();
  within(1_000);
  commits.onLost();
  t.equal(within(60_000), 0);
  commits.onSettled();
  t.equal(within(1_000), 1);
});

t.test('after the last word nothing is asked for', async (t) => {
  const { commits, within } = setUp();
  commits.onSettled();
  commits.close();
  commits.onSettled();
  commits.onAnswered(false);
  t.equal(within(60_000), 0);
});
