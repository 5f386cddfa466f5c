import t from 'tap';
import { LoopWatch } from '../../src/engine/loop-watch.js';
import { ManualClock } from '../support/manual-clock.js';

/** Its timers fire late when it is told to. */
class LateClock extends ManualClock {
  lateMs = 0;

  override after(delayMs: number, callback: () => void): () => void {
    return super.after(delayMs, () => {
      const { lateMs } = this;
      this.lateMs = 0;
      if (lateMs > 0) this.advance(lateMs);
      callback();
    });
  }
}

function watched() {
  const clock = new LateClock();
  const stalls: number[] = [];
  const watch = new LoopWatch(clock, (lateMs) => stalls.push(lateMs));
  watch.start();
  return { clock, stalls, watch };
}

t.test('a loop that turns in time, or nearly so, does not stall', async (t) => {
  const { clock, stalls, watch } = watched();
  clock.advance(60_000);
  clock.lateMs = 1_999;
  clock.advance(10_000);
  t.strictSame(stalls, []);
  t.equal(watch.trouble, undefined);
});

t.test('a stall is told once, and shown for ten seconds', async (t) => {
  const { clock, stalls, watch } = watched();
  clock.lateMs = 3_400;
  clock.advance(1_000);
  t.strictSame(stalls, [3_400]);
  t.match(watch.trouble, /^did nothing for 3\.4 s: /);
  clock.advance(5_000);
  t.match(watch.trouble, /3\.4 s/);
  clock.advance(10_000);
  t.equal(watch.trouble, undefined);
  t.strictSame(stalls, [3_400]);
});

t.test('one that is stopped looks no more', async (t) => {
  const { clock, watch } = watched();
  watch.stop();
  t.equal(clock.waiting, 0);
});
