/* The comparison as a table for people. */
import Table from 'cli-table3';
import type { Case } from './cases.js';
import type { Figures, Verdict } from './figures.js';

export interface Entry {
  readonly name: string;
  readonly figures: Figures;
  /** Why there are no figures, or why some of its rounds do not count. */
  readonly remarks: readonly string[];
}

export interface CaseResult {
  readonly case: Case;
  readonly entries: readonly Entry[];
  readonly verdicts: readonly Verdict[];
}

const COLUMNS: readonly { head: string; key: keyof Figures; digits: number }[] = [
  { head: 'messages/s', key: 'messagesPerSecond', digits: 0 },
  { head: 'MB/s', key: 'megabytesPerSecond', digits: 1 },
  { head: 'CPU us', key: 'cpuUsPerMessage', digits: 2 },
  { head: 'p50 ms', key: 'p50Ms', digits: 2 },
  { head: 'p99 ms', key: 'p99Ms', digits: 2 },
  { head: 'RSS MB', key: 'peakRssMegabytes', digits: 0 },
];

function format(value: number | undefined, digits: number): string {
  if (value === undefined) return '-';
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function ratioCell(own: number | undefined, best: number | undefined): string {
  return own === undefined || best === undefined ? '-' : `${format(own / best, 2)} x`;
}

function wordOf({ met }: Verdict): string {
  if (met === undefined) return 'open';
  return met ? 'met' : 'NOT met';
}

/** One case; the ratio is of messages/s to the best of those that are not Millrace. */
export function describeCase(result: CaseResult, best: Figures): string {
  const heads = ['', ...COLUMNS.map(({ head }) => head), 'to best other'];
  const table = new Table({
    head: heads,
    colAligns: heads.map((_, n) => (n === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  for (const { name, figures } of result.entries) {
    const cells = COLUMNS.map(({ key, digits }) => format(figures[key], digits));
    table.push([name, ...cells, ratioCell(figures.messagesPerSecond, best.messagesPerSecond)]);
  }
  const remarks = result.entries.flatMap(({ name, remarks }) =>
    remarks.map((remark) => `  ${name}: ${remark}`),
  );
  const goals = result.verdicts.map((verdict) => `  goal ${wordOf(verdict)}: ${verdict.text}`);
  return [`${result.case.name}: ${result.case.title}`, table.toString(), ...remarks, ...goals].join(
    '\n',
  );
}
