import t from 'tap';
import { Measurement, type MeasurementOptions } from '../../../src/bench/load/measurement.js';

const OPTIONS: MeasurementOptions = {
  warmup: { kind: 'messages', count: 2 },
  ratePerSecond: 1000,
  hasLatency: true,
};

t.test('only what is settled after the warm-up counts', async (t) => {
  let begun = 0;
  const measurement = new Measurement(OPTIONS, () => {
    begun += 1;
  });
  measurement.start(1000);
  measurement.settle(1000, 1900, 5);
  measurement.settle(1001, 1900, 5);
  measurement.endBurst(1900);
  t.equal(begun, 1);
  // Due in the warm-up: settled here, and no part of the latency.
  measurement.settle(1002, 2000, 100);
  measurement.settle(1899.9, 2000, 100);
  for (const dueAtMs of [1990, 1990, 1980]) measurement.settle(dueAtMs, 2000, 100);
  measurement.endBurst(2000);
  measurement.settle(2000, 2400, 50);
  measurement.endBurst(2400);
  const report = measurement.report();
  t.match(report, { messages: 6, payloadBytes: 550, seconds: 0.5, backlog: 898 });
  const near = (value: number | undefined, wanted: number) =>
    t.ok(Math.abs((value ?? 0) / wanted - 1) < 0.002, `${value} is about ${wanted}`);
  near(report.latency?.p50Ms, 10);
  near(report.latency?.maxMs, 400);
  near(report.latency?.p999Ms, 400);
});

t.test('a warm-up of no messages begins to measure at once', async (t) => {
  const measurement = new Measurement(
    { ...OPTIONS, warmup: { kind: 'messages', count: 0 } },
    () => undefined,
  );
  measurement.start(1000);
  t.equal(measurement.phase, 'measured');
  t.equal(measurement.beganAtMs, 1000);
});

t.test('what the generator was late by is told apart', async (t) => {
  const measurement = new Measurement(
    { ...OPTIONS, warmup: { kind: 'messages', count: 0 } },
    () => undefined,
  );
  measurement.start(1000);
  measurement.sent(997, 1000);
  measurement.sent(1000, 1003);
  const { latenessP99Ms = 0 } = measurement.report();
  t.ok(Math.abs(latenessP99Ms - 3) < 0.01);
});

t.test('without a rate a message is due when it is sent, whenever that was', async (t) => {
  const options = { ...OPTIONS, ratePerSecond: undefined };
  const measurement = new Measurement(options, () => undefined);
  measurement.start(1000);
  for (const dueAtMs of [1000, 1000]) measurement.settle(dueAtMs, 1900, 5);
  measurement.endBurst(1900);
  measurement.settle(1800, 2000, 5);
  measurement.endBurst(2000);
  const { latency, backlog } = measurement.report();
  t.ok(Math.abs((latency?.maxMs ?? 0) - 200) < 1, `${latency?.maxMs} ms`);
  t.equal(backlog, undefined);
});

t.test('what came before the start is no part of what was due', async (t) => {
  const measurement = new Measurement(OPTIONS, () => undefined);
  measurement.settle(500, 500, 5);
  measurement.start(1000);
  measurement.settle(1000, 1001, 5);
  measurement.endBurst(1001);
  t.equal(measurement.phase, 'measured');
  t.equal(measurement.report().backlog, 0);
});
