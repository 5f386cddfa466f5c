/* What a scale bench varies: one thing at a time, all else as it is. */
import { LARGE_PAYLOAD_BYTES } from '../../config/limits.js';
import type { BenchOptions } from '../options.js';

export const DIMENSIONS = [
  'shards',
  'payload',
  'topics',
  'routes',
  'routes-topics',
  'user-properties',
] as const;
export type DimensionName = (typeof DIMENSIONS)[number];

export interface ScaleCase {
  readonly label: string;
  /** Where it stands on the axis of its dimension. */
  readonly value: number;
  /** In what it differs from the options that all cases have in common; a Receive Maximum is one at most. */
  readonly settings: Partial<BenchOptions>;
}

/** How cost should follow the value: in steps of ten times as many, evenly, or not at all. */
export type Axis = 'tenfold' | 'kilobytes' | 'each' | 'speed-up' | 'ends';

export interface Dimension {
  readonly name: DimensionName;
  readonly about: string;
  readonly axis: Axis;
  /** What cost may grow by at most, from the first case to the last; undefined: there is no limit. */
  readonly limitPercent: number | undefined;
  /** Before what is measured, unless the options have another number; undefined: as they say. */
  readonly warmupMessages: number | undefined;
  readonly cases: readonly ScaleCase[];
}

const KIB = 1024;
const LIMIT_PERCENT = 20;
/** Each topic three times before what is measured, in the largest case and so in all. */
const WARMUP_MESSAGES = 300_000;
/** What is in flight when the time is over is still awaited: of the largest, 200. */
const IN_FLIGHT_BYTES_MAX = 400 * KIB * KIB;
const PAYLOADS: readonly (readonly [label: string, bytes: number])[] = [
  ['200 B', 200],
  ['1 KiB', KIB],
  ['4 KiB', 4 * KIB],
  ['16 KiB', 16 * KIB],
  ['64 KiB', 64 * KIB],
  ['256 KiB', 256 * KIB],
  // The largest that travels as small ones do.
  ['1 MB', LARGE_PAYLOAD_BYTES],
  ['2 MiB', 2 * KIB * KIB],
];

function counts(
  values: readonly number[],
  settingsOf: (value: number) => Partial<BenchOptions>,
): ScaleCase[] {
  return values.map((value) => ({
    label: value.toLocaleString('en-US'),
    value,
    settings: settingsOf(value),
  }));
}

/** 1, 2, 4 and so on, and all cores. */
function shardCounts(cores: number): number[] {
  const powers = Array.from({ length: 16 }, (_, n) => 2 ** n).filter((count) => count < cores);
  return [...powers, cores];
}

/** @param cores of this machine: as many shards at most */
export function dimensionsOf(cores: number): Dimension[] {
  const limited = { limitPercent: LIMIT_PERCENT, warmupMessages: WARMUP_MESSAGES };
  const unlimited = { limitPercent: undefined, warmupMessages: undefined };
  return [
    {
      ...unlimited,
      name: 'shards',
      about: 'shards',
      axis: 'speed-up',
      cases: counts(shardCounts(cores), (shards) => ({ shards })),
    },
    {
      ...unlimited,
      name: 'payload',
      about: 'payload',
      axis: 'kilobytes',
      cases: PAYLOADS.map(([label, payloadBytes]) => ({
        label,
        value: payloadBytes,
        settings: {
          payloadBytes,
          payload: undefined,
          receiveMaximum: Math.floor(IN_FLIGHT_BYTES_MAX / payloadBytes),
        },
      })),
    },
    {
      ...limited,
      name: 'topics',
      axis: 'tenfold',
      about: 'topics',
      cases: counts([10, 100, 1000, 10_000, 100_000], (topics) => ({ topics })),
    },
    {
      ...limited,
      name: 'routes',
      axis: 'tenfold',
      about: 'routes',
      cases: counts([1, 10, 100, 1000], (routes) => ({ routes })),
    },
    {
      ...limited,
      name: 'routes-topics',
      about: 'routes and topics',
      axis: 'ends',
      cases: [
        { label: '1 and 1,000', value: 1, settings: { routes: 1, topics: 1000 } },
        {
          label: '1,000 and 100,000',
          value: 1000,
          settings: { routes: 1000, topics: 100_000 },
        },
      ],
    },
    {
      ...unlimited,
      name: 'user-properties',
      about: 'user properties',
      axis: 'each',
      cases: counts([0, 1, 2, 4, 8, 16], (userProperties) => ({
        userProperties,
        copyProperties: true,
      })),
    },
  ];
}
