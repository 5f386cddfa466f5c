import t from 'tap';
import type { LoadReport } from '../../../src/bench/protocol.js';
import { describeBacklogs } from '../../../src/bench/report/backlog.js';
import { describeBench } from '../../../src/bench/report/text.js';
import { FEED_REPORT, LOAD_REPORT, REPORT, ROUND } from '../../support/bench-rounds.js';

const LATENCY = { p50Ms: 5, p90Ms: 5, p99Ms: 5, p999Ms: 5, maxMs: 5, curve: [] };

function reportOf(load: Partial<LoadReport>, rate: number | undefined = 1000) {
  const rounds = [{ ...ROUND, load: { ...LOAD_REPORT, ...load } }];
  return { ...REPORT, options: { ...REPORT.options, rate }, rounds };
}

t.test('a round that began behind a backlog is told of', async (t) => {
  const report = reportOf({ latency: LATENCY, backlog: 2500 });
  t.match(describeBacklogs(report), [
    /round 1 to Kafka began 2\.50 s behind: 2,500 messages of the warm-up/,
  ]);
  t.match(describeBench(report), /due before, not settled by then +2,500\n[\s\S]*WARNING: round 1/);
  const feed = { ...FEED_REPORT, backlog: 500 };
  const read = describeBacklogs({ ...report, rounds: [ROUND, { ...ROUND, feed }] });
  t.match(read, [/round 2 to MQTT began 0\.50 s behind/]);
  t.equal(read.length, 1);
});

t.test('what is always on its way is none', async (t) => {
  t.same(describeBacklogs(reportOf({ latency: LATENCY, backlog: 50 })), []);
  const slow = { ...LATENCY, p50Ms: 300 };
  t.same(describeBacklogs(reportOf({ latency: slow, backlog: 300 })), []);
  t.equal(describeBacklogs(reportOf({ latency: slow, backlog: 700 })).length, 1);
  t.same(describeBacklogs(reportOf({ latency: LATENCY, backlog: undefined })), []);
});
