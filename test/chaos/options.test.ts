import t from 'tap';
import { commandFor, readOptions, roundMinutesOf } from './options.js';
import { reportOf, reportText } from './report.js';
import type { RoundResult } from './round.js';

t.test('without options it is two minutes of everything, with a seed of its own', async (t) => {
  t.match(readOptions([]), {
    minutes: 2,
    kinds: [],
    acks: 'all',
    broker: 'mosquitto',
    connector: {},
  });
  t.ok(readOptions([]).seed > 0);
});

t.test('options are read, and the command for one round again is made of them', async (t) => {
  const args = [
    '--seed',
    '7',
    '--minutes',
    '30',
    '--faults',
    'process,kafka-kill',
    '--acks',
    'one',
  ];
  const options = readOptions([...args, '--connector', '{storeAndForward: {mode: disk}}']);
  t.match(options, { seed: 7, kinds: ['process', 'kafka-kill'], acks: 'one' });
  t.equal(roundMinutesOf(options), 5);
  t.equal(
    commandFor(options, 9),
    'npm run chaos -- --seed 9 --minutes 5 --faults process,kafka-kill --acks one ' +
      `--connector '{"storeAndForward":{"mode":"disk"}}'`,
  );
});

t.test('rounds are as long as each other, and none is longer than allowed', async (t) => {
  const minutes = (total: string) => roundMinutesOf(readOptions(['--minutes', total]));
  t.equal(minutes('12'), 4);
  t.equal(minutes('0.5'), 0.5);
});

t.test('what is wrong is said with the option that it is in', async (t) => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['--minutes', '-1'], /--minutes: '-1' is not a number above 0|ambiguous/],
    [['--seed', 'x'], /--seed: 'x' is not a number above 0/],
    [['--acks', '2'], /--acks: '2' is not all or one/],
    [['--broker', 'emqx'], /--broker: 'emqx' is not/],
    [['--faults', 'meteor'], /there is no fault 'meteor'; there are: process-kill/],
    [['--connector', 'disk'], /--connector: 'disk' is no YAML with fields/],
    [['--meteors'], /meteors/],
  ];
  for (const [args, message] of wrong) t.throws(() => readOptions(args), message, `${args}`);
});

const verdict = {
  ...{ records: 12, published: 10, acknowledged: 10, found: 10, lost: 0, disordered: 0 },
  ...{ repeats: 2, resent: 0, altered: 0, strayed: 0, examples: [] },
};
const fault = { name: 'process-kill', beganMs: 1, endedMs: 2 };
const clean: RoundResult = {
  ...{ seed: 1, seconds: 1800, faults: [fault], outcome: 'clean', broken: [], verdict },
  ...{ repeatsMax: 5, inFlightMax: 5, connectorLog: '' },
};
const broken: RoundResult = {
  ...{ ...clean, seed: 2, faults: [fault, { ...fault, name: 'kafka-kill' }], outcome: 'broken' },
  broken: ['1 acknowledged message(s) lost'],
  verdict: { ...verdict, lost: 1, examples: ['lost: plant/1 3'] },
};
const run = { startedAt: new Date(0), acks: 'all' };

t.test('a report adds its rounds up', async (t) => {
  const report = reportOf([clean, clean, broken], run);
  t.match(report, {
    ...{ version: 1, startedAt: '1970-01-01T00:00:00.000Z', hours: 1.5, outcome: 'broken' },
    faults: { 'process-kill': 3, 'kafka-kill': 1 },
    messages: { published: 30, acknowledged: 30, lost: 1, repeats: 6 },
  });
  const text = reportText(report);
  t.match(text, /^1\.50 hours, 3 round\(s\), acks all\n4 faults: kafka-kill 1, process-kill 3\n/);
  t.match(text, /seed 2 is broken: 1 acknowledged message\(s\) lost\n {2}lost: plant\/1 3\n/);
  t.match(text, /verdict: broken$/);
});

t.test('a run is clean where every round is, and void where one says nothing', async (t) => {
  const outcome = (...rounds: RoundResult[]) => reportOf(rounds, run).outcome;
  t.equal(outcome(clean, clean), 'clean');
  t.equal(outcome(clean, { ...clean, outcome: 'void' }), 'void');
  t.equal(outcome(broken, { ...clean, outcome: 'void' }), 'broken');
  t.equal(outcome(), 'void');
  t.match(reportOf([{ ...broken, verdict: undefined }], run).messages, { lost: 0 });
});
