import t from 'tap';
import { parseResult, resultOf } from '../../../src/bench/report/result.js';
import { REPORT, ROUND } from '../../support/bench-rounds.js';

const RESULT = resultOf(REPORT, '1.2.3');

function textOf(changes: object): string {
  return JSON.stringify({ ...RESULT, ...changes });
}

t.test('what is printed can be read again', async (t) => {
  t.match(RESULT, { format: 1, kind: 'bench', millrace: '1.2.3', valid: true });
  const stored = parseResult(JSON.stringify(RESULT, undefined, 2), 'a.json');
  t.same(stored.summary, RESULT.summary);
  t.match(stored.machine, { cores: 2, node: 'v20.18.0' });
});

t.test('a result with a void round is not valid', async (t) => {
  const rounds = [ROUND, { ...ROUND, voidBecause: ['3 messages refused'] }];
  t.equal(resultOf({ ...REPORT, rounds }, '').valid, false);
});

t.test('what is no result is refused by name, with the place that is wrong', async (t) => {
  const refusal = (text: string) => {
    try {
      parseResult(text, 'a.json');
    } catch (error) {
      t.equal((error as Error).name, 'UsageError');
      return (error as Error).message;
    }
    return 'taken';
  };
  t.match(refusal('{'), /^a\.json is not JSON: /);
  t.match(refusal('[]'), /^a\.json is not what `millrace bench --json` prints: /);
  t.match(refusal('null'), /^a\.json is not what/);
  t.match(refusal('{"name":"x","version":"1"}'), /^a\.json is not what .*\/format/);
  t.match(refusal(textOf({ format: 2 })), /^a\.json is a result of format 2; .* reads format 1$/);
  t.match(refusal(textOf({ rounds: [] })), /\/rounds: /);
  t.match(refusal(textOf({ summary: { gcMs: { median: 1, min: 1, max: 1 } } })), /gcMs\/values/);
  t.match(
    refusal(textOf({ kind: 'scale' })),
    /^a\.json is the result of --preset scale.*run it alone/,
  );
  t.equal(refusal(textOf({ added: 'later' })), 'taken');
  t.equal(refusal(textOf({ kind: undefined })), 'taken', 'of a version before there were kinds');
});
