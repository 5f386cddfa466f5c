/* The load benchmark: rounds of the same load, one after the other.
 *
 *   bench --spawns--> generator (plays the MQTT broker) <--dials-- connector --> Kafka
 *      \---spawns---------------------------------------------------/
 *
 * Each is a process of its own, so that the connector's CPU and memory can be told from the rest.
 */
import { availableParallelism, loadavg } from 'node:os';
import { openKafka } from './kafka-target.js';
import type { BenchOptions } from './options.js';
import type { RoundReport } from './round.js';
import { runRound } from './round.js';

export interface BenchReport {
  readonly options: BenchOptions;
  readonly kafka: 'embedded mock cluster' | 'as given';
  readonly cores: number;
  /** Of the last minute, before the first round. */
  readonly loadAverage: number;
  readonly rounds: readonly RoundReport[];
}

/** Runs `options.repeat` rounds; `onRound` hears of each as it ends. */
export async function runBench(
  options: BenchOptions,
  onRound: (round: RoundReport, number: number) => void,
): Promise<BenchReport> {
  const loadAverage = loadavg()[0] ?? 0;
  const target = await openKafka(options.kafka);
  const rounds: RoundReport[] = [];
  try {
    while (rounds.length < options.repeat) {
      const round = await runRound(options, target);
      rounds.push(round);
      onRound(round, rounds.length);
    }
  } finally {
    await target.close();
  }
  return {
    options,
    kafka: target.embedded ? 'embedded mock cluster' : 'as given',
    cores: availableParallelism(),
    loadAverage,
    rounds,
  };
}
