import t from 'tap';
import { createHeartbeat, startHeartbeat, threadOf } from '../../src/channel/heartbeat.js';
import { WorkerWatch } from '../../src/shard/worker-watch.js';
import { ManualClock } from '../support/manual-clock.js';

function watched() {
  const clock = new ManualClock();
  const memory = createHeartbeat();
  const watch = new WorkerWatch({ silentLooks: 2, stuckLooks: 4, endLooks: 3 }, memory);
  return { clock, memory, watch };
}

t.test('a worker that beats is well, for as long as it does', async (t) => {
  const { clock, memory, watch } = watched();
  const stop = startHeartbeat(memory, 17, clock);
  t.equal(threadOf(memory), 17);
  for (let second = 0; second < 100; second++) {
    clock.advance(1000);
    t.strictSame(watch.look(), { kind: 'well' });
  }
  stop();
  clock.advance(10_000);
  t.strictSame(watch.look(), { kind: 'well' });
  t.strictSame(watch.look(), { kind: 'silent', seconds: 2 });
});

t.test('without a beat it is silent, then stuck, then hopeless; each is said once', async (t) => {
  const { watch } = watched();
  const kinds = Array.from({ length: 9 }, () => watch.look().kind);
  t.strictSame(kinds, [
    'well',
    'silent',
    'silent',
    'stuck',
    'silent',
    'silent',
    'hopeless',
    'silent',
    'silent',
  ]);
});

t.test('a beat makes it well again, but not once it is to be ended', async (t) => {
  const { clock, memory, watch } = watched();
  for (let look = 0; look < 3; look++) watch.look();
  startHeartbeat(memory, 1, clock)();
  t.strictSame(watch.look(), { kind: 'well' });
  for (let look = 0; look < 4; look++) watch.look();
  startHeartbeat(memory, 1, clock)();
  t.strictSame(watch.look(), { kind: 'silent', seconds: 5 });
});

t.test('what is not looked at proves nothing, however long it takes', async (t) => {
  const { clock, memory, watch } = watched();
  startHeartbeat(memory, 1, clock)();
  watch.look();
  clock.advance(3_600_000);
  t.strictSame(watch.look(), { kind: 'well' });
});
