/* `millrace bench --compare A.json B.json`: two results of earlier runs. */
import { readFile } from 'node:fs/promises';
import { UsageError } from '../base/errors.js';
import { plural } from '../base/plural.js';
import { compare, isWorse } from '../bench/report/compare.js';
import { describeComparison, describeTooFewRounds } from '../bench/report/compare-text.js';
import { parseResult, type StoredResult } from '../bench/report/result.js';

export interface CompareOptions {
  readonly files: readonly string[];
  /** Names of the figures to compare; empty: all. */
  readonly figures: readonly string[];
  readonly failOnWorse: boolean;
  readonly colour: boolean;
}

async function readResult(file: string): Promise<StoredResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
  const result = parseResult(text, file);
  if (!result.valid) {
    const reasons = result.rounds.flatMap(({ voidBecause }) => voidBecause);
    throw new UsageError(
      `${file} is the result of a void run, whose figures mean nothing: ${reasons.join('; ')}`,
    );
  }
  return result;
}

/**
 * Prints the comparison. 0, or 1 where something is worse and that is to be a failure. Where it is, and too
 * few rounds or figures are there to tell, throws a UsageError behind it: nobody is to take that for a pass.
 */
export async function compareCommand(
  { files, figures, failOnWorse, colour }: CompareOptions,
  print: (text: string) => void,
): Promise<number> {
  const [fileA, fileB, ...more] = files;
  if (fileA === undefined || fileB === undefined || more.length > 0) {
    throw new UsageError('--compare takes two results: --compare A.json B.json');
  }
  const [a, b] = [await readResult(fileA), await readResult(fileB)];
  const comparison = compare(a, b, figures);
  const nameOf = (file: string, { millrace, rounds }: StoredResult) =>
    `${file}: millrace ${millrace}, ${plural(rounds.length, 'round')}`;
  print(describeComparison(comparison, { a: nameOf(fileA, a), b: nameOf(fileB, b) }, colour));
  if (!failOnWorse) return 0;
  const { tooFewRounds, parts } = comparison;
  if (tooFewRounds !== undefined) {
    throw new UsageError(
      `--fail-on-worse cannot tell whether B is worse: ${describeTooFewRounds(tooFewRounds)}`,
    );
  }
  if (parts.length === 0) {
    throw new UsageError('--fail-on-worse cannot tell whether B is worse: no figure is in both');
  }
  return isWorse(comparison) ? 1 : 0;
}
