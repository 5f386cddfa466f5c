import t from 'tap';
import {
  type CommandReport,
  type DemoReport,
  describe,
  isConsistent,
} from '../../src/demo/summary.js';

const NO_FAULTS = { refused: 0, duplicates: 0, altered: 0, outOfOrder: 0 };
const COMMANDS: CommandReport = {
  tally: { sent: 50, written: 50, received: 50, answered: 50, readBack: 50 },
  faults: NO_FAULTS,
  foreign: 0,
  toMachine: { whole: { p50Ms: 250, p99Ms: 500 } },
  toReader: { whole: undefined },
};

function report(
  counts: { published?: number; acknowledged?: number; readBack?: number } = {},
  more: Partial<DemoReport> = {},
): DemoReport {
  const { published = 1000, acknowledged = 1000, readBack = 1000 } = counts;
  const names = { route: 'telemetry', kafkaTopic: 'telemetry', publishedBytes: 0 };
  const tallies = [{ ...names, published, acknowledged, readBack }];
  const none = { faults: NO_FAULTS, foreignRecords: 0, latency: undefined, commands: COMMANDS };
  return { tallies, ...none, ...more };
}

function commandReport(
  tally: Partial<CommandReport['tally']>,
  faults: Partial<CommandReport['faults']> = {},
): DemoReport {
  const commands = {
    ...COMMANDS,
    tally: { ...COMMANDS.tally, ...tally },
    faults: { ...NO_FAULTS, ...faults },
  };
  return report({}, { commands });
}

t.test('equal counts and no fault are consistent', async (t) => {
  t.equal(isConsistent(report()), true);
  const text = describe(report({}, { latency: { p50Ms: 1.25, p99Ms: 12 } }));
  t.match(text, '1,000 messages published = 1,000 acknowledged = 1,000 read back from Kafka.');
  t.match(text, '50 commands written to Kafka = 50 received = 50 answered = 50 answers read back.');
  t.match(text, 'PUBLISH to PUBACK, after the first second: p50 1.3 ms, p99 12 ms.');
  t.match(
    text,
    'Command from Kafka to its machine, after the first second: p50 250 ms, p99 500 ms.',
  );
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
    [commandReport({ written: 49 }), '1 commands not written to Kafka'],
    [commandReport({ received: 48 }), '2 commands not received'],
    [commandReport({ answered: 47 }), '3 commands not answered with success'],
    [commandReport({ readBack: 46 }), '4 answers to commands missing in Kafka'],
    [commandReport({}, { refused: 5 }), '5 commands or answers refused'],
    [commandReport({}, { duplicates: 6 }), '6 commands received more than once'],
    [commandReport({}, { altered: 7 }), '7 commands received other than they were written'],
    [commandReport({}, { outOfOrder: 8 }), '8 commands out of the order of their machine'],
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

t.test('a demo without a command has not shown the other direction', async (t) => {
  const oneWay = commandReport({ sent: 0, written: 0, received: 0, answered: 0, readBack: 0 });
  t.equal(isConsistent(oneWay), false);
  t.match(describe(oneWay), 'No command was written.');
});

t.test('commands from elsewhere are told and change nothing', async (t) => {
  const visited = report({}, { commands: { ...COMMANDS, foreign: 3 } });
  t.equal(isConsistent(visited), true);
  t.match(describe(visited), '3 commands came from elsewhere');
});

t.test('records from elsewhere are told and change nothing', async (t) => {
  const visited = report({}, { foreignRecords: 2 });
  t.equal(isConsistent(visited), true);
  t.match(describe(visited), '2 records came from elsewhere');
});
