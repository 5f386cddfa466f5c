import t from 'tap';
import { parseArguments } from '../../../native-bench/peers/arguments.js';
import { CASES, optionsOf } from '../../../native-bench/peers/cases.js';
import { UsageError } from '../../../src/base/errors.js';
import { problemOf } from '../../../src/bench/options.js';

const KAFKA = ['--kafka', '127.0.0.1:9092'];

t.test('all cases run three times where nothing else is asked for', async (t) => {
  t.strictSame(parseArguments(KAFKA), {
    kafka: '127.0.0.1:9092',
    cases: CASES,
    repeat: 3,
    seconds: 10,
    warmupSeconds: 3,
    pahoAcks: false,
    telegraf: false,
    camel: false,
    peersOnly: false,
    json: false,
  });
});

t.test('some cases, other lengths and more peers can be asked for', async (t) => {
  const cases = ['--case', 'large', '--case', '1kb'];
  const lengths = ['--repeat', '1', '--seconds', '2.5', '--warmup-seconds', '1'];
  const peers = ['--telegraf', '--camel', '--paho-acks', '--peers-only', '--json'];
  const parsed = parseArguments([...KAFKA, ...cases, ...lengths, ...peers]);
  t.strictSame(
    parsed.cases.map(({ name }) => name),
    ['large', '1kb'],
  );
  t.match(parsed, { repeat: 1, seconds: 2.5, warmupSeconds: 1, telegraf: true, camel: true });
  t.match(parsed, { pahoAcks: true, peersOnly: true, json: true });
});

t.test('what is wrong with the arguments is told, with how to use it', async (t) => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [[], /--kafka HOST:PORT is needed/],
    [[...KAFKA, '--case', 'huge'], /there is no case huge/],
    [[...KAFKA, '--repeat', '0'], /--repeat must be a number above 0, not 0/],
    [[...KAFKA, '--repeat', '1.5'], /--repeat must be whole/],
    [[...KAFKA, '--seconds', 'ten'], /--seconds must be a number above 0, not ten/],
    [[...KAFKA, '--bento'], /--bento/],
  ];
  for (const [args, message] of wrong) {
    t.throws(() => parseArguments(args), message);
    t.throws(() => parseArguments(args), UsageError);
    t.throws(() => parseArguments(args), /--warmup-seconds N/, 'the usage follows');
  }
});

t.test('every case is a load that the bench takes, with a goal', async (t) => {
  const names = CASES.map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  for (const one of CASES) {
    t.equal(problemOf(optionsOf(one, { seconds: 1, warmupSeconds: 1 })), undefined, one.name);
    t.ok(Object.keys(one.goal).length > 0, one.name);
    const { ofCase } = one.goal;
    if (ofCase !== undefined) t.ok(names.indexOf(ofCase.name) < names.indexOf(one.name), one.name);
  }
});
