/* `millrace bench --preset scale`. */
import { UsageError } from '../base/errors.js';
import type { BenchOptions } from '../bench/options.js';
import type { DimensionName } from '../bench/scale/dimensions.js';
import { runScale } from '../bench/scale/scale.js';
import { describeScale, describeScaleRound, isScaleValid } from '../bench/scale/text.js';
import { benchInterruption } from './bench-interruption.js';

export interface ScaleFlags {
  readonly dimension?: readonly DimensionName[] | undefined;
  readonly quick?: boolean | undefined;
}

/** Throws a UsageError where there are flags of the scale bench and another is asked for. */
export function refuseScaleFlags({ dimension, quick }: ScaleFlags): void {
  const flag = dimension === undefined ? quick && '--quick' : '--dimension';
  if (flag) throw new UsageError(`${flag} is for --preset scale only`);
}

/** Runs the scale bench and prints it; 0 when every round counts, else 1. What growth is over its limit is
 * told, and no failure: where instructions are not counted it may be the machine's. */
export async function scaleCommand(
  bench: BenchOptions,
  { dimension = [] }: ScaleFlags,
  json: boolean,
): Promise<number> {
  const report = await runScale(
    { bench, dimensions: dimension },
    (round) => console.error(describeScaleRound(round)),
    {
      interrupted: benchInterruption(),
      onWarning: (text) => console.error(`millrace: ${text}`),
    },
  );
  const valid = isScaleValid(report);
  console.log(json ? JSON.stringify({ valid, ...report }, undefined, 2) : describeScale(report));
  return valid ? 0 : 1;
}
