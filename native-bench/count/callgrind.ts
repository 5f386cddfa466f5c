/* Instructions of a program by callgrind. The program marks rounds by calls of getpriority(2), which
 * nothing else makes and before which callgrind dumps its counts:
 *
 *   start ... mark | empty | mark ... mark | round | mark ... mark | round | mark ... end
 *   part 1           part 2   part 3         part 4   part 5         part 6   part 7
 *
 * What the marks cost themselves, the empty round tells. Counts are of the thread that makes the marks.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatingError } from '../../src/base/errors.js';

/** The thread that a program starts with. */
const MARKING_THREAD = 1;
const FLAGS = ['-q', '--tool=callgrind', '--dump-before=getpriority', '--separate-threads=yes'];
const MISSING = `valgrind is needed to count instructions, and is not here.
  Debian, Ubuntu:  sudo apt-get install -y valgrind
  Then run the same command again.`;
/** How much of what a program complains of goes into the message that it failed. */
const ERRORS_SHOWN = 2_000;

/** What one dump says; the text of a part has it in its first lines. */
export interface Part {
  readonly part: number;
  readonly thread: number;
  readonly instructions: number;
}

/** Undefined: no dump of a thread, such as the summary file of all of them. */
export function readPart(text: string): Part | undefined {
  const number = (pattern: RegExp) => {
    const found = pattern.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const part = number(/^part: (\d+)$/m);
  const thread = number(/^thread: (\d+)$/m);
  const instructions = number(/^totals: (\d+)/m);
  if (part === undefined || thread === undefined || instructions === undefined) return undefined;
  return { part, thread, instructions };
}

/** Instructions of each round, without those of the marks; throws where a mark is missing. */
export function roundsOf(parts: readonly Part[]): number[] {
  const marked = parts
    .filter(({ thread, part }) => thread === MARKING_THREAD && part % 2 === 0)
    .sort((a, b) => a.part - b.part)
    .map(({ instructions }) => instructions);
  const last = Math.max(0, ...parts.map(({ part }) => part));
  const [empty, ...rounds] = marked;
  if (empty === undefined || rounds.length === 0 || last !== 2 * marked.length + 1) {
    throw new Error(`callgrind saw no rounds: the last of its parts is ${last}`);
  }
  return rounds.map((instructions) => instructions - empty);
}

/**
 * Runs a program under callgrind, which prints how many operations each round has: instructions an
 * operation, of each round.
 */
export async function countInstructions(command: readonly string[]): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-callgrind-'));
  try {
    const out = `--callgrind-out-file=${join(folder, 'out')}`;
    const printed = await run('valgrind', [...FLAGS, out, ...command]);
    const parts: Part[] = [];
    for (const name of await readdir(folder)) {
      const part = readPart(await readFile(join(folder, name), 'utf8'));
      if (part !== undefined) parts.push(part);
    }
    return instructionsEach(roundsOf(parts), printed);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param printed how many operations each round has, apart by blanks */
export function instructionsEach(rounds: readonly number[], printed: string): number[] {
  const operations = printed.trim().split(/\s+/).map(Number);
  if (operations.length !== rounds.length || !operations.every((count) => count > 0)) {
    throw new Error(`${rounds.length} rounds were counted, and of these operations: ${printed}`);
  }
  return rounds.map((instructions, round) => instructions / (operations[round] as number));
}

/** Resolves with what it printed. */
function run(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors = `${errors}${chunk}`.slice(-ERRORS_SHOWN);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') reject(new OperatingError('ERR_NO_VALGRIND', MISSING));
      else reject(error);
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const what = `${args.slice(FLAGS.length + 1).join(' ')} under callgrind`;
        reject(new OperatingError('ERR_KERNEL', `${what}: ${signal ?? `exit ${code}`}\n${errors}`));
      }
    });
  });
}
