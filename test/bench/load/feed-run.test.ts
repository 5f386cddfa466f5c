import t from 'tap';
import { FeedPlan } from '../../../src/bench/load/feed-plan.js';
import { type FeedPublish, FeedRun } from '../../../src/bench/load/feed-run.js';
import type { RecordFeeder } from '../../../src/bench/load/feeder.js';
import { STAMP_BYTES, viewOf, writeStamp } from '../../../src/bench/load/stamp.js';
import type { Feed } from '../../../src/bench/protocol.js';

const FEED: Feed = {
  topicRoot: 'feed',
  qos: 1,
  awaitsAll: false,
  readers: 1,
  bootstrapServers: '',
  kafkaTopic: '',
  records: 40,
  recordsBefore: 40,
  ratePerSecond: undefined,
  keys: 3,
  skew: 0,
  payload: [{ bytes: STAMP_BYTES, percent: 100 }],
  userProperties: 0,
  compression: 'none',
  warmup: { kind: 'messages', count: 10 },
  measured: { kind: 'messages', count: 30 },
  stallSeconds: 2,
};
const PARTITIONS = 2;
const START_MS = 1000;

/** A Kafka that keeps stamps. */
class StampFeeder implements RecordFeeder {
  readonly plan: FeedPlan;
  readonly stamps: DataView[] = [];

  constructor(feed: Feed) {
    this.plan = new FeedPlan(feed, PARTITIONS);
  }

  get written(): number {
    return this.stamps.length;
  }

  write(upTo: number, dueAtMs: (index: number) => number): void {
    while (this.written < upTo) {
      const index = this.written;
      const stamp = viewOf(Buffer.alloc(STAMP_BYTES));
      writeStamp(stamp, 0, this.plan.contentOf(index), index, dueAtMs(index));
      this.stamps.push(stamp);
    }
  }

  /** What a connector makes of the record. */
  publishOf(index: number, latest: number[] = []): FeedPublish {
    return {
      view: this.stamps[index] as DataView,
      payloadAt: 0,
      payloadBytes: STAMP_BYTES,
      qos: 1,
      keyNumber: index % 3,
      isGood: true,
      latest,
    };
  }
}

function runOf(changed: Partial<Feed>) {
  const feed = { ...FEED, ...changed };
  const feeder = new StampFeeder(feed);
  feeder.write(feed.recordsBefore, () => 0);
  const failures: string[] = [];
  const run = new FeedRun(feed, feeder, {
    onMeasuring: () => undefined,
    onFailed: (message) => failures.push(message),
  });
  const latest: number[] = [];
  const publish = (from: number, to: number, nowMs: number) => {
    run.beginBurst(nowMs);
    for (let index = from; index < to; index += 1) run.onPublish(feeder.publishOf(index, latest));
    run.endBurst();
  };
  return { run, feeder, publish, failures };
}

t.test('a run ends with its last record, and the warm-up does not count', async (t) => {
  const { run, publish } = runOf({});
  t.equal(run.arrived, false);
  publish(0, 5, START_MS);
  t.equal(run.arrived, true);
  run.measurement.start(START_MS);
  publish(5, 10, START_MS + 100);
  publish(10, 39, START_MS + 600);
  t.equal(run.finished, false);
  publish(39, 40, START_MS + 1100);
  t.equal(run.finished, true);
  const report = run.report(0);
  t.match(report, { written: 40, received: 40, missing: 0, messages: 30, seconds: 1 });
  t.equal(report.latency, undefined, 'records that lay in a full topic have none');
});

t.test('records that never come are missing when nothing has come for long', async (t) => {
  const { run, publish } = runOf({});
  publish(0, 1, START_MS);
  run.measurement.start(START_MS);
  publish(1, 38, START_MS + 100);
  run.watch(START_MS + 2000);
  t.equal(run.finished, false);
  run.watch(START_MS + 2101);
  t.equal(run.finished, true);
  t.match(run.report(0), { received: 38, missing: 2 });
});

t.test('a phase that ends with its time misses only what was overtaken', async (t) => {
  const { run, publish } = runOf({
    warmup: { kind: 'messages', count: 0 },
    measured: { kind: 'seconds', seconds: 1 },
  });
  publish(0, 1, START_MS);
  run.measurement.start(START_MS);
  publish(1, 4, START_MS + 500);
  publish(6, 8, START_MS + 1000);
  t.equal(run.finished, true);
  t.match(run.report(0), { written: 40, received: 6, missing: 2, messages: 5 });
});

