/** A piece of a message's path, run alone: the code of src/ itself, never a copy of it. */
export interface Kernel {
  /** `part/what`. */
  readonly name: string;
  /** How many operations one call of the workload does. */
  readonly operations: number;
  /** Sets it up and returns the workload. What it calls must do the same each time. */
  readonly open: () => () => void;
  /** How often it is called until V8 compiles nothing more of it; undefined: as often as most. */
  readonly warmUpCalls?: number;
}

/** What one call of most workloads does: as much as a read from a socket brings. */
export const BURST = 100;
