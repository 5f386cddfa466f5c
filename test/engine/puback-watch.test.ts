import t from 'tap';
import { PubackWatch } from '../../src/engine/puback-watch.js';
import { ManualClock } from '../support/manual-clock.js';

function watched() {
  const clock = new ManualClock();
  const session = { paused: false, outbound: { oldestSent: 0 } };
  const told: number[] = [];
  const watch = new PubackWatch(
    clock,
    () => [session],
    (_, seconds) => told.push(seconds),
  );
  watch.start();
  return { clock, session, told, watch };
}

t.test('a PUBLISH that waits for 30 s is told of, each second, until its PUBACK', async (t) => {
  const { clock, session, told } = watched();
  clock.advance(100_000);
  session.outbound.oldestSent = 7;
  clock.advance(30_000);
  t.strictSame(told, []);
  clock.advance(3_000);
  t.strictSame(told, [30, 31, 32]);
  session.outbound.oldestSent = 0;
  clock.advance(3_000);
  t.strictSame(told, [30, 31, 32, 0], 'that it is over is told once');
});

t.test('while PUBACKs come nothing is told, however many PUBLISHes wait', async (t) => {
  const { clock, session, told } = watched();
  for (let second = 0; second < 300; second++) {
    session.outbound.oldestSent = 1 + (second % 50);
    clock.advance(1_000);
  }
  t.strictSame(told, []);
});

t.test('while reading is paused a PUBACK cannot be seen, and none is missed', async (t) => {
  const { clock, session, told } = watched();
  session.outbound.oldestSent = 7;
  clock.advance(20_000);
  session.paused = true;
  clock.advance(600_000);
  t.strictSame(told, []);
  session.paused = false;
  clock.advance(11_000);
  t.strictSame(told, [30]);
});

t.test('one that is stopped looks no more', async (t) => {
  const { clock, watch } = watched();
  watch.stop();
  t.equal(clock.waiting, 0);
});
