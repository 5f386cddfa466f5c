/* `millrace bench --preset scale`. */
import type { BenchOptions } from '../bench/options.js';
import { scaleResultOf } from '../bench/scale/result.js';
import { runScale } from '../bench/scale/scale.js';
import { describeScale, describeScaleRound } from '../bench/scale/text.js';
import { benchInterruption } from './bench-interruption.js';
import type { ScaleFlags } from './bench-options.js';
import { millraceVersion } from './version.js';

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
  const result = scaleResultOf(report, millraceVersion());
  console.log(json ? JSON.stringify(result, undefined, 2) : describeScale(report));
  return result.valid ? 0 : 1;
}
