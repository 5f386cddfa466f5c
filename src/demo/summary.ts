/* What a demo has to say at its end, and whether it is good. */
import type { CommandFaults, CommandTally } from './commands.js';
import { count, milliseconds } from './format.js';
import type { Latency } from './latency.js';
import type { Faults, RouteTally } from './reconcile.js';

export interface CommandReport {
  readonly tally: Readonly<CommandTally>;
  readonly faults: Readonly<CommandFaults>;
  readonly foreign: number;
  readonly toMachine: { readonly whole: Latency | undefined };
  readonly toReader: { readonly whole: Latency | undefined };
}

export interface DemoReport {
  readonly tallies: readonly RouteTally[];
  readonly faults: Faults;
  readonly foreignRecords: number;
  readonly latency: Latency | undefined;
  readonly commands: CommandReport;
}

interface Totals {
  readonly published: number;
  readonly acknowledged: number;
  readonly readBack: number;
}

/**
 * Published = acknowledged = read back, and commands written = received = answered = read back, each
 * once, and nothing else went wrong.
 */
export function isConsistent(report: DemoReport): boolean {
  return hasShown(report) && differencesOf(report).length === 0;
}

export function describe(report: DemoReport): string {
  const { tally } = report.commands;
  const lines = [
    '',
    row(['route', 'published', 'acknowledged', 'read back']),
    ...report.tallies.map((each) => tallyLine(each.route, each)),
    tallyLine('all', totalsOf(report)),
    '',
    row(['', 'written', 'received', 'answered', 'read back']),
    row([
      'commands',
      ...[tally.written, tally.received, tally.answered, tally.readBack].map(count),
    ]),
    '',
    ...latencyLines(report),
    ...foreignLines(report),
    ...verdictOf(report),
    '',
  ];
  return lines.join('\n');
}

function latencyLines({ latency, commands }: DemoReport): string[] {
  const measured: [string, Latency | undefined][] = [
    ['PUBLISH to PUBACK', latency],
    ['Command from Kafka to its machine', commands.toMachine.whole],
    ['Answer from the machine to the reader of Kafka', commands.toReader.whole],
  ];
  const lines = measured.flatMap(([what, each]) => {
    if (each === undefined) return [];
    const [p50, p99] = [milliseconds(each.p50Ms), milliseconds(each.p99Ms)];
    return [`${what}, after the first second: p50 ${p50}, p99 ${p99}.`];
  });
  if (commands.toMachine.whole !== undefined)
    lines.push('(The embedded Kafka answers an idle consumer twice a second, a real one at once.)');
  return lines;
}

function foreignLines({ foreignRecords, commands }: DemoReport): string[] {
  const lines: string[] = [];
  if (foreignRecords > 0)
    lines.push(`${count(foreignRecords)} records came from elsewhere; they are not counted here.`);
  if (commands.foreign > 0)
    lines.push(
      `${count(commands.foreign)} commands came from elsewhere; only answers are counted.`,
    );
  return lines;
}

/** A demo in which nothing went either way has shown nothing. */
function hasShown(report: DemoReport): boolean {
  return totalsOf(report).published > 0 && report.commands.tally.sent > 0;
}

function verdictOf(report: DemoReport): string[] {
  const { published, acknowledged, readBack } = totalsOf(report);
  const { tally } = report.commands;
  if (published === 0) return ['Nothing was published.'];
  if (tally.sent === 0) return ['No command was written.'];
  if (isConsistent(report)) {
    return [
      `${count(published)} messages published = ${count(acknowledged)} acknowledged = ` +
        `${count(readBack)} read back from Kafka.`,
      `${count(tally.written)} commands written to Kafka = ${count(tally.received)} received = ` +
        `${count(tally.answered)} answered = ${count(tally.readBack)} answers read back.`,
      'Every payload was compared; none is missing, repeated or out of order.',
    ];
  }
  return [
    `WRONG: ${count(published)} messages published, ${count(acknowledged)} acknowledged, ` +
      `${count(readBack)} read back from Kafka; ${count(tally.sent)} commands:`,
    ...differencesOf(report).map((difference) => `  - ${difference}`),
  ];
}

function differencesOf(report: DemoReport): string[] {
  const { refused, duplicates, altered, outOfOrder } = report.faults;
  const { published, acknowledged, readBack } = totalsOf(report);
  const { tally, faults } = report.commands;
  const found: [number, string][] = [
    [published - acknowledged, 'not acknowledged with success'],
    [published - readBack, 'missing in Kafka'],
    [refused, 'refused'],
    [duplicates, 'in Kafka more than once'],
    [altered, 'in Kafka other than they were published'],
    [outOfOrder, 'out of the order of their key'],
    [tally.sent - tally.written, 'commands not written to Kafka'],
    [tally.sent - tally.received, 'commands not received'],
    [tally.sent - tally.answered, 'commands not answered with success'],
    [tally.sent - tally.readBack, 'answers to commands missing in Kafka'],
    [faults.refused, 'commands or answers refused'],
    [faults.duplicates, 'commands received more than once'],
    [faults.altered, 'commands received other than they were written'],
    [faults.outOfOrder, 'commands out of the order of their machine'],
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
