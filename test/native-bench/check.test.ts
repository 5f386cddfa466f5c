import t from 'tap';
import { type Count, check } from '../../native-bench/count/check.js';
import type { Environment } from '../../native-bench/count/environment.js';
import { describe } from '../../native-bench/count/text.js';

const HERE: Environment = {
  architecture: 'x64',
  node: '20.20.2',
  v8: '11.3.244.8-node.38',
  gcc: '12.2.0',
  librdkafka: '2.12.0',
  valgrind: '3.19.0',
};

/** As callgrind counted them once, five rounds each. */
const COUNTS: readonly Count[] = [
  {
    name: 'receive/publish',
    sort: 'javascript',
    instructions: { median: 664.1, min: 664.1, max: 665.6 },
  },
  {
    name: 'native/record',
    sort: 'addon',
    instructions: { median: 1439, min: 1438.9, max: 1439.3 },
  },
];

function baseline(
  instructions: Record<string, number> = {},
  environment: Partial<Environment> = {},
): Parameters<typeof check>[0] {
  return {
    environment: { ...HERE, ...environment },
    instructions: { 'receive/publish': 664.1, 'native/record': 1439, ...instructions },
  };
}

const verdicts = (result: ReturnType<typeof check>) =>
  Object.fromEntries(result.rows.map(({ name, verdict }) => [name, verdict]));

t.test('counts that are those of the baseline pass without a note', async (t) => {
  const result = check(baseline(), COUNTS, HERE, false);
  t.same(verdicts(result), { 'receive/publish': 'same', 'native/record': 'same' });
  t.same(result.notes, []);
  t.notOk(result.failed);
});

t.test('a kernel that needs over a tenth more fails the check', async (t) => {
  const lost = check(baseline({ 'receive/publish': 603 }), COUNTS, HERE, false);
  t.equal(verdicts(lost)['receive/publish'], 'loss');
  t.ok(lost.failed);
  t.match(lost.notes, [/10 % more instructions: receive\/publish$/]);
  const kept = check(baseline({ 'receive/publish': 604 }), COUNTS, HERE, false);
  t.equal(verdicts(kept)['receive/publish'], 'same');
  t.notOk(kept.failed);
});

t.test('a gain passes, and is said to be one that can be kept', async (t) => {
  const result = check(baseline({ 'native/record': 1_700 }), COUNTS, HERE, false);
  t.equal(verdicts(result)['native/record'], 'gain');
  t.notOk(result.failed);
  t.match(result.notes, [/--update keeps: native\/record/]);
});

t.test('a kernel that only one side knows fails the check', async (t) => {
  const gone = check(baseline({ 'receive/other': 1 }), COUNTS, HERE, false);
  t.equal(verdicts(gone)['receive/other'], 'gone');
  t.ok(gone.failed);
  const added: Count = { ...(COUNTS[0] as Count), name: 'receive/added' };
  const result = check(baseline(), [...COUNTS, added], HERE, false);
  t.equal(verdicts(result)['receive/added'], 'new');
  t.ok(result.failed);
});

t.test('where kernels were left out on purpose, none is gone', async (t) => {
  const result = check(baseline(), COUNTS.slice(0, 1), HERE, true);
  t.same(verdicts(result), { 'receive/publish': 'same' });
  t.notOk(result.failed);
});

t.test('another Node says so and leaves JavaScript uncompared, however slow it is', async (t) => {
  const other = baseline({ 'receive/publish': 1 }, { node: '22.12.0', v8: '12.4.254.21-node.21' });
  const result = check(other, COUNTS, HERE, false);
  t.same(verdicts(result), { 'receive/publish': 'not compared', 'native/record': 'same' });
  t.notOk(result.failed);
  t.match(result.notes, [
    /counted elsewhere: node is 20\.20\.2 here, and was 22\.12\.0; v8 is/,
    /JavaScript are not compared: node is 20\.20 here, and was 22\.12$/,
  ]);
});

t.test('a patch of Node is told and compared all the same', async (t) => {
  const result = check(
    baseline({ 'receive/publish': 600 }, { node: '20.20.0' }),
    COUNTS,
    HERE,
    false,
  );
  t.ok(result.failed);
  t.match(result.notes[0], /node is 20\.20\.2 here, and was 20\.20\.0/);
});

t.test('another gcc or librdkafka leaves the addon uncompared', async (t) => {
  for (const environment of [{ gcc: '13.2.0' }, { librdkafka: '2.11.1' }]) {
    const result = check(baseline({}, environment), COUNTS, HERE, false);
    t.same(verdicts(result), { 'receive/publish': 'same', 'native/record': 'not compared' });
    t.notOk(result.failed);
  }
});

t.test('a check that has compared nothing fails', async (t) => {
  const result = check(baseline({}, { architecture: 'arm64' }), COUNTS, HERE, false);
  t.ok(result.failed);
  t.match(result.notes.at(-1), /nothing was compared/);
});

t.test('the table has every kernel with its change, and the notes below', async (t) => {
  const text = describe(check(baseline({ 'receive/publish': 577.5 }), COUNTS, HERE, false));
  t.match(text, /receive\/publish +664\.1 +0\.23 % +577\.5 +\+15\.0 % +loss/);
  t.match(text, /native\/record +1,439\.0 +0\.03 % +1,439\.0 +\+0\.0 %/);
  t.match(text, /\n\nmore than 10 % more instructions: receive\/publish$/);
});
