import t from 'tap';
import { Measurement } from '../../../src/bench/load/measurement.js';
import { Schedule } from '../../../src/bench/load/schedule.js';
import type { Load } from '../../../src/bench/protocol.js';

const LOAD: Load = {
  topicRoot: 'bench',
  throughBroker: undefined,
  topics: 1,
  routes: 1,
  keys: 1,
  keyProperty: undefined,
  skew: 0,
  payload: [{ bytes: 1, percent: 100 }],
  userProperties: 0,
  systemProperties: false,
  qos: 1,
  ratePerSecond: undefined,
  warmup: { kind: 'messages', count: 10 },
  measured: { kind: 'messages', count: 20 },
  atOnce: false,
  stallSeconds: 1,
};
const START_MS = 1000;

function started(load: Partial<Load>) {
  const measurement = new Measurement({ ...LOAD, ...load, hasLatency: true }, () => undefined);
  const schedule = new Schedule({ ...LOAD, ...load }, measurement);
  measurement.start(START_MS);
  return { measurement, schedule };
}

function settle(measurement: Measurement, count: number, nowMs: number): void {
  for (let n = 0; n < count; n += 1) measurement.settle(nowMs - 1, nowMs, 1);
  measurement.endBurst(nowMs);
}

t.test('warm-up and measured messages go out without a pause between them', async (t) => {
  const { measurement, schedule } = started({});
  t.equal(schedule.take(START_MS, 25), 25);
  t.equal(schedule.take(START_MS, 25), 5);
  t.equal(schedule.exhausted(START_MS), false, 'the warm-up is not acknowledged yet');
  settle(measurement, 10, START_MS + 5);
  t.equal(schedule.exhausted(START_MS + 5), true);
});

t.test('an at-once load waits for the warm-up, then offers everything', async (t) => {
  const { measurement, schedule } = started({ atOnce: true });
  t.equal(schedule.take(START_MS, 100), 10);
  settle(measurement, 9, START_MS + 5);
  t.equal(schedule.take(START_MS + 5, 100), 0);
  settle(measurement, 1, START_MS + 6);
  t.equal(schedule.take(START_MS + 6, 100), 20);
});

t.test('an open loop grants what has fallen due, and says when that was', async (t) => {
  const { schedule } = started({ ratePerSecond: 100 });
  t.equal(schedule.take(START_MS, 100), 1);
  t.equal(schedule.take(START_MS + 9, 100), 0);
  t.equal(schedule.take(START_MS + 35, 100), 3);
  t.equal(schedule.dueAtMs(3, START_MS + 35), START_MS + 30);
});

t.test('a closed loop counts latency from the moment of sending', async (t) => {
  const { schedule } = started({});
  t.equal(schedule.dueAtMs(3, 1234), 1234);
});

t.test('phases that last for a time end with it', async (t) => {
  const { measurement, schedule } = started({
    warmup: { kind: 'seconds', seconds: 1 },
    measured: { kind: 'seconds', seconds: 2 },
  });
  t.equal(schedule.take(START_MS, 7), 7);
  settle(measurement, 3, START_MS + 1000);
  t.equal(measurement.phase, 'measured');
  t.equal(schedule.take(START_MS + 2999, 7), 7);
  t.equal(schedule.take(START_MS + 3000, 7), 0);
  t.equal(schedule.exhausted(START_MS + 3000), true);
});

t.test('a warm-up by time is followed by exactly the measured messages', async (t) => {
  const { measurement, schedule } = started({ warmup: { kind: 'seconds', seconds: 1 } });
  schedule.take(START_MS, 7);
  settle(measurement, 7, START_MS + 1000);
  t.equal(schedule.take(START_MS + 1000, 100), 20);
});

t.test(
  'an open loop sends all that fell due in its time, also what the window held up',
  async (t) => {
    const { measurement, schedule } = started({
      ratePerSecond: 100,
      warmup: { kind: 'messages', count: 0 },
      measured: { kind: 'seconds', seconds: 1 },
    });
    t.equal(measurement.phase, 'measured');
    t.equal(schedule.take(START_MS + 500, 20), 20, 'no more than there was room for');
    const lateMs = START_MS + 1500;
    t.equal(schedule.exhausted(lateMs), false, 'its time is over, and 80 were due in it');
    t.equal(schedule.take(lateMs, 1000), 80);
    t.equal(schedule.exhausted(lateMs), true);
  },
);
