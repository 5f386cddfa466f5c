import t from 'tap';
import { WakePace } from '../../src/shard/wake-pace.js';
import { ManualClock } from '../support/manual-clock.js';

function createPace() {
  const clock = new ManualClock();
  const pace = new WakePace(clock);
  const state = { asked: 0 };
  const mayWake = () => pace.mayWake(() => state.asked++);
  return { clock, pace, state, mayWake };
}

t.test('after a rest a worker is woken at once', async (t) => {
  const { clock, mayWake } = createPace();
  t.equal(mayWake(), true);
  clock.advance(0.9);
  t.equal(mayWake(), false);
  clock.advance(0.1);
  t.equal(mayWake(), true);
});

t.test('a worker that was just woken is woken again soon, once for all who asked', async (t) => {
  const { clock, state, mayWake } = createPace();
  mayWake();
  clock.advance(0.2);
  t.equal(mayWake(), false);
  t.equal(mayWake(), false);
  t.equal(state.asked, 0);
  clock.advance(1);
  t.equal(state.asked, 1);
  t.equal(mayWake(), true);
});

t.test(
  'who asks while the timer is armed is asked again in place of who asked before',
  async (t) => {
    const { clock, pace } = createPace();
    const asked: string[] = [];
    pace.mayWake(() => asked.push('nobody: it was allowed'));
    pace.mayWake(() => asked.push('the ring of a dead worker'));
    pace.mayWake(() => asked.push('the ring of its successor'));
    clock.advance(1);
    t.strictSame(asked, ['the ring of its successor']);
  },
);

t.test('nobody is asked again after the end', async (t) => {
  const { clock, pace, state, mayWake } = createPace();
  mayWake();
  mayWake();
  pace.close();
  clock.advance(10);
  t.equal(state.asked, 0);
});
