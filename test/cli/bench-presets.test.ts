import { Command } from 'commander';
import t from 'tap';
import { BENCH_DEFAULTS } from '../../src/bench/options.js';
import { registerBench } from '../../src/cli/bench-options.js';
import { applyArgs, describePresets, PRESETS } from '../../src/cli/bench-presets.js';

/** `millrace bench` without its action. */
function benchCommand(): Command {
  const program = new Command();
  registerBench(program);
  const command = program.commands[0] as Command;
  return command.exitOverride().action(() => undefined);
}

function applied(preset: string, ...args: string[]) {
  const given = benchCommand();
  given.parse(args, { from: 'user' });
  return applyArgs(PRESETS[preset]?.args ?? [], benchCommand(), given);
}

t.test('every preset sets options that there are', async (t) => {
  for (const [name, { args }] of Object.entries(PRESETS)) {
    const { values, args: all } = applied(name);
    t.same(all, args, name);
    t.equal(Object.keys(values).length, args.length, name);
    for (const key of Object.keys(values)) t.ok(key in BENCH_DEFAULTS, key);
    t.ok(describePresets().includes(`${name} (${args.join(' ')})`), name);
  }
});

t.test('values are read as from the command line', async (t) => {
  t.same(applied('plant').values, { topics: 10_000, rate: 50_000, payloadBytes: 200 });
  t.match(applied('mixed').values, {
    payload: [
      { bytes: 200, percent: 90 },
      { bytes: 4096, percent: 9 },
      { bytes: 2 ** 21, percent: 1 },
    ],
  });
});

t.test('what is given counts, and what says the same in another way', async (t) => {
  t.same(applied('edge', '--rate', '7').values, { topics: 1000, payloadBytes: 200 });
  t.same(applied('edge', '--rate=7').args, ['--topics=1000', '--payload-bytes=200']);
  t.same(applied('mixed', '--payload-bytes=5').values, { topics: 1000 });
  const large = applied('large', '--payload=5:50%,6:50%');
  t.same(large.values, { topics: 1000, receiveMaximum: 200 });
});
