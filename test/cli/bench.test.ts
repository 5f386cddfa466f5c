import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BENCH_DEFAULTS } from '../../src/bench/options.js';
import { benchCommand } from '../../src/cli/bench.js';

const CONNECTOR = fileURLToPath(new URL('../support/bench-connector-main.js', import.meta.url));
const OPTIONS = {
  ...BENCH_DEFAULTS,
  verify: false,
  warmupMessages: 10,
  messages: 1000,
  // What is in flight at once is less than all there is: some is left for the measured phase.
  receiveMaximum: 50,
  connector: [process.execPath, CONNECTOR, 'orderly'],
  json: true,
};

t.test('a run prints its result as JSON, and writes its page', async (t) => {
  const html = join(t.testdir(), 'page.html');
  const printed = t.capture(console, 'log', () => undefined);
  t.capture(console, 'error', () => undefined);
  t.capture(process.stderr, 'write', () => true);
  t.equal(await benchCommand({ ...OPTIONS, html }), 0);
  const result = JSON.parse(printed()[0]?.args[0]);
  t.match(result, { format: 1, valid: true, rounds: [{ load: { settled: 1010 } }] });
  t.match(readFileSync(html, 'utf8'), '<title>millrace bench');
});

t.test('a page that cannot be written is refused before anything runs', async (t) => {
  const html = join(t.testdir(), 'nowhere', 'page.html');
  await t.rejects(benchCommand({ ...OPTIONS, html, connector: ['/nowhere'] }), {
    name: 'UsageError',
    message: /^--html: .*page\.html cannot be written: ENOENT/,
  });
});
