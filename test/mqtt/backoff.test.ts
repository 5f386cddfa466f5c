import t from 'tap';
import { Backoff } from '../../src/mqtt/backoff.js';

const delays = (random: number, count: number) => {
  const backoff = new Backoff(200, 30_000, () => random);
  return Array.from({ length: count }, () => backoff.nextMs());
};

t.test('waits double up to the longest, and jitter takes up to half away', async (t) => {
  const steps = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000];
  t.strictSame(delays(1, 10), steps);
  t.strictSame(
    delays(0, 10),
    steps.map((step) => step / 2),
  );
});

t.test('after a success it begins anew', async (t) => {
  const backoff = new Backoff(200, 30_000, () => 1);
  for (let i = 0; i < 5; i++) backoff.nextMs();
  backoff.reset();
  t.equal(backoff.nextMs(), 200);
});

t.test('a thousand failures are as far as it goes', async (t) => {
  t.equal(delays(1, 1_000).at(-1), 30_000);
});

t.test('the longest wait has jitter too, and leaves the steps alone', async (t) => {
  const backoff = new Backoff(200, 30_000, () => 0.5);
  t.equal(backoff.longestMs(), 22_500);
  t.equal(backoff.nextMs(), 150);
});
