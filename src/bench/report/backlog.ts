/* What an open loop had not settled when its measured phase began, where that makes the latency another. */
import type { BenchReport } from '../bench.js';
import type { MeasuredPhase } from '../protocol.js';
import { formatNumber } from './format.js';

/** Less is what is always on its way. */
const SECONDS_MIN = 0.05;
/** As much as that is on its way where latency is as it is in the measured phase. */
const LATENCIES_MIN = 2;

/** One line for each round and direction that began behind a backlog. */
export function describeBacklogs({ options, rounds }: BenchReport): string[] {
  const { rate } = options;
  if (rate === undefined) return [];
  return rounds.flatMap(({ load, feed }, n) => [
    ...(load === undefined ? [] : describePhase(load, { rate, began: `round ${n + 1} to Kafka` })),
    ...(feed === undefined ? [] : describePhase(feed, { rate, began: `round ${n + 1} to MQTT` })),
  ]);
}

function describePhase(
  phase: MeasuredPhase,
  { rate, began }: { readonly rate: number; readonly began: string },
): string[] {
  const seconds = backlogSeconds(phase, rate);
  if (seconds === undefined) return [];
  return [
    `WARNING: ${began} began ${formatNumber(seconds, 2)} s behind: ` +
      `${formatNumber(phase.backlog ?? 0, 0)} messages of the warm-up were not settled, and what came ` +
      'behind them waited for them. Warm up for longer, or offer less.',
  ];
}

/** How long it took to offer as many; undefined where that is nothing out of the ordinary. */
function backlogSeconds({ backlog = 0, latency }: MeasuredPhase, rate: number): number | undefined {
  const seconds = backlog / rate;
  const usual = (LATENCIES_MIN * (latency?.p50Ms ?? 0)) / 1000;
  return seconds > Math.max(SECONDS_MIN, usual) ? seconds : undefined;
}
