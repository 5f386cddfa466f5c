/* When what goes wrong. A seed decides all of it beforehand: which faults, when they are due, how long
 * they last and with what they are drawn. What a system makes of it is its own affair, so the same seed
 * gives the same faults and not the same run. */
import { Random } from '../support/random.js';
import type { Fault, Lane } from './faults/fault.js';

export interface PlannedFault {
  readonly fault: Fault;
  /** From the start of the run. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Of what it draws itself. */
  readonly seed: number;
}

/** Between the end of a fault and the next of its lane, at least and at most. */
const PAUSE_MS = [500, 12_000] as const;
const SEEDS = 2 ** 32;

/** The faults of a run, by lane, in order. Each of a lane comes once before any comes again. */
export function planFaults(
  faults: readonly Fault[],
  seed: number,
  runMs: number,
): ReadonlyMap<Lane, readonly PlannedFault[]> {
  const random = new Random(seed);
  const lanes = new Map<Lane, PlannedFault[]>();
  for (const lane of new Set(faults.map((fault) => fault.lane))) {
    const ofLane = faults.filter((fault) => fault.lane === lane);
    const planned: PlannedFault[] = [];
    let turn: Fault[] = [];
    for (let atMs = random.between(...PAUSE_MS); atMs < runMs; ) {
      if (turn.length === 0) turn = random.shuffle(ofLane);
      const fault = turn.pop() as Fault;
      const durationMs = random.between(...fault.ms);
      planned.push({ fault, atMs, durationMs, seed: random.below(SEEDS) });
      atMs += durationMs + random.between(...PAUSE_MS);
    }
    lanes.set(lane, planned);
  }
  return lanes;
}
