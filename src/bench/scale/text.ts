/* A scale report as text for people. */
import { formatNumber } from '../report/format.js';
import type { Spread } from '../report/spread.js';
import type { CaseReport, DimensionReport } from './growth.js';
import type { ScaleReport, ScaleRound } from './scale.js';

const LABEL_WIDTH = 18;
const FIGURE_WIDTH = 15;

const COLUMNS: readonly {
  readonly head: string;
  readonly digits: number;
  readonly of: (found: CaseReport) => Spread | undefined;
}[] = [
  { head: 'messages/s', digits: 0, of: (found) => found.messagesPerSecond },
  { head: 'CPU us', digits: 2, of: (found) => found.cpuUsPerMessage },
  { head: 'instructions', digits: 0, of: (found) => found.instructionsPerMessage },
  { head: 'peak RSS, MB', digits: 0, of: (found) => found.peakRssMegabytes },
];

function signed(percent: number): string {
  return `${percent < 0 ? '' : '+'}${formatNumber(percent, 0)} %`;
}

/** One line, as the round ends. */
export function describeScaleRound({
  dimension,
  scaleCase,
  number,
  round,
  voidBecause,
}: ScaleRound): string {
  const phase = round?.load ?? round?.feed;
  const cpu = round?.cpuUsPerMessage?.total;
  const figures = [
    phase &&
      `${formatNumber(phase.messages / Math.max(phase.seconds, Number.EPSILON), 0)} messages/s`,
    cpu === undefined ? undefined : `${formatNumber(cpu, 2)} us CPU a message`,
    voidBecause.length === 0 ? undefined : `VOID: ${voidBecause.join('; ')}`,
  ].filter((figure) => figure !== undefined);
  return `${dimension.about} ${scaleCase.label}, round ${number}: ${figures.join(', ')}`;
}

function tableOf(report: DimensionReport): string[] {
  const columns = COLUMNS.filter(({ of }) => report.cases.some((found) => of(found) !== undefined));
  const row = (label: string, cells: readonly string[]) =>
    `${label.padEnd(LABEL_WIDTH)}${cells.map((cell) => cell.padStart(FIGURE_WIDTH)).join('')}`;
  return [
    row(
      report.about,
      columns.map(({ head }) => head),
    ),
    ...report.cases.map((found) =>
      row(
        found.label,
        columns.map(({ of, digits }) => {
          const spread = of(found);
          return spread === undefined ? '-' : formatNumber(spread.median, digits);
        }),
      ),
    ),
  ];
}

function describeFit({ fit, judged }: DimensionReport): string[] {
  if (fit === undefined) return [];
  const { constant, slope, slopePercent } = fit;
  const isCpu = judged === 'cpuUsPerMessage';
  const cost = isCpu ? 'CPU' : 'instructions';
  const [unit, digits] = isCpu ? ['us', 2] : ['instructions', 0];
  if (fit.x === 'log10 of the count') {
    return [`  slope    ${signed(slopePercent)} ${cost} for ten times as many`];
  }
  if (fit.x === 'KB of payload') {
    const perKb = isCpu
      ? `${formatNumber(slope * 1000, 0)} ns`
      : `${formatNumber(slope, 0)} instructions`;
    return [`  slope    ${perKb} a KB, and ${formatNumber(constant, digits)} ${unit} a message`];
  }
  return [
    `  slope    ${formatNumber(slope, digits)} ${unit} for each, and ${formatNumber(constant, digits)} ${unit} a message`,
  ];
}

function describeGrowth({ growth, limitPercent, withinLimit, cases }: DimensionReport): string[] {
  if (growth === undefined) return ['  growth   not known: a case has no round that counts'];
  const { percent, leastPercent, mostPercent } = growth;
  const verdict =
    withinLimit === undefined
      ? ''
      : `: ${withinLimit ? 'within' : 'OVER'} the limit of ${limitPercent} %`;
  const range =
    leastPercent === mostPercent
      ? ''
      : ` (${signed(leastPercent)} to ${signed(mostPercent)} over the rounds)`;
  const [first, last] = [cases[0]?.label, cases.at(-1)?.label];
  return [`  growth   ${signed(percent)} a message from ${first} to ${last}${range}${verdict}`];
}

/** How many times the messages/s of the first case each other one has. */
function describeSpeedUp({ cases }: DimensionReport): string[] {
  const first = cases[0]?.messagesPerSecond?.median;
  const ratios = cases.slice(1).flatMap(({ label, messagesPerSecond }) => {
    if (first === undefined || messagesPerSecond === undefined) return [];
    return [`${label}: ${formatNumber(messagesPerSecond.median / first, 2)} times`];
  });
  return ratios.length === 0 ? [] : [`  speed-up ${ratios.join(', ')}`];
}

function describeDimension(report: DimensionReport): string[] {
  const voids = report.cases.flatMap(({ label, voidBecause }) =>
    voidBecause.map((why) => `  VOID     ${label}: ${why}`),
  );
  return [
    '',
    ...tableOf(report),
    ...(report.axis === 'speed-up' ? describeSpeedUp(report) : describeFit(report)),
    ...describeGrowth(report),
    ...voids,
  ];
}

/** Whether every round of every case counts. */
export function isScaleValid({ dimensions }: ScaleReport): boolean {
  return dimensions.every(({ cases }) =>
    cases.every(({ voidBecause }) => voidBecause.length === 0),
  );
}

function roundsOf(repeat: number): string {
  return repeat === 1 ? 'one round of each case' : `medians of ${repeat} rounds, cases in turn`;
}

export function describeScale(report: ScaleReport): string {
  const { options, noInstructions } = report;
  const kafka =
    report.kafka === 'as given'
      ? options.kafka
      : 'embedded (librdkafka mock cluster, not a real Kafka)';
  const judged =
    noInstructions === undefined
      ? 'instructions a message, in user mode'
      : `CPU time a message, which varies with what else the machine does (${noInstructions})`;
  return [
    `scale    one dimension at a time, ${roundsOf(options.repeat)}`,
    `kafka    ${kafka}`,
    `machine  ${report.machine.cores} cores (${report.machine.cpu}), load average ${formatNumber(report.loadAverage, 2)} before`,
    `judged   ${judged}`,
    ...report.dimensions.flatMap(describeDimension),
  ].join('\n');
}
