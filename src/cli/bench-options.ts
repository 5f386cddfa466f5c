/* The command line of `millrace bench`. Every command loads this file: what a bench itself needs is loaded
 * when one is asked for.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../base/errors.js';
import { BENCH_DEFAULTS, type BenchOptions } from '../bench/options.js';
import { DIMENSIONS, type DimensionName } from '../bench/scale/dimensions.js';
import { applyArgs, describePresets, PRESETS, SCALE_QUICK_ARGS } from './bench-presets.js';
import { benchOptions } from './bench-run-options.js';
import { showsColour } from './colour.js';

export interface BenchCommandOptions extends BenchOptions {
  readonly json: boolean;
  /** A file to write a page with charts to. */
  readonly html?: string;
}

export interface ScaleFlags {
  readonly dimension?: readonly DimensionName[] | undefined;
  readonly quick?: boolean | undefined;
}

/** As commander gives them: the flags of `registerBench`. */
interface Flags extends Partial<BenchCommandOptions>, ScaleFlags {
  readonly preset?: string;
  /** Two results to compare, instead of a run. */
  readonly compare?: readonly string[];
  readonly figure?: readonly string[];
  readonly failOnWorse?: boolean;
}

/** Adds `bench` to the program. */
export function registerBench(program: Command): void {
  const command = program.command('bench').description('measure the connector under load');
  const presets = `options that go together, which others override: ${describePresets()}`;
  benchOptions(command)
    .addOption(new Option('--preset <name>', presets).choices(Object.keys(PRESETS)))
    .option(
      '--dimension <name...>',
      `of --preset scale, only: ${DIMENSIONS.join(', ')} (default: all)`,
      dimension,
    )
    .option('--quick', 'of --preset scale: shorter rounds, one of each case')
    .option('--no-verify', 'do not look at the records in Kafka afterwards')
    .option('--json', 'print the result as JSON', false)
    .option('--html <file>', 'write a page with charts too, which needs no network')
    .option('--compare <results...>', 'compare two results of --json, A and B, and run nothing')
    .option(
      '--figure <name...>',
      'with --compare: these figures only, so that fewer rounds can tell (default: all)',
    )
    .option(
      '--fail-on-worse',
      'with --compare: exit code 1 where B is worse than A, 2 where there are too few rounds to tell',
      false,
    )
    .action(async (flags: Flags) => {
      process.exitCode = await act(command, flags);
    });
}

/** Does what is asked for; gives the exit code. */
async function act(
  command: Command,
  { preset, dimension, quick, compare, figure, failOnWorse = false, ...given }: Flags,
): Promise<number> {
  if (compare !== undefined) {
    refuseRunFlags(command);
    const { compareCommand } = await import('./bench-compare.js');
    const options = { files: compare, figures: figure ?? [], failOnWorse, colour: showsColour() };
    return await compareCommand(options, (text) => console.log(text));
  }
  if (failOnWorse) throw new UsageError('--fail-on-worse is for --compare only');
  if (figure !== undefined) throw new UsageError('--figure is for --compare only');
  const flags = { dimension, quick };
  if (preset !== 'scale') refuseScaleFlags(flags);
  const args = quick ? SCALE_QUICK_ARGS : (PRESETS[preset ?? '']?.args ?? []);
  const values = preset === undefined ? {} : presetValues(preset, args, command);
  const options = { ...BENCH_DEFAULTS, json: false, ...given, ...values };
  if (preset !== 'scale') {
    const { benchCommand } = await import('./bench.js');
    return await benchCommand(options);
  }
  const { json, html, ...bench } = options;
  if (html !== undefined) {
    throw new UsageError(
      '--html is of a single bench, and --preset scale is many: leave it out, or run one case with it, such as ' +
        'millrace bench --routes 1000 --html FILE',
    );
  }
  const { scaleCommand } = await import('./bench-scale.js');
  return await scaleCommand(bench, flags, json);
}

/** Attribute names of the options that go with --compare. */
const OF_COMPARISON = new Set(['compare', 'figure', 'failOnWorse']);

/** Throws a UsageError where a flag of a run is given with --compare, which runs nothing. */
function refuseRunFlags(command: Command): void {
  const ofRun = command.options.find((option) => {
    const name = option.attributeName();
    const isGiven = command.getOptionValueSource(name) === 'cli';
    return isGiven && !OF_COMPARISON.has(name);
  });
  if (ofRun !== undefined) throw new UsageError(`${ofRun.long} is for a run, not for --compare`);
}

/** Throws a UsageError where there are flags of the scale bench and another is asked for. */
export function refuseScaleFlags({ dimension, quick }: ScaleFlags): void {
  const flag = dimension === undefined ? quick && '--quick' : '--dimension';
  if (flag) throw new UsageError(`${flag} is for --preset scale only`);
}

/** One more of the names that `--dimension` is given. */
function dimension(text: string, before: readonly DimensionName[] = []): DimensionName[] {
  const found = DIMENSIONS.find((name) => name === text);
  if (found !== undefined) return [...before, found];
  throw new InvalidArgumentError(`one of ${DIMENSIONS.join(', ')} is needed.`);
}

/** What the arguments of a preset set, and says so. */
function presetValues(
  name: string,
  args: readonly string[],
  given: Command,
): Readonly<Record<string, unknown>> {
  const applied = applyArgs(args, benchOptions(new Command()), given);
  const own = applied.args.length < args.length ? ', the rest is as given' : '';
  console.error(`preset ${name}: ${applied.args.join(' ')}${own}`);
  return applied.values;
}
