/* All kernels, and how each is run to be counted. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { OperatingError, UsageError } from '../../src/base/errors.js';
import { spreadOf } from '../../src/bench/report/spread.js';
import { nativeKernels, parts } from '../kernels/parts.js';
import { countInstructions } from './callgrind.js';
import type { Count } from './check.js';
import type { KernelSort } from './environment.js';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const RUN_PART = here('../kernels/run-part.js');
const NATIVE_PROGRAM = here('../kernels/native-kernels');
const NATIVE_BUILD = here('../../../native-bench/kernels/native/build.sh');

/**
 * The same code from the same decisions, each time: V8 compiles on the main thread, at counts of
 * executions and never of time, and its seeds are fixed. It optimises as always, after a sixteenth of the
 * executions. The young generation is so large that no round has a garbage collection in it.
 */
const NODE_FLAGS = [
  '--single-threaded',
  '--predictable',
  '--hash-seed=1',
  '--random-seed=1',
  '--interrupt-budget=4096',
  '--min-semi-space-size=64',
];

/** Kernels that one process runs, always all of them: V8 compiles for what it has met so far. */
interface Run {
  readonly sort: KernelSort;
  readonly names: readonly string[];
  readonly command: readonly string[];
}

/** Every kernel there is, in the order of the table. */
export async function allRuns(): Promise<Run[]> {
  const runs: Run[] = [];
  for (const [part, load] of parts) {
    const names = (await load()).map(({ name }) => name);
    const command = [process.execPath, ...NODE_FLAGS, RUN_PART, part];
    runs.push({ sort: 'javascript', names, command });
  }
  for (const name of nativeKernels) {
    runs.push({ sort: 'addon', names: [name], command: [NATIVE_PROGRAM, name] });
  }
  return runs;
}

/** The kernels of these names, or of these parts, such as `receive`; without names all. */
export function selectKernels(
  all: readonly string[],
  wanted: readonly string[],
): ReadonlySet<string> {
  if (wanted.length === 0) return new Set(all);
  const selected = new Set<string>();
  for (const name of wanted) {
    const found = all.filter((each) => each === name || each.startsWith(`${name}/`));
    if (found.length === 0) {
      throw new UsageError(`there is no kernel ${name}; there are ${all.join(', ')}`);
    }
    for (const each of found) selected.add(each);
  }
  return selected;
}

/**
 * Counts the instructions of these kernels, in as many processes at a time as the machine has cores.
 * @param onCounted told after each of them
 */
export async function countKernels(
  runs: readonly Run[],
  selected: ReadonlySet<string>,
  onCounted: (count: Count) => void,
): Promise<Count[]> {
  const waiting = runs.filter(({ names }) => names.some((name) => selected.has(name)));
  if (waiting.some(({ sort }) => sort === 'addon')) await buildNative();
  const counts = new Map<string, Count>();
  const countOn = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const { sort, names, command } = run;
      const instructions = await countInstructions(command);
      const rounds = instructions.length / names.length;
      for (const [n, name] of names.entries()) {
        if (!selected.has(name)) continue;
        const each = instructions.slice(n * rounds, (n + 1) * rounds);
        const count = { name, sort, instructions: spreadOf(each) };
        counts.set(name, count);
        onCounted(count);
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, countOn));
  return runs.flatMap(({ names }) => names).flatMap((name) => counts.get(name) ?? []);
}

async function buildNative(): Promise<void> {
  await promisify(execFile)(NATIVE_BUILD, [NATIVE_PROGRAM]).catch((error: Error) => {
    throw new OperatingError(
      'ERR_KERNEL',
      `the kernels of the addon cannot be built: ${error.message}`,
    );
  });
}
