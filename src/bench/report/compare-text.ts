/* A comparison as text for people. */
import type { Comparison, FigureComparison, TooFewRounds } from './compare.js';
import { formatNumber } from './format.js';
import { textTable } from './table.js';

/** Together less than 100 characters. */
const WIDTHS = [30, 12, 12, 8, 25];
const CELL_CHARACTERS_MAX = 40;

/** What the two are called: their files, or versions. */
export interface Names {
  readonly a: string;
  readonly b: string;
}

function figureRow({ metric, a, b, ratio, verdict }: FigureComparison): string[] {
  return [
    metric.label,
    formatNumber(a, metric.digits),
    formatNumber(b, metric.digits),
    ratio === undefined ? '' : formatNumber(ratio, 2),
    verdict,
  ];
}

function short(text: string): string {
  return text.length > CELL_CHARACTERS_MAX ? `${text.slice(0, CELL_CHARACTERS_MAX - 1)}…` : text;
}

/** What it would take to tell. */
export function describeTooFewRounds(tooFew: TooFewRounds): string {
  const { a, b, figures, needed, neededForOne } = tooFew;
  const what =
    figures === 1 ? 'one figure needs' : `${figures} figures that vary, compared at once, need`;
  const fewer = needed === neededForOne ? '' : `; one alone, with --figure NAME, ${neededForOne}`;
  return (
    `${what} ${needed} rounds of each to tell (--repeat ${needed})${fewer}. ` +
    `A has ${a}, B has ${b}`
  );
}

/** @param colour for a terminal that shows it */
export function describeComparison(
  { differences, parts, missing, tooFewRounds }: Comparison,
  { a, b }: Names,
  colour = false,
): string {
  const lines = [`A  ${a}`, `B  ${b}`];
  if (differences.length > 0) {
    const rows = differences.map(({ what, a, b }) => [what, short(a), short(b)]);
    lines.push('', 'WARNING: they differ in more than what was measured:', '');
    lines.push(...textTable({ heads: ['', 'A', 'B'], colour }, rows));
  }
  for (const { heading, figures } of parts) {
    const heads = [heading, 'A', 'B', 'B / A', 'verdict'];
    lines.push('', ...textTable({ heads, widths: WIDTHS, colour }, figures.map(figureRow)));
  }
  if (parts.length === 0) lines.push('', 'They have no figure in common.');
  if (tooFewRounds !== undefined)
    lines.push('', `Too few rounds: ${describeTooFewRounds(tooFewRounds)}.`);
  for (const [which, names] of Object.entries(missing)) {
    if (names.length === 0) continue;
    lines.push(
      '',
      `Not compared, for ${which.toUpperCase()} lacks them:`,
      ...names.map((name) => `  ${name}`),
    );
  }
  return lines.join('\n');
}
