/* Problems for people, and for programs. */
import type { Problem } from '../base/errors.js';
import { plural } from '../base/plural.js';
import { printable } from '../base/printable.js';

export interface Counts {
  readonly errors: number;
  readonly warnings: number;
}

/** How many of each severity; no errors means valid. */
export function countProblems(problems: readonly Problem[]): Counts {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return { errors, warnings: problems.length - errors };
}

/** `file:line: error: Kind/name path: message`, the hint below it, and a count at the end. */
export function formatProblems(problems: readonly Problem[], options: { color: boolean }): string {
  const lines: string[] = [];
  for (const problem of problems) {
    lines.push(headline(problem, options.color));
    if (problem.hint !== '') lines.push(`    ${printable(problem.hint)}`);
  }
  if (problems.length > 0) lines.push(formatCounts(countProblems(problems)));
  return lines.map((line) => `${line}\n`).join('');
}

/** One JSON object and a newline: `valid`, the counts, and the problems with all their fields. */
export function formatProblemsAsJson(problems: readonly Problem[]): string {
  const { errors, warnings } = countProblems(problems);
  return `${JSON.stringify({ valid: errors === 0, errors, warnings, problems }, null, 2)}\n`;
}

export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** Colour is for a terminal, unless NO_COLOR asks for none (no-color.org). */
export function wantsColor(output: Output, environment: NodeJS.ProcessEnv): boolean {
  return output.isTTY === true && !environment.NO_COLOR;
}

const BOLD = '\u001b[1m';
const RED = '\u001b[31m';
const YELLOW = '\u001b[33m';
const RESET = '\u001b[0m';

function headline(problem: Problem, color: boolean): string {
  const { severity, file, line, resource, path, message } = problem;
  const name = file === '-' ? '(standard input)' : file;
  const place = line > 0 ? `${name}:${line}: ` : name === '' ? '' : `${name}: `;
  const subject = [resource, path].filter((part) => part !== '').join(' ');
  const text = printable(subject === '' ? message : `${subject}: ${message}`);
  if (!color) return `${printable(place)}${severity}: ${text}`;
  const paint = severity === 'error' ? RED : YELLOW;
  return `${BOLD}${printable(place)}${paint}${severity}:${RESET} ${text}`;
}

/** Such as `1 error, 2 warnings`. */
export function formatCounts({ errors, warnings }: Counts): string {
  return `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
}
