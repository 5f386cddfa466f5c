import t from 'tap';
import { type DemoReport, describe, isConsistent } from '../../src/demo/summary.js';

const NO_FAULTS = { refused: 0, duplicates: 0, altered: 0, outOfOrder: 0 };

function report(
  counts: { published?: number; acknowledged?: number; readBack?: number } = {},
  more: Partial<DemoReport> = {},
): DemoReport {
  const { published = 1000, acknowledged = 1000, readBack = 1000 } = counts;
  const names = { route: 'telemetry', kafkaTopic: 'telemetry', publishedBytes: 0 };
  const tallies = [{ ...names, published, acknowledged, readBack }];
  return { tallies, faults: NO_FAULTS, foreignRecords: 0, latency: undefined, ...more };
}

t.test('equal counts and no fault are consistent', async (t) => {
  t.equal(isConsistent(report()), true);
  const text = describe(report({}, { latency: { p50Ms: 1.25, p99Ms: 12 } }));
  t.match(text, '1,000 messages published = 1,000 acknowledged = 1,000 read back from Kafka.');
  t.match(text, 'p50 1.3 ms, p99 12 ms');
  t.notMatch(text, 'WRONG');
});

t.test('each difference is told and makes it inconsistent', async (t) => {
  const cases: [DemoReport, string][] = [
    [report({ acknowledged: 998 }), '2 not acknowledged with success'],
    [report({ readBack: 999 }), '1 missing in Kafka'],
    [report({}, { faults: { ...NO_FAULTS, refused: 3 } }), '3 refused'],
    [report({}, { faults: { ...NO_FAULTS, duplicates: 4 } }), '4 in Kafka more than once'],
    [report({}, { faults: { ...NO_FAULTS, altered: 5 } }), '5 in Kafka other than'],
    [report({}, { faults: { ...NO_FAULTS, outOfOrder: 6 } }), '6 out of the order of their key'],
  ];
  for (const [wrong, difference] of cases) {
    t.equal(isConsistent(wrong), false, difference);
    t.match(describe(wrong), `  - ${difference}`);
    t.match(describe(wrong), /^WRONG: /m);
  }
});

t.test('a demo that published nothing has shown nothing', async (t) => {
  const empty = report({ published: 0, acknowledged: 0, readBack: 0 });
  t.equal(isConsistent(empty), false);
  t.match(describe(empty), 'Nothing was published.');
});

t.test('records from elsewhere are told and change nothing', async (t) => {
  const visited = report({}, { foreignRecords: 2 });
  t.equal(isConsistent(visited), true);
  t.match(describe(visited), '2 records came from elsewhere');
});
