/* Tables for a terminal: a rule under the heads, columns apart, no frame that a copy into a mail would
 * tear.
 */
import Table from 'cli-table3';

export interface TableShape {
  /** The first column's texts stand left, all others right. */
  readonly heads: readonly string[];
  /** Characters of each column, gap included; absent: as wide as its widest cell. */
  readonly widths?: readonly number[];
  /** Bold heads, which only a terminal can show. */
  readonly colour?: boolean;
}

/** No ruling but the one under the heads. */
const CHARACTERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '─',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
} as const;
const GAP = 2;

/** The table as lines, without blanks at their ends. */
export function textTable(
  { heads, widths, colour = false }: TableShape,
  rows: readonly (readonly string[])[],
): string[] {
  const cellOf = (content: string, index: number) => ({
    content,
    style: { 'padding-left': index === 0 ? 0 : GAP, 'padding-right': 0 },
  });
  const table = new Table({
    // Its type knows texts only, a head takes what a cell takes.
    head: heads.map(cellOf) as unknown as string[],
    chars: CHARACTERS,
    colAligns: heads.map((_, index) => (index === 0 ? 'left' : 'right')),
    ...(widths === undefined ? {} : { colWidths: [...widths] }),
    style: {
      head: colour ? ['bold'] : [],
      border: colour ? ['grey'] : [],
      compact: true,
    },
  });
  table.push(...rows.map((row) => row.map(cellOf)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
