/* npm run native-bench: the alternatives that were decided by figures, and the instructions of each
 * kernel against the baseline. README.md says how to read each.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { OperatingError, UsageError } from '../src/base/errors.js';
import { readBaseline, writeBaseline } from './count/baseline.js';
import { type Count, check } from './count/check.js';
import { differences, type Environment, environmentHere } from './count/environment.js';
import { allRuns, countKernels, selectKernels } from './count/kernels.js';
import { describe, progress } from './count/text.js';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/** Programs that compare alternatives, and what makes them short. */
const ALTERNATIVES: Readonly<Record<string, { readonly file: string; readonly short: string[] }>> =
  {
    crossing: { file: './crossing.js', short: ['--rounds', '3', '--messages', '200000'] },
    ring: { file: './ring.js', short: ['--rounds', '1'] },
    lane: { file: './lane.js', short: ['--rounds', '3'] },
    addon: { file: './run.js', short: ['--rounds', '1', '--messages', '100000'] },
  };

interface KernelOptions {
  readonly check: boolean;
  readonly update: boolean;
  readonly json: boolean;
}

process.exitCode = await main(process.argv.slice(2)).catch(exitCodeOf);

async function main(args: readonly string[]): Promise<number> {
  const [first = '', ...rest] = args;
  // What such a program is told is its own affair.
  if (Object.hasOwn(ALTERNATIVES, first)) return runAlternative(first, rest);
  const program = new Command('native-bench')
    .description('What the parts of a message cost, against alternatives and against the baseline')
    .argument(
      '[names...]',
      `kernels, or parts such as receive; \`kernels\`: all; or one of ${Object.keys(ALTERNATIVES).join(', ')}, with its options`,
    )
    .option(
      '--check',
      'fail where a kernel needs over 10 % more instructions than the baseline',
      false,
    )
    .option('--update', 'make what is counted the baseline', false)
    .option('--json', 'JSON instead of a table', false)
    .exitOverride();
  program.parse(args, { from: 'user' });
  const options = program.opts<KernelOptions>();
  if (options.check && options.update) throw new UsageError('either --check or --update');
  const names = program.args.filter((name) => name !== 'kernels');
  const alternative = names.find((name) => Object.hasOwn(ALTERNATIVES, name));
  if (alternative !== undefined)
    throw new UsageError(`${alternative} is run alone, with options of its own`);
  const isOverview = program.args.length === 0 && !Object.values(options).some(Boolean);
  if (isOverview) await runAllAlternatives();
  return runKernels(names, options);
}

async function runAllAlternatives(): Promise<void> {
  for (const [name, { short }] of Object.entries(ALTERNATIVES)) {
    console.log(`\n${name} ${short.join(' ')}`);
    const code = await runAlternative(name, short);
    if (code !== DONE) throw new OperatingError('ERR_NATIVE_BENCH', `${name} ended with ${code}`);
  }
  console.log('\ninstructions of each kernel');
}

async function runAlternative(name: string, args: readonly string[]): Promise<number> {
  const file = fileURLToPath(new URL(ALTERNATIVES[name]?.file ?? '', import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? FAILED;
}

async function runKernels(names: readonly string[], options: KernelOptions): Promise<number> {
  const runs = await allRuns();
  const selected = selectKernels(
    runs.flatMap((run) => run.names),
    names,
  );
  const here = environmentHere();
  let done = 0;
  const counts = await countKernels(runs, selected, ({ name, instructions }) => {
    done += 1;
    process.stderr.write(`${progress({ name, now: instructions }, done, selected.size)}\n`);
  });
  if (options.update) return update(counts, here, names.length > 0);
  const result = check(await readBaseline(), counts, here, names.length > 0);
  console.log(options.json ? JSON.stringify({ environment: here, ...result }) : describe(result));
  return options.check && result.failed ? FAILED : DONE;
}

async function update(
  counts: readonly Count[],
  here: Environment,
  partial: boolean,
): Promise<number> {
  const counted = Object.fromEntries(
    counts.map(({ name, instructions }) => [name, Math.round(instructions.median * 10) / 10]),
  );
  if (!partial) await writeBaseline({ environment: here, instructions: counted });
  else {
    const { environment, instructions } = await readBaseline();
    const differing = differences(environment, here);
    if (differing.length > 0) {
      const why = `the others were counted elsewhere: ${differing.join('; ')}`;
      throw new UsageError(`a part of the baseline cannot be updated here: ${why}`);
    }
    await writeBaseline({ environment, instructions: { ...instructions, ...counted } });
  }
  console.log('native-bench/baseline.json is written: look at what git diff says of it');
  return DONE;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  if (error instanceof UsageError) {
    console.error(`native-bench: ${error.message}`);
    return WRONG_USAGE;
  }
  if (error instanceof OperatingError) {
    console.error(`native-bench: ${error.message} (${error.code})`);
    return FAILED;
  }
  throw error;
}
