import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../support/random.js';
import type { Lane, Parties } from './faults/fault.js';
import type { PlannedFault } from './schedule.js';

/** A fault as it was. */
export interface FaultThatWas {
  readonly name: string;
  /** From the start of the run. */
  readonly beganMs: number;
  readonly endedMs: number;
}

export interface LanesOptions {
  readonly lanes: ReadonlyMap<Lane, readonly PlannedFault[]>;
  readonly parties: Parties;
  readonly runMs: number;
  readonly say: (text: string) => void;
}

/**
 * Has everything go wrong that is planned, the lanes at the same time; resolves when the last fault is
 * over and the run's time is too. Whatever began has ended by then, also where it rejects.
 */
export async function runLanes(options: LanesOptions): Promise<FaultThatWas[]> {
  const startMs = performance.now();
  const happened: FaultThatWas[] = [];
  const failed = new AbortController();
  const sinceStartMs = () => Math.round(performance.now() - startMs);
  const until = (atMs: number) =>
    delay(Math.max(0, startMs + atMs - performance.now()), undefined, { signal: failed.signal });
  const runLane = async (planned: readonly PlannedFault[]): Promise<void> => {
    for (const { fault, atMs, durationMs, seed } of planned) {
      await until(atMs);
      // Whoever was late with the one before has made the run's time pass.
      if (sinceStartMs() >= options.runMs) return;
      const beganMs = sinceStartMs();
      options.say(`${seconds(beganMs)} ${fault.name} for ${durationMs} ms`);
      const end = await fault.begin(options.parties, new Random(seed), durationMs);
      // A failure elsewhere ends the fault before its time.
      await delay(durationMs, undefined, { signal: failed.signal }).catch(() => {});
      await end();
      happened.push({ name: fault.name, beganMs, endedMs: sinceStartMs() });
      options.say(`${seconds(sinceStartMs())} ${fault.name} is over`);
    }
    await until(options.runMs);
  };
  const lanes = [...options.lanes.values()].map(async (planned) => {
    try {
      await runLane(planned);
    } catch (error) {
      failed.abort();
      // What another lane's failure broke off is no failure of this one.
      if ((error as Error).name !== 'AbortError') throw error;
    }
  });
  const failures = (await Promise.allSettled(lanes)).flatMap((lane) =>
    lane.status === 'rejected' ? [lane.reason] : [],
  );
  if (failures.length > 0) throw failures[0];
  return happened;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s`;
}
