/* The load benchmark: rounds of the same load, one after the other.
 *
 *                     generator (plays the MQTT broker) <--dials-- connector <--> Kafka
 *   bench --spawns--> both of them                                                  ^
 *                     generator ----writes the records that the connector reads----/
 *
 * Each is a process of its own, so that the connector's CPU and memory can be told from the rest.
 */
import { loadavg } from 'node:os';
import { UsageError } from '../base/errors.js';
import { openKafka } from './kafka-target.js';
import { type Machine, thisMachine } from './machine.js';
import type { BenchOptions } from './options.js';
import { problemOf } from './options.js';
import type { RoundProgress } from './progress.js';
import type { RoundReport } from './round.js';
import { runRound } from './round.js';

export interface BenchReport {
  /** ISO 8601, in UTC. */
  readonly startedAt: string;
  readonly options: BenchOptions;
  readonly kafka: 'embedded mock cluster' | 'as given';
  readonly machine: Machine;
  /** Of the last minute, before the first round. */
  readonly loadAverage: number;
  readonly rounds: readonly RoundReport[];
}

export interface BenchContext {
  /** When it is aborted the bench cleans up and throws the signal's reason. */
  readonly interrupted: AbortSignal;
  /** Hears what has gone wrong beside the figures, such as a topic that is left. */
  readonly onWarning: (text: string) => void;
  /** Hears several times a second how far round `number`, from 1, is. */
  readonly onProgress?: (progress: RoundProgress, number: number) => void;
}

const ALONE: BenchContext = {
  interrupted: new AbortController().signal,
  onWarning: () => undefined,
};

/**
 * Runs `options.repeat` rounds; `onRound` hears of each as it ends. Throws an OperatingError where a
 * round gives nothing to report, and a UsageError where the options do not go together.
 */
export async function runBench(
  options: BenchOptions,
  onRound: (round: RoundReport, number: number) => void,
  { interrupted, onWarning, onProgress } = ALONE,
): Promise<BenchReport> {
  const problem = problemOf(options);
  if (problem !== undefined) throw new UsageError(problem);
  const startedAt = new Date().toISOString();
  const loadAverage = loadavg()[0] ?? 0;
  const target = await openKafka(options.kafka, options.kafkaRttMs);
  const rounds: RoundReport[] = [];
  try {
    while (rounds.length < options.repeat) {
      interrupted.throwIfAborted();
      const number = rounds.length + 1;
      const round = await runRound(options, {
        target,
        interrupted,
        onWarning,
        onProgress: (progress) => onProgress?.(progress, number),
      });
      rounds.push(round);
      onRound(round, number);
    }
  } catch (error) {
    // Whatever an interruption makes fail first: a child that the terminal ended, or a wait.
    throw interrupted.aborted ? interrupted.reason : error;
  } finally {
    await target.close();
  }
  return {
    startedAt,
    options,
    kafka: target.embedded ? 'embedded mock cluster' : 'as given',
    machine: thisMachine(),
    loadAverage,
    rounds,
  };
}
