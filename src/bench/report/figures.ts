/* The figures of a bench: of each round, and their spread over all of them. */
import type { BenchReport } from '../bench.js';
import type { BenchOptions } from '../options.js';
import type { MeasuredPhase } from '../protocol.js';
import type { RoundReport } from '../round.js';
import { type Spread, spreadOf } from './spread.js';

export interface Metric {
  readonly name: string;
  readonly label: string;
  readonly digits: number;
  readonly of: (round: RoundReport, options: BenchOptions) => number | undefined;
}

type DirectionName = 'load' | 'feed';

const NAME_PREFIX: Record<DirectionName, string> = { load: '', feed: 'kafkaToMqtt.' };

export function messagesPerSecond(phase: MeasuredPhase | undefined): number | undefined {
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
export const PARTS: readonly { readonly heading: string; readonly metrics: readonly Metric[] }[] = [
  { heading: 'MQTT to Kafka', metrics: LOAD_METRICS },
  { heading: 'Kafka to MQTT', metrics: FEED_METRICS },
  { heading: 'connector', metrics: COMMON_METRICS },
];

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

/** Whether every round's figures count. */
export function isValid({ rounds }: BenchReport): boolean {
  return rounds.every((round) => round.voidBecause.length === 0);
}
