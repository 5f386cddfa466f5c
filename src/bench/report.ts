/* A bench report as text for people, and its summary for both people and programs. */
import type { BenchReport } from './bench.js';
import type { BenchOptions } from './options.js';
import type { RoundReport } from './round.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

interface Metric {
  readonly name: string;
  readonly label: string;
  readonly digits: number;
  readonly of: (round: RoundReport, options: BenchOptions) => number | undefined;
}

function messagesPerSecond({ load }: RoundReport): number {
  return load.seconds > 0 ? load.messages / load.seconds : 0;
}

const METRICS: readonly Metric[] = [
  { name: 'messagesPerSecond', label: 'messages/s', digits: 0, of: messagesPerSecond },
  {
    name: 'megabytesPerSecond',
    label: 'MB/s of payload',
    digits: 1,
    of: (round, { payloadBytes }) => (messagesPerSecond(round) * payloadBytes) / 1e6,
  },
  ...(['total', 'main', 'workers', 'librdkafka', 'other'] as const).map((kind) => ({
    name: kind === 'total' ? 'cpuUsPerMessage' : `cpuUsPerMessage.${kind}`,
    label: kind === 'total' ? 'CPU us a message' : `  ${kind}`,
    digits: 2,
    of: ({ cpuUsPerMessage }: RoundReport) => cpuUsPerMessage?.[kind],
  })),
  ...(['p50', 'p90', 'p99', 'p999', 'max'] as const).map((point) => ({
    name: `latencyMs.${point}`,
    label: `latency ${point === 'p999' ? 'p99.9' : point}, ms`,
    digits: 2,
    of: ({ load }: RoundReport) => load.latency?.[`${point}Ms`],
  })),
  {
    name: 'latenessMs.p99',
    label: '  of which generator, p99',
    digits: 2,
    of: ({ load }) => load.latenessP99Ms,
  },
  {
    name: 'peakRssMegabytes',
    label: 'peak RSS, MB',
    digits: 0,
    of: ({ peakRssBytes }) => (peakRssBytes === undefined ? undefined : peakRssBytes / 1e6),
  },
  {
    name: 'generatorCpuUsPerMessage',
    label: 'generator, CPU us a message',
    digits: 2,
    of: ({ load }) => load.generatorCpuUsPerMessage,
  },
  {
    name: 'outOfOrder',
    label: 'PUBACKs out of order',
    digits: 0,
    of: ({ load }) => load.outOfOrder,
  },
  {
    name: 'duplicates',
    label: 'records more than messages',
    digits: 0,
    of: ({ load, records }) =>
      records === undefined ? undefined : Math.max(0, records - load.settled),
  },
];

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0;
  return { median: (low + high) / 2, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** Median, least and most of every figure that all rounds have, by name. */
export function summaryOf({ rounds, options }: BenchReport): Record<string, Spread> {
  const summary: Record<string, Spread> = {};
  for (const metric of METRICS) {
    const values = rounds.map((round) => metric.of(round, options));
    const known = values.filter((value) => value !== undefined);
    if (known.length > 0 && known.length === values.length) summary[metric.name] = spreadOf(known);
  }
  return summary;
}

function format(value: number, digits: number): string {
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function describeLoad(options: BenchOptions): string {
  const parts = [
    `QoS ${options.qos}`,
    `${format(options.payloadBytes, 0)} B`,
    `${format(options.topics, 0)} topics`,
    `acks ${options.acks}`,
    `compression ${options.compression}`,
    options.latencyMs === undefined ? 'batching off' : `batching ${options.latencyMs} ms`,
    `copyMqttProperties ${options.copyProperties}`,
    `${options.userProperties} user properties`,
    `Receive Maximum ${format(options.receiveMaximum, 0)}`,
  ];
  if (options.atOnce !== undefined) parts.push(`${options.atOnce} at once`);
  else if (options.rate !== undefined) parts.push(`${format(options.rate, 0)} messages/s offered`);
  else parts.push('saturation');
  return parts.join(', ');
}

/** Whether every round's figures count. */
export function isValid({ rounds }: BenchReport): boolean {
  return rounds.every((round) => round.voidBecause.length === 0);
}

export function describeRound(round: RoundReport, number: number): string {
  const cpu = round.cpuUsPerMessage?.total;
  const figures = [
    `${format(messagesPerSecond(round), 0)} messages/s`,
    cpu === undefined ? undefined : `${format(cpu, 2)} us CPU a message`,
    round.load.latency === undefined ? undefined : `p99 ${format(round.load.latency.p99Ms, 2)} ms`,
  ].filter((figure) => figure !== undefined);
  const verdict = round.voidBecause.length === 0 ? '' : `  VOID: ${round.voidBecause.join('; ')}`;
  return `round ${number}: ${figures.join(', ')}${verdict}`;
}

export function describeBench(report: BenchReport): string {
  const { options, rounds } = report;
  const kafka =
    report.kafka === 'as given'
      ? options.kafka
      : 'embedded (librdkafka mock cluster, not a real Kafka)';
  const lines = [
    `load     ${describeLoad(options)}`,
    `kafka    ${kafka}`,
    `machine  ${report.cores} cores, load average ${format(report.loadAverage, 2)} before`,
    '',
    `${''.padEnd(28)}${['median', 'min', 'max'].map((head) => head.padStart(12)).join('')}`,
  ];
  const summary = summaryOf(report);
  for (const { name, label, digits } of METRICS) {
    const spread = summary[name];
    if (spread === undefined) continue;
    const cells = [spread.median, spread.min, spread.max].map((value) => format(value, digits));
    lines.push(`${label.padEnd(28)}${cells.map((cell) => cell.padStart(12)).join('')}`);
  }
  const counted = rounds.filter(({ records }) => records !== undefined).length;
  lines.push(
    '',
    counted === rounds.length
      ? 'All records were counted in Kafka.'
      : 'Records in Kafka were not counted.',
  );
  if (!isValid(report)) lines.push('VOID: the figures above mean nothing, see the rounds.');
  return lines.join('\n');
}
