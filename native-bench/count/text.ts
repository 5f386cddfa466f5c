import type { Spread } from '../../src/bench/report/spread.js';
import { textTable } from '../../src/bench/report/table.js';
import type { Check, Row } from './check.js';

const HEADS = ['kernel', 'instructions', 'spread', 'baseline', 'change', ''] as const;

/** What a check found, as a table and the notes. */
export function describe({ rows, notes }: Pick<Check, 'rows' | 'notes'>): string {
  const cells = rows.map(({ name, now, before, change, verdict }) => [
    name,
    now === undefined ? '' : amount(now.median),
    now === undefined ? '' : spreadText(now),
    before === undefined ? '' : amount(before),
    change === undefined ? '' : percent(change),
    verdict === 'same' ? '' : verdict,
  ]);
  return [...textTable({ heads: HEADS }, cells), '', ...notes].join('\n').trimEnd();
}

/** Of one that was counted alone: one line while the others still run. */
export function progress(
  { name, now }: Pick<Row, 'name' | 'now'>,
  done: number,
  all: number,
): string {
  return `${done}/${all} ${name}: ${now === undefined ? '' : amount(now.median)}`;
}

function amount(instructions: number): string {
  return instructions.toLocaleString('en-US', {
    maximumFractionDigits: 1,
    minimumFractionDigits: 1,
  });
}

/** From the least round to the most, in parts of the median. */
function spreadText({ median, min, max }: Spread): string {
  return `${(((max - min) / median) * 100).toFixed(2)} %`;
}

function percent(change: number): string {
  return `${change < 0 ? '' : '+'}${(change * 100).toFixed(1)} %`;
}
