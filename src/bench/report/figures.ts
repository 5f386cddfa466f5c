/* The figures of a bench: of each round, and their spread over all of them. What stands here as their
 * meaning is what docs/reference/bench.md says.
 */
import type { BenchReport } from '../bench.js';
import type { MeasuredPhase } from '../protocol.js';
import type { RoundReport } from '../round.js';
import { type Spread, spreadOf } from './spread.js';

export interface Metric {
  /** In JSON; never changes. */
  readonly name: string;
  readonly label: string;
  /** After the point. */
  readonly digits: number;
  /** Undefined where neither is: a figure of the bench itself, or one that is there to be looked at. */
  readonly better: 'higher' | 'lower' | undefined;
  /** What it is, in which unit, and how it is taken. */
  readonly meaning: string;
  readonly of: (round: RoundReport) => number | undefined;
}

type DirectionName = 'load' | 'feed';

const NAME_PREFIX: Record<DirectionName, string> = { load: '', feed: 'kafkaToMqtt.' };

export function messagesPerSecond(phase: MeasuredPhase | undefined): number | undefined {
  if (phase === undefined) return undefined;
  return phase.seconds > 0 ? phase.messages / phase.seconds : 0;
}

function megabytesPerSecond(phase: MeasuredPhase | undefined): number | undefined {
  if (phase === undefined) return undefined;
  return phase.seconds > 0 ? phase.payloadBytes / phase.seconds / 1e6 : 0;
}

const LATENCY_MEANING: Record<DirectionName, string> = {
  load:
    'ms from when a message was due to be sent to its PUBACK, by the clock of the generator, in an HDR ' +
    'histogram of three digits, of those that were due in the measured phase; without `--rate` it is due when it is sent, at QoS 0 there is none. With ' +
    '`--through-broker`, at either QoS, to when the generator has read it from Kafka',
  feed:
    'ms from when a record was due to be written to the arrival of its PUBLISH, by the clock of the ' +
    'generator, in an HDR histogram of three digits, of those that were due in the measured phase; only with `--rate`',
};

/** What is measured of either direction. */
function phaseMetrics(direction: DirectionName): Metric[] {
  const prefix = NAME_PREFIX[direction];
  return [
    {
      name: `${prefix}messagesPerSecond`,
      label: 'messages/s',
      digits: 0,
      better: 'higher',
      meaning:
        direction === 'load'
          ? 'messages acknowledged (QoS 0: taken by the kernel; with `--through-broker`: read from Kafka) a ' +
            'second of the measured phase'
          : 'records that came as PUBLISHes, each once, a second of the measured phase',
      of: (round) => messagesPerSecond(round[direction]),
    },
    {
      name: `${prefix}megabytesPerSecond`,
      label: 'MB/s of payload',
      digits: 1,
      better: 'higher',
      meaning: 'the same in 1,000,000 bytes of payload, of those that came',
      of: (round) => megabytesPerSecond(round[direction]),
    },
    ...(['p50', 'p90', 'p99', 'p999', 'max'] as const).map((point) => ({
      name: `${prefix}latencyMs.${point}`,
      label: `latency ${point === 'p999' ? 'p99.9' : point}, ms`,
      digits: 2,
      better: 'lower' as const,
      meaning: point === 'p50' ? LATENCY_MEANING[direction] : 'the same',
      of: (round: RoundReport) => round[direction]?.latency?.[`${point}Ms`],
    })),
    {
      name: `${prefix}latenessMs.p99`,
      label: '  of which before sending, p99',
      digits: 2,
      better: undefined,
      meaning:
        'ms by which messages were sent later than they were due, because the Receive Maximum was used up, the connector read no more, or the generator was late itself: latency includes it. Only with `--rate`',
      of: (round) => round[direction]?.latenessP99Ms,
    },
    {
      name: `${prefix}backlog`,
      label: '  due before, not settled by then',
      digits: 0,
      better: undefined,
      meaning:
        'messages that were due in the warm-up and not settled when the measured phase began: they have no part ' +
        'in the latency, but what came behind them may have waited for them. Only with `--rate`',
      of: (round) => round[direction]?.backlog,
    },
  ];
}

