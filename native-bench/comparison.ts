/* What the programs that compare alternatives have in common: a command line, rounds in turns, and how
 * a figure is shown. */
import { Command } from 'commander';
import type { Spread } from '../src/bench/report/spread.js';
import { textTable } from '../src/bench/report/table.js';
import { wholeNumber } from '../src/cli/numbers.js';

const WRONG_USAGE = 2;

export interface ComparisonOptions {
  readonly rounds: number;
  readonly json: boolean;
}

/** The command line of one program, which may add to it. Wrong usage ends the process with 2. */
export function comparisonCommand(name: string, description: string, rounds: number): Command {
  return new Command(`native-bench ${name}`)
    .description(description)
    .option('--rounds <n>', 'how often all take turns', wholeNumber(1, 1_000), rounds)
    .option('--json', 'JSON instead of tables', false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USAGE));
}

/** All take turns, so that a machine that grows slower treats all of them alike. */
export async function takeTurns<Name extends string, Result>(
  names: readonly Name[],
  rounds: number,
  measure: (name: Name) => Result | Promise<Result>,
): Promise<Record<Name, Result[]>> {
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    Result[]
  >;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results[name].push(await measure(name));
  }
  return results;
}

/** The median, then the least and the most. */
export function spreadText({ median, min, max }: Spread, digits: number): string {
  const text = (value: number) =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return min === max ? text(median) : `${text(median)} (${text(min)} to ${text(max)})`;
}

export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(textTable({ heads }, rows).join('\n'));
}
