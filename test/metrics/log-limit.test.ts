import t from 'tap';
import { LogLimit } from '../../src/metrics/log-limit.js';
import { ManualClock } from '../support/manual-clock.js';

t.test('a key is admitted once in an interval and tells how many were left out', async (t) => {
  const clock = new ManualClock();
  const limit = new LogLimit(clock, 10_000);
  t.equal(limit.admit('a'), 0);
  t.equal(limit.admit('a'), undefined);
  clock.advance(9_999);
  t.equal(limit.admit('a'), undefined);
  clock.advance(1);
  t.equal(limit.admit('a'), 2);
  t.equal(limit.admit('a'), undefined);
  clock.advance(10_000);
  t.equal(limit.admit('a'), 1);
});

t.test('keys do not limit one another', async (t) => {
  const limit = new LogLimit(new ManualClock(), 10_000);
  t.equal(limit.admit('a'), 0);
  t.equal(limit.admit('b'), 0);
});