t.test('where Kafka keeps little, as many records are written as come back', async (t) => {
  const { run, feeder, publish } = runOf({ recordsBefore: 8 });
  publish(0, 2, START_MS);
  t.equal(feeder.written, 8, 'not before the start');
  run.measurement.start(START_MS);
  publish(2, 6, START_MS + 1);
  t.equal(feeder.written, 14);
  publish(6, 14, START_MS + 2);
  publish(14, 22, START_MS + 3);
  publish(22, 30, START_MS + 4);
  publish(30, 38, START_MS + 5);
  t.equal(feeder.written, 40, 'no more than there are to be');
});

t.test('in an open loop latency counts from when a record was due', async (t) => {
  const { run, feeder, publish } = runOf({
    recordsBefore: 2,
    ratePerSecond: 100,
    warmup: { kind: 'messages', count: 2 },
  });
  publish(0, 1, START_MS);
  t.equal(run.arrived, false, 'one partition is not read yet');
  publish(1, 2, START_MS);
  t.equal(run.arrived, true);
  run.measurement.start(START_MS);
  run.turn(START_MS + 35);
  t.equal(feeder.written, 2 + 4, 'due at 0, 10, 20 and 30 ms');
  publish(2, 6, START_MS + 40);
  const { latency, latenessP99Ms } = run.report(0);
  t.ok(Math.abs((latency?.maxMs ?? 0) - 40) < 0.1, `${latency?.maxMs} ms`);
  t.ok(Math.abs((latency?.p50Ms ?? 0) - 20) < 0.1, `${latency?.p50Ms} ms`);
  t.ok(Math.abs((latenessP99Ms ?? 0) - 35) < 0.1, `${latenessP99Ms} ms`);
});

t.test('a PUBLISH that was made of no record of the feed fails the run', async (t) => {
  for (const sequence of [40, 4_000_000_000]) {
    const { run, feeder, failures } = runOf({});
    const view = viewOf(Buffer.alloc(STAMP_BYTES));
    writeStamp(view, 0, feeder.plan.contentOf(sequence), sequence, 0);
    run.onPublish({ ...feeder.publishOf(0), view });
    t.match(failures, [/no record of the bench/], `${sequence}`);
  }
});

t.test('a PUBLISH that is not as its record was is damaged, and does not count', async (t) => {
  const { run, feeder, publish } = runOf({});
  const good = feeder.publishOf(0);
  const otherStamp = viewOf(Buffer.alloc(STAMP_BYTES));
  writeStamp(otherStamp, 0, feeder.plan.contentOf(1), 0, 0);
  const damaged: Partial<FeedPublish>[] = [
    { isGood: false },
    { keyNumber: 1 },
    { keyNumber: -1 },
    { payloadBytes: STAMP_BYTES + 1 },
    { view: otherStamp },
  ];
  for (const change of damaged) run.onPublish({ ...good, ...change });
  t.match(run.report(0), { damaged: 5, received: 0, duplicates: 0 });
  publish(0, 1, START_MS);
  t.match(run.report(0), { damaged: 5, received: 1, duplicates: 0 });
});

t.test('where everything is awaited, the end of the time stops the writing only', async (t) => {
  const { run, feeder, publish } = runOf({
    recordsBefore: 8,
    awaitsAll: true,
    warmup: { kind: 'messages', count: 0 },
    measured: { kind: 'seconds', seconds: 1 },
  });
  publish(0, 2, START_MS);
  run.measurement.start(START_MS);
  publish(2, 4, START_MS + 500);
  t.equal(feeder.written, 12);
  publish(4, 6, START_MS + 1000);
  t.equal(feeder.written, 12, 'no more');
  publish(6, 11, START_MS + 1100);
  t.equal(run.finished, false);
  publish(11, 12, START_MS + 1200);
  t.equal(run.finished, true);
  t.match(run.report(0), { received: 12, missing: 0, messages: 10, seconds: 1.2 });
});

t.test('a record at another QoS than the feed has comes, and is counted', async (t) => {
  const { run, feeder, publish } = runOf({});
  run.measurement.start(START_MS);
  publish(0, 39, START_MS);
  run.beginBurst(START_MS + 100);
  run.onPublish({ ...feeder.publishOf(39), qos: 0 });
  run.endBurst();
  t.match(run.report(0), { received: 40, missing: 0, wrongQos: 1 });
});
