import { readFileSync } from 'node:fs';
import t from 'tap';
import { BENCH_DEFAULTS } from '../../../src/bench/options.js';
import { benchReference } from '../../../src/bench/report/reference.js';
import { resultOf } from '../../../src/bench/report/result.js';
import { REPORT } from '../../support/bench-rounds.js';

const page = readFileSync(new URL('../../../../docs/reference/bench.md', import.meta.url), 'utf8');

t.test('the reference that is checked in is the one that the figures give', async (t) => {
  t.equal(page, benchReference(), 'run: node dist/src/cli/write-reference.js');
});

t.test('every field of a result and of its rounds is in the reference', async (t) => {
  const result = resultOf({ ...REPORT, options: BENCH_DEFAULTS }, '1.2.3');
  const fields = [
    ...Object.keys(result),
    ...Object.keys(result.machine),
    ...Object.keys(result.rounds[0] ?? {}).filter((name) => name !== 'generatorCpuUsPerMessage'),
    ...Object.keys(result.summary),
  ];
  for (const field of fields) t.ok(page.includes(`\`${field}\``), field);
});
