/* A bench report as text for people, and its summary for both people and programs. */
import type { BenchReport } from './bench.js';
import { type BenchOptions, publishes } from './options.js';
import type { MeasuredPhase } from './protocol.js';
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

type DirectionName = 'load' | 'feed';

const NAME_PREFIX: Record<DirectionName, string> = { load: '', feed: 'kafkaToMqtt.' };

function messagesPerSecond(phase: MeasuredPhase | undefined): number | undefined {
  if (phase === undefined) return undefined;
  return phase.seconds > 0 ? phase.messages / phase.seconds : 0;
}

/** What is measured of either direction. */
function phaseMetrics(direction: DirectionName): Metric[] {
  const prefix = NAME_PREFIX[direction];
  return [
    {
      name: `${prefix}messagesPerSecond`,
      label: 'messages/s',
      digits: 0,
      of: (round) => messagesPerSecond(round[direction]),
    },
    {
      name: `${prefix}megabytesPerSecond`,
      label: 'MB/s of payload',
      digits: 1,
      of: (round, { payloadBytes }) => {
        const perSecond = messagesPerSecond(round[direction]);
        return perSecond === undefined ? undefined : (perSecond * payloadBytes) / 1e6;
      },
    },
    ...(['p50', 'p90', 'p99', 'p999', 'max'] as const).map((point) => ({
      name: `${prefix}latencyMs.${point}`,
      label: `latency ${point === 'p999' ? 'p99.9' : point}, ms`,
      digits: 2,
      of: (round: RoundReport) => round[direction]?.latency?.[`${point}Ms`],
    })),
    {
      name: `${prefix}latenessMs.p99`,
      label: '  of which generator, p99',
      digits: 2,
      of: (round) => round[direction]?.latenessP99Ms,
    },
  ];
}

const LOAD_METRICS: readonly Metric[] = [
  ...phaseMetrics('load'),
  {
    name: 'outOfOrder',
    label: 'PUBACKs out of order',
    digits: 0,
    of: ({ load }) => load?.outOfOrder,
  },
  {
    name: 'duplicates',
    label: 'records more than messages',
    digits: 0,
    of: ({ load, records }) =>
      records === undefined || load === undefined ? undefined : Math.max(0, records - load.settled),
  },
];

const FEED_METRICS: readonly Metric[] = [
  ...phaseMetrics('feed'),
  {
    name: 'kafkaToMqtt.missing',
    label: 'records not published',
    digits: 0,
    of: ({ feed }) => feed?.missing,
  },
  {
    name: 'kafkaToMqtt.duplicates',
    label: 'records published again',
    digits: 0,
    of: ({ feed }) => feed?.duplicates,
  },
  {
    name: 'kafkaToMqtt.outOfOrder',
    label: 'records out of order',
    digits: 0,
    of: ({ feed }) => feed?.outOfOrder,
  },
];

const COMMON_METRICS: readonly Metric[] = [
  ...(['total', 'main', 'workers', 'librdkafka', 'other'] as const).map((kind) => ({
    name: kind === 'total' ? 'cpuUsPerMessage' : `cpuUsPerMessage.${kind}`,
    label: kind === 'total' ? 'CPU us a message' : `  ${kind}`,
    digits: 2,
    of: ({ cpuUsPerMessage }: RoundReport) => cpuUsPerMessage?.[kind],
  })),
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
    of: ({ generatorCpuUsPerMessage }) => generatorCpuUsPerMessage,
  },
];

/** The table, in parts, each under its heading. */
const PARTS: readonly { readonly heading: string; readonly metrics: readonly Metric[] }[] = [
  { heading: 'MQTT to Kafka', metrics: LOAD_METRICS },
  { heading: 'Kafka to MQTT', metrics: FEED_METRICS },
  { heading: 'connector', metrics: COMMON_METRICS },
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
  for (const metric of PARTS.flatMap(({ metrics }) => metrics)) {
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

function describeWriting({ acks, latencyMs }: BenchOptions): string[] {
  return [`acks ${acks}`, latencyMs === undefined ? 'batching off' : `batching ${latencyMs} ms`];
}

function describeLoad(options: BenchOptions): string {
  const parts = [
    options.direction,
    `QoS ${options.qos}`,
    `${format(options.payloadBytes, 0)} B`,
    `${format(options.topics, 0)} topics`,
    ...(publishes(options) ? describeWriting(options) : []),
    `compression ${options.compression}`,
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
    round.load && describePhase(round.load, round.feed && 'to Kafka'),
    round.feed && describePhase(round.feed, round.load && 'to MQTT'),
    cpu === undefined ? undefined : `${format(cpu, 2)} us CPU a message`,
  ].filter((figure) => figure !== undefined);
  const verdict = round.voidBecause.length === 0 ? '' : `  VOID: ${round.voidBecause.join('; ')}`;
  return `round ${number}: ${figures.join(', ')}${verdict}`;
}

/** @param which says which direction it is, where there are two */
function describePhase(phase: MeasuredPhase, which: string | undefined): string {
  const rate = `${format(messagesPerSecond(phase) ?? 0, 0)} messages/s`;
  const latency = phase.latency === undefined ? '' : `, p99 ${format(phase.latency.p99Ms, 2)} ms`;
  return `${rate}${which === undefined ? '' : ` ${which}`}${latency}`;
}

function describeFigures(report: BenchReport): string[] {
  const summary = summaryOf(report);
  const lines: string[] = [];
  for (const { heading, metrics } of PARTS) {
    const known = metrics.filter(({ name }) => summary[name] !== undefined);
    if (known.length === 0) continue;
    const heads = ['median', 'min', 'max'].map((head) => head.padStart(12));
    lines.push('', `${heading.padEnd(28)}${heads.join('')}`);
    for (const { name, label, digits } of known) {
      const { median, min, max } = summary[name] as Spread;
      const cells = [median, min, max].map((value) => format(value, digits).padStart(12));
      lines.push(`${label.padEnd(28)}${cells.join('')}`);
    }
  }
  return lines;
}

function describeCount({ options, rounds }: BenchReport): string[] {
  if (!publishes(options)) return [];
  const counted = rounds.every(({ records }) => records !== undefined);
  return [counted ? 'All records were counted in Kafka.' : 'Records in Kafka were not counted.'];
}

export function describeBench(report: BenchReport): string {
  const { options } = report;
  const kafka =
    report.kafka === 'as given'
      ? options.kafka
      : 'embedded (librdkafka mock cluster, not a real Kafka)';
  const verdict = isValid(report) ? [] : ['VOID: the figures above mean nothing, see the rounds.'];
  return [
    `load     ${describeLoad(options)}`,
    `kafka    ${kafka}`,
    `machine  ${report.cores} cores, load average ${format(report.loadAverage, 2)} before`,
    ...describeFigures(report),
    '',
    ...describeCount(report),
    ...verdict,
  ].join('\n');
}
