/* Runs the kernels of one part under callgrind, one after another, always all of them: an empty round,
 * then for each its warm-up and its rounds, each round between two marks (count/callgrind.ts). Prints how
 * many operations the rounds of each have. native/marks.h does the same in C++, for one kernel.
 *   node dist/native-bench/kernels/run-part.js PART
 */
import { getPriority } from 'node:os';
import { parts } from './parts.js';

/** Until V8 compiles nothing more, with the flags that count/kernels.ts gives. */
const WARM_UP_CALLS = 300;
const ROUNDS = 5;
const CALLS = 20;

function runRound(calls: number, run: () => void): void {
  getPriority();
  for (let call = 0; call < calls; call++) run();
  getPriority();
}

const load = parts.get(process.argv[2] ?? '');
if (load === undefined) throw new Error(`there is no part ${process.argv[2]}`);
const operations: number[] = [];
runRound(0, () => {});
for (const kernel of await load()) {
  const run = kernel.open();
  const { warmUpCalls = WARM_UP_CALLS } = kernel;
  for (let call = 0; call < warmUpCalls; call++) run();
  for (let round = 0; round < ROUNDS; round++) runRound(CALLS, run);
  operations.push(...Array.from({ length: ROUNDS }, () => CALLS * kernel.operations));
}
console.log(operations.join(' '));
