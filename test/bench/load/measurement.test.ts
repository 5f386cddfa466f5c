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
  measurement.settle(1000, 1900, 5);
  measurement.endBurst(1900);
  t.equal(begun, 1);
  for (const dueAtMs of [1990, 1990, 1980]) measurement.settle(dueAtMs, 2000, 100);
  measurement.endBurst(2000);
  measurement.settle(2000, 2400, 50);
  measurement.endBurst(2400);
  const report = measurement.report();
  t.match(report, { messages: 4, payloadBytes: 350, seconds: 0.5 });
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
  measurement.late(3);
  const { latenessP99Ms = 0 } = measurement.report();
  t.ok(Math.abs(latenessP99Ms - 3) < 0.01);
});
