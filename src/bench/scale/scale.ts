/* The scale bench: how the cost of a message grows as the work grows, one dimension at a time. The cases of
 * a dimension take turns, round by round, so that a machine that becomes slower hurts all of them.
 */
import { availableParallelism, loadavg } from 'node:os';
import { OperatingError, UsageError } from '../../base/errors.js';
import type { BenchContext } from '../bench.js';
import { InstructionCounter, parsePerfStat, whyNoInstructions } from '../instructions.js';
import { type KafkaTarget, openKafka } from '../kafka-target.js';
import { type Machine, thisMachine } from '../machine.js';
import { type BenchOptions, problemOf } from '../options.js';
import type { GeneratorEvent } from '../protocol.js';
import { type RoundReport, runRound } from '../round.js';
import { type Dimension, type DimensionName, dimensionsOf, type ScaleCase } from './dimensions.js';
import { type CaseRounds, type DimensionReport, reportOf } from './growth.js';

export interface ScaleOptions {
  /** What all cases have in common, and how many rounds each has. */
  readonly bench: BenchOptions;
  /** Empty: all of them. */
  readonly dimensions: readonly DimensionName[];
}

export interface ScaleReport {
  /** ISO 8601, in UTC. */
  readonly startedAt: string;
  /** What all cases have in common. */
  readonly options: BenchOptions;
  readonly kafka: 'embedded mock cluster' | 'as given';
  readonly machine: Machine;
  /** Of the last minute, before the first round. */
  readonly loadAverage: number;
  /** Why instructions are not counted, and CPU time is judged; undefined: they are. */
  readonly noInstructions: string | undefined;
  readonly dimensions: readonly DimensionReport[];
}

/** One round of one case, as it ends. */
export interface ScaleRound {
  readonly dimension: Dimension;
  readonly scaleCase: ScaleCase;
  readonly number: number;
  /** Undefined for a round that gave nothing to report. */
  readonly round: RoundReport | undefined;
  /** Why it does not count. */
  readonly voidBecause: readonly string[];
}

/** Counts the connector's instructions while all directions are measured, for each message. */
class InstructionWatch {
  #counter: InstructionCounter | undefined;
  #counted: Promise<number | undefined> = Promise.resolve(undefined);

  hear(event: GeneratorEvent, pid: number): void {
    if (event.kind === 'loading') this.#counter = InstructionCounter.attach(pid);
    else if (event.kind === 'measuring') void this.#counter?.begin();
    else if (event.kind === 'measured') this.#counted = this.#end(event.messages);
  }

  get perMessage(): Promise<number | undefined> {
    return this.#counted;
  }

  async #end(messages: number): Promise<number | undefined> {
    const count = parsePerfStat((await this.#counter?.end()) ?? '');
    return typeof count === 'number' ? count / Math.max(1, messages) : undefined;
  }
}

/** Nobody watches how far a round is. */
type ScaleContext = Omit<BenchContext, 'onProgress'>;

interface Runner extends ScaleContext {
  readonly target: KafkaTarget;
  readonly bench: BenchOptions;
  readonly countsInstructions: boolean;
  readonly onRound: (round: ScaleRound) => void;
}

/**
 * Runs every case of every dimension `options.bench.repeat` times; `onRound` hears of each round as it
 * ends. A round that fails does not count, and the others go on. Throws a UsageError where options do not
 * go together, and what `context.interrupted` says.
 */
export async function runScale(
  { bench, dimensions: names }: ScaleOptions,
  onRound: (round: ScaleRound) => void,
  context: ScaleContext,
): Promise<ScaleReport> {
  const dimensions = dimensionsOf(availableParallelism()).filter(
    ({ name }) => names.length === 0 || names.includes(name),
  );
  refuseProblems(bench, dimensions);
  const startedAt = new Date().toISOString();
  const loadAverage = loadavg()[0] ?? 0;
  const noInstructions = await whyNoInstructions();
  const target = await openKafka(bench.kafka, bench.kafkaRttMs);
  const countsInstructions = noInstructions === undefined;
  const runner = { ...context, target, bench, countsInstructions, onRound };
  const reports: DimensionReport[] = [];
  try {
    for (const dimension of dimensions) reports.push(await runDimension(dimension, runner));
  } catch (error) {
    throw context.interrupted.aborted ? context.interrupted.reason : error;
  } finally {
    await target.close();
  }
  return {
    startedAt,
    options: bench,
    kafka: target.embedded ? 'embedded mock cluster' : 'as given',
    machine: thisMachine(),
    loadAverage,
    noInstructions,
    dimensions: reports,
  };
}

function refuseProblems(bench: BenchOptions, dimensions: readonly Dimension[]): void {
  if (bench.direction === 'both') {
    throw new UsageError('a scale bench measures one --direction at a time, not both');
  }
  for (const { name, cases } of dimensions) {
    for (const { settings } of cases) {
      const problem = problemOf({ ...bench, ...settings });
      if (problem === undefined) continue;
      throw new UsageError(`${problem} (dimension ${name}: choose others with --dimension)`);
    }
  }
}

async function runDimension(dimension: Dimension, runner: Runner): Promise<DimensionReport> {
  const cases: CaseRounds[] = dimension.cases.map((scaleCase) => ({
    scaleCase,
    rounds: [],
    instructionsPerMessage: [],
    voidBecause: [],
  }));
  for (let number = 1; number <= runner.bench.repeat; number += 1) {
    for (const ofCase of cases) {
      runner.interrupted.throwIfAborted();
      await runCase(dimension, ofCase, { number, runner });
    }
  }
  return reportOf(dimension, cases);
}

/** What one case is run with. */
export function caseOptions(bench: BenchOptions, { settings }: ScaleCase): BenchOptions {
  const most = settings.receiveMaximum ?? bench.receiveMaximum;
  return { ...bench, ...settings, receiveMaximum: Math.min(bench.receiveMaximum, most) };
}

/** One round of one case, whose figures are kept where they count. */
async function runCase(
  dimension: Dimension,
  ofCase: CaseRounds,
  { number, runner }: { readonly number: number; readonly runner: Runner },
): Promise<void> {
  const { scaleCase } = ofCase;
  const watch = new InstructionWatch();
  const onEvent = (event: GeneratorEvent, pid: number) => watch.hear(event, pid);
  const { target, interrupted, onWarning } = runner;
  const heard = runner.countsInstructions ? { onEvent } : {};
  const context = { target, interrupted, onWarning, ...heard };
  let round: RoundReport | undefined;
  let voidBecause: readonly string[];
  try {
    const warmupMessages = runner.bench.warmupMessages ?? dimension.warmupMessages;
    const options = caseOptions({ ...runner.bench, warmupMessages }, scaleCase);
    round = await runRound(options, context);
    voidBecause = round.voidBecause;
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    runner.interrupted.throwIfAborted();
    voidBecause = [error.message];
  }
  ofCase.voidBecause.push(...voidBecause);
  if (round !== undefined && voidBecause.length === 0) {
    ofCase.rounds.push(round);
    const instructions = await watch.perMessage;
    if (instructions !== undefined) ofCase.instructionsPerMessage.push(instructions);
  }
  runner.onRound({ dimension, scaleCase, number, round, voidBecause });
}