const LOAD_METRICS: readonly Metric[] = [
  ...phaseMetrics('load'),
  {
    name: 'outOfOrder',
    label: 'PUBACKs out of order',
    digits: 0,
    better: 'lower',
    meaning: 'PUBACKs that came after the PUBACK of a later PUBLISH of the same connection',
    of: ({ load }) => load?.outOfOrder,
  },
  {
    name: 'duplicates',
    label: 'records more than messages',
    digits: 0,
    better: 'lower',
    meaning: 'records in Kafka afterwards beyond one for each settled message, warm-up included',
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
    better: 'lower',
    meaning: 'records that should have come as PUBLISHes and did not',
    of: ({ feed }) => feed?.missing,
  },
  {
    name: 'kafkaToMqtt.damaged',
    label: 'records published as others',
    digits: 0,
    better: 'lower',
    meaning: 'PUBLISHes whose topic or payload is not what was written',
    of: ({ feed }) => feed?.damaged,
  },
  {
    name: 'kafkaToMqtt.wrongQos',
    label: 'records at another QoS',
    digits: 0,
    better: 'lower',
    meaning: 'PUBLISHes of records at another QoS than `--qos`',
    of: ({ feed }) => feed?.wrongQos,
  },
  {
    name: 'kafkaToMqtt.duplicates',
    label: 'records published again',
    digits: 0,
    better: 'lower',
    meaning: 'PUBLISHes of records that had come before',
    of: ({ feed }) => feed?.duplicates,
  },
  {
    name: 'kafkaToMqtt.outOfOrder',
    label: 'records out of order',
    digits: 0,
    better: 'lower',
    meaning: 'first PUBLISHes that came after the one of a later record of their partition',
    of: ({ feed }) => feed?.outOfOrder,
  },
];

const CPU_MEANING = {
  total:
    'us of CPU time that the process of the connector used while all directions were measured, shared ' +
    "out over the messages of both; from Linux's /proc, in steps of 10 ms",
  main: 'of it the main thread: MQTT, routes, PUBACKs',
  workers: "of it the workers: Kafka's side (and Node's thread pool, which is all but idle)",
  librdkafka: "of it librdkafka's threads",
  other: 'of it the rest: V8 compiles and collects garbage in threads of its own',
} as const;

/** What /proc tells of the connector. */
const PROCESS_METRICS: readonly Metric[] = [
  ...(['total', 'main', 'workers', 'librdkafka', 'other'] as const).map((kind) => ({
    name: kind === 'total' ? 'cpuUsPerMessage' : `cpuUsPerMessage.${kind}`,
    label: kind === 'total' ? 'CPU us a message' : `  ${kind}`,
    digits: 2,
    better: 'lower' as const,
    meaning: CPU_MEANING[kind],
    of: ({ cpuUsPerMessage }: RoundReport) => cpuUsPerMessage?.[kind],
  })),
  {
    name: 'peakRssMegabytes',
    label: 'peak RSS, MB',
    digits: 0,
    better: 'lower',
    meaning:
      'the most memory (1,000,000 bytes, shared libraries included) that the process of the connector ' +
      "held from its start to the end of the measured phase; VmHWM of Linux's /proc",
    of: ({ peakRssBytes }) => (peakRssBytes === undefined ? undefined : peakRssBytes / 1e6),
  },
];

