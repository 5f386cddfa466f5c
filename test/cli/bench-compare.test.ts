import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import t from 'tap';
import { resultOf } from '../../src/bench/report/result.js';
import { compareCommand } from '../../src/cli/bench-compare.js';
import { registerBench } from '../../src/cli/bench-options.js';
import { LOAD_REPORT, REPORT, ROUND } from '../support/bench-rounds.js';

const folder = t.testdir({ 'foreign.json': '{"name":"package"}' });
const fileOf = (name: string) => join(folder, name);

async function write(name: string, rates: readonly number[], voidBecause: string[] = []) {
  const rounds = rates.map((messages) => {
    return { ...ROUND, voidBecause, load: { ...LOAD_REPORT, messages, seconds: 1 } };
  });
  await writeFile(fileOf(name), JSON.stringify(resultOf({ ...REPORT, rounds }, '1.0.0')));
}

async function run(names: readonly string[], failOnWorse = false, figures: string[] = []) {
  const printed: string[] = [];
  const options = { files: names.map(fileOf), figures, failOnWorse, colour: false };
  const code = await compareCommand(options, (text) => printed.push(text));
  return { code, text: printed.join('\n') };
}

t.before(async () => {
  await write('fast.json', [100, 101, 102, 103]);
  await write('slow.json', [50, 51, 52, 53]);
  await write('few.json', [100, 101, 102]);
  await write('slow-few.json', [50, 51, 52]);
  await write('void.json', [50], ['3 messages refused']);
});

t.test('what is worse fails only where that is asked for', async (t) => {
  t.match(await run(['fast.json', 'slow.json']), { code: 0, text: /fast\.json: .* 4 rounds/ });
  t.match(await run(['fast.json', 'slow.json'], true), { code: 1, text: /worse/ });
  t.match(await run(['slow.json', 'fast.json'], true), { code: 0, text: /better/ });
});

t.test('too few rounds are no pass', async (t) => {
  for (const figures of [[], ['messagesPerSecond']]) {
    t.match(await run(['few.json', 'few.json'], false, figures), { code: 0 });
    await t.rejects(run(['few.json', 'slow-few.json'], true, figures), {
      name: 'UsageError',
      message: /^--fail-on-worse cannot tell.*one figure needs 4 rounds.*A has 3, B has 3$/,
    });
  }
});

t.test('what cannot be compared is wrong usage, and named', async (t) => {
  const refused = (names: string[], message: RegExp) =>
    t.rejects(run(names), { name: 'UsageError', message });
  await refused(['fast.json', 'void.json'], /void\.json is the result of a void run.*3 messages/);
  await refused(['foreign.json', 'fast.json'], /foreign\.json is not what/);
  await refused(['fast.json', 'absent.json'], /absent\.json cannot be read: ENOENT/);
  await refused(['fast.json'], /--compare A\.json B\.json/);
  await refused(['fast.json', 'fast.json', 'fast.json'], /--compare A\.json B\.json/);
});

t.test('the command line hands both files on', async (t) => {
  const program = new Command().exitOverride();
  registerBench(program);
  const printed = t.capture(console, 'log', () => undefined);
  t.teardown(() => {
    process.exitCode = 0;
  });
  const files = [fileOf('fast.json'), fileOf('slow.json')];
  const figure = ['--figure', 'messagesPerSecond'];
  const args = ['bench', '--compare', ...files, ...figure, '--fail-on-worse'];
  await program.parseAsync(args, { from: 'user' });
  t.equal(process.exitCode, 1);
  t.match(printed(), [{ args: [/0\.51 +worse/] }]);
});

t.test('flags of a run and of a comparison do not go together', async (t) => {
  const refused = (args: string[], message: string) => {
    const program = new Command().exitOverride();
    registerBench(program);
    return t.rejects(program.parseAsync(['bench', ...args], { from: 'user' }), { message });
  };
  await refused(['--fail-on-worse'], '--fail-on-worse is for --compare only');
  await refused(['--figure', 'messagesPerSecond'], '--figure is for --compare only');
  const files = [fileOf('fast.json'), fileOf('slow.json')];
  await refused(['--compare', ...files, '--rate', '5'], '--rate is for a run, not for --compare');
});
