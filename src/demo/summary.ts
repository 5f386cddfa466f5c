/* What a demo has to say at its end, and whether it is good. */
import { count, milliseconds } from './format.js';
import type { Latency } from './progress.js';
import type { Faults, RouteTally } from './reconcile.js';

export interface DemoReport {
  readonly tallies: readonly RouteTally[];
  readonly faults: Faults;
  readonly foreignRecords: number;
  readonly latency: Latency | undefined;
}

interface Totals {
  readonly published: number;
  readonly acknowledged: number;
  readonly readBack: number;
}

/** Published = acknowledged = read back, each message once, and nothing else went wrong. */
export function isConsistent(report: DemoReport): boolean {
  return totalsOf(report).published > 0 && differencesOf(report).length === 0;
}

export function describe(report: DemoReport): string {
  const all = totalsOf(report);
  const { latency, foreignRecords } = report;
  const lines = [
    '',
    row(['route', 'published', 'acknowledged', 'read back']),
    ...report.tallies.map((tally) => tallyLine(tally.route, tally)),
    tallyLine('all', all),
    '',
  ];
  if (latency !== undefined) {
    const p50 = milliseconds(latency.p50Ms);
    const p99 = milliseconds(latency.p99Ms);
    lines.push(`PUBLISH to PUBACK, after the first second: p50 ${p50}, p99 ${p99}.`);
  }
  if (foreignRecords > 0) {
    lines.push(`${count(foreignRecords)} records came from elsewhere; they are not counted here.`);
  }
  return [...lines, ...verdictOf(report, all), ''].join('\n');
}

function verdictOf(report: DemoReport, { published, acknowledged, readBack }: Totals): string[] {
  if (published === 0) return ['Nothing was published.'];
  if (isConsistent(report)) {
    return [
      `${count(published)} messages published = ${count(acknowledged)} acknowledged = ` +
        `${count(readBack)} read back from Kafka.`,
      'Every payload was compared; none is missing, repeated or out of order.',
    ];
  }
  return [
    `WRONG: ${count(published)} messages published, ${count(acknowledged)} acknowledged, ` +
      `${count(readBack)} read back from Kafka:`,
    ...differencesOf(report).map((difference) => `  - ${difference}`),
  ];
}

function differencesOf(report: DemoReport): string[] {
  const { refused, duplicates, altered, outOfOrder } = report.faults;
  const { published, acknowledged, readBack } = totalsOf(report);
  const found: [number, string][] = [
    [published - acknowledged, 'not acknowledged with success'],
    [published - readBack, 'missing in Kafka'],
    [refused, 'refused'],
    [duplicates, 'in Kafka more than once'],
    [altered, 'in Kafka other than they were published'],
    [outOfOrder, 'out of the order of their key'],
  ];
  return found
    .filter(([number]) => number !== 0)
    .map(([number, what]) => `${count(number)} ${what}`);
}

function totalsOf({ tallies }: DemoReport): Totals {
  const sum = (name: keyof Totals) => tallies.reduce((total, tally) => total + tally[name], 0);
  return {
    published: sum('published'),
    acknowledged: sum('acknowledged'),
    readBack: sum('readBack'),
  };
}

function tallyLine(name: string, { published, acknowledged, readBack }: Totals): string {
  return row([name, ...[published, acknowledged, readBack].map(count)]);
}

function row([name = '', ...cells]: readonly string[]): string {
  return `  ${name.padEnd(12)}${cells.map((cell) => cell.padStart(14)).join('')}`;
}