/** What a probe tells from inside our own connector. */
const RUNTIME_METRICS: readonly Metric[] = [
  {
    name: 'gcMs',
    label: 'GC, ms',
    digits: 1,
    better: 'lower',
    meaning:
      'ms in which threads of the connector stood still for garbage collection, added up over the main ' +
      "thread and the workers; V8's own count. What V8 does beside them is part of CPU, other",
    of: ({ runtime }) => runtime?.gcMs,
  },
  {
    name: 'gcUsPerMessage',
    label: '  us a message',
    digits: 3,
    better: 'lower',
    meaning: 'the same in us, shared out over the messages',
    of: ({ runtime }) => runtime?.gcUsPerMessage,
  },
  ...(['main', 'workers'] as const).map((thread) => ({
    name: `gcPercent.${thread}`,
    label: `  % of the time, ${thread}`,
    digits: 2,
    better: 'lower' as const,
    meaning:
      thread === 'main'
        ? 'percent of the measured phase in which the main thread stood still for it'
        : 'the same of an average worker',
    of: ({ runtime }: RoundReport) => runtime && runtime.gcShare[thread] * 100,
  })),
  ...(['total', 'main', 'workers'] as const).map((thread) => ({
    name: `heapBytesPerMessage${thread === 'total' ? '' : `.${thread}`}`,
    label: thread === 'total' ? 'heap allocated, B a message' : `  ${thread}`,
    digits: 0,
    better: 'lower' as const,
    meaning:
      thread === 'total'
        ? "bytes of V8's heap that a message allocates: what the heap grew by between collections, " +
          'added up over all threads. The memory of Buffers is not on this heap'
        : `of it ${thread === 'main' ? 'the main thread' : 'the workers'}`,
    of: ({ runtime }: RoundReport) => runtime?.allocatedBytesPerMessage[thread],
  })),
  ...(['p50', 'p99', 'max'] as const).map((point) => ({
    name: `loopDelayMs.${point}`,
    label: `event-loop delay ${point}, ms`,
    digits: 2,
    better: 'lower' as const,
    meaning:
      point === 'p50'
        ? 'ms by which a timer of 10 ms came late in the main thread; `monitorEventLoopDelay` of Node'
        : 'the same',
    of: ({ runtime }: RoundReport) => runtime?.loopDelay.main[`${point}Ms`],
  })),
  ...(['p99', 'max'] as const).map((point) => ({
    name: `loopDelayMs.workers.${point}`,
    label: `  workers, ${point}`,
    digits: 2,
    better: 'lower' as const,
    meaning: 'the same of the worker whose delays are the longest',
    of: ({ runtime }: RoundReport) => runtime?.loopDelay.workers[`${point}Ms`],
  })),
];

const GENERATOR_METRICS: readonly Metric[] = [
  {
    name: 'generatorCpuUsPerMessage',
    label: 'generator, CPU us a message',
    digits: 2,
    better: undefined,
    meaning:
      'us of CPU time that the generator used meanwhile: on a small machine it takes that from the connector',
    of: ({ generatorCpuUsPerMessage }) => generatorCpuUsPerMessage,
  },
];

/** The table, in parts, each under its heading. */
export const PARTS: readonly { readonly heading: string; readonly metrics: readonly Metric[] }[] = [
  { heading: 'MQTT to Kafka', metrics: LOAD_METRICS },
  { heading: 'Kafka to MQTT', metrics: FEED_METRICS },
  { heading: 'connector', metrics: [...PROCESS_METRICS, ...RUNTIME_METRICS, ...GENERATOR_METRICS] },
];

/** Of one figure. */
export interface Summary extends Spread {
  /** Of each round, in their order. */
  readonly values: readonly number[];
}

/** Every figure that all rounds have, by name. */
export function summaryOf({ rounds }: Pick<BenchReport, 'rounds'>): Record<string, Summary> {
  const summary: Record<string, Summary> = {};
  for (const metric of PARTS.flatMap(({ metrics }) => metrics)) {
    const values = rounds.map((round) => metric.of(round));
    const known = values.filter((value) => value !== undefined);
    if (known.length > 0 && known.length === values.length)
      summary[metric.name] = { ...spreadOf(known), values: known };
  }
  return summary;
}

/** Whether every round's figures count. */
export function isValid({ rounds }: Pick<BenchReport, 'rounds'>): boolean {
  return rounds.every((round) => round.voidBecause.length === 0);
}
