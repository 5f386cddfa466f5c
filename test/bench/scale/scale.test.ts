import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BENCH_DEFAULTS, type BenchOptions } from '../../../src/bench/options.js';
import { dimensionsOf } from '../../../src/bench/scale/dimensions.js';
import { caseOptions, runScale } from '../../../src/bench/scale/scale.js';
import { describeScaleRound, isScaleValid } from '../../../src/bench/scale/text.js';

const CONNECTOR = fileURLToPath(new URL('../../support/bench-connector-main.js', import.meta.url));
const CONTEXT = { interrupted: new AbortController().signal, onWarning: () => undefined };

function optionsFor(behaviour: string, options: Partial<BenchOptions> = {}): BenchOptions {
  return {
    ...BENCH_DEFAULTS,
    verify: false,
    warmupMessages: 10,
    messages: 500,
    receiveMaximum: 50,
    repeat: 2,
    connector: [process.execPath, CONNECTOR, behaviour],
    ...options,
  };
}

t.test('the cases of a dimension take turns, and the others are left out', async (t) => {
  const seen: string[] = [];
  const report = await runScale(
    { bench: optionsFor('orderly'), dimensions: ['routes-topics'] },
    (round) => {
      seen.push(`${round.scaleCase.settings.routes} ${round.number}`);
      t.match(describeScaleRound(round), /^routes and topics 1.*, round \d: [\d,]+ messages\/s/);
    },
    CONTEXT,
  );
  t.strictSame(seen, ['1 1', '1000 1', '1 2', '1000 2']);
  t.equal(isScaleValid(report), true);
  t.strictSame(
    report.dimensions.map(({ name, cases }) => [name, cases.map(({ rounds }) => rounds)]),
    [['routes-topics', [2, 2]]],
  );
  t.type(report.dimensions[0]?.withinLimit, 'boolean');
});

t.test('no case has more bytes in flight than are settled within seconds', async (t) => {
  const payload = dimensionsOf(2).find(({ name }) => name === 'payload');
  const inFlight = (receiveMaximum: number) =>
    payload?.cases.map(
      (found) => caseOptions(optionsFor('', { receiveMaximum }), found).receiveMaximum,
    );
  t.same(inFlight(8000), [8000, 8000, 8000, 8000, 6400, 1600, 419, 200]);
  t.same(
    inFlight(50),
    Array.from({ length: 8 }, () => 50),
  );
});

t.test('a round that fails does not count, and the others go on', async (t) => {
  const report = await runScale(
    { bench: optionsFor('crashing', { repeat: 1 }), dimensions: ['routes-topics'] },
    ({ round }) => t.equal(round, undefined),
    CONTEXT,
  );
  t.equal(isScaleValid(report), false);
  for (const found of report.dimensions[0]?.cases ?? []) {
    t.match(found, { rounds: 0, voidBecause: [/connector ended/], cpuUsPerMessage: undefined });
  }
});

t.test('what cannot be measured is refused before anything starts', async (t) => {
  const run = (options: Partial<BenchOptions>) =>
    runScale(
      { bench: optionsFor('orderly', options), dimensions: [] },
      () => t.fail('no round'),
      CONTEXT,
    );
  await t.rejects(run({ direction: 'both' }), { name: 'UsageError', message: /one --direction/ });
  await t.rejects(run({ topics: 50 }), { message: /--topics 100 .*dimension routes/ });
  await t.rejects(run({ direction: 'kafka-to-mqtt' }), {
    message: /--direction.*dimension routes/,
  });
});

t.test('an interrupted bench ends with its reason', async (t) => {
  const interruption = new AbortController();
  const bench = optionsFor('orderly');
  const run = runScale(
    { bench, dimensions: ['routes-topics'] },
    () => interruption.abort(new Error('enough')),
    { ...CONTEXT, interrupted: interruption.signal },
  );
  await t.rejects(run, { message: 'enough' });
});
