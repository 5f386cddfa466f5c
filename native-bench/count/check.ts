/* Holds what was counted against the baseline. */
import type { Spread } from '../../src/bench/report/spread.js';
import type { Baseline } from './baseline.js';
import { differences, type Environment, incomparable, type KernelSort } from './environment.js';

/** A kernel may need so much more than the baseline says; the same code differs by less than 1 %. */
export const LOSS_MAX = 0.1;

export interface Count {
  readonly name: string;
  readonly sort: KernelSort;
  /** Instructions an operation. */
  readonly instructions: Spread;
}

/** `gone`: the baseline has it and nobody else. */
export type Verdict = 'same' | 'loss' | 'gain' | 'new' | 'gone' | 'not compared';

export interface Row {
  readonly name: string;
  readonly before: number | undefined;
  readonly now: Spread | undefined;
  /** 0.1: a tenth more than before. */
  readonly change: number | undefined;
  readonly verdict: Verdict;
}

export interface Check {
  readonly rows: readonly Row[];
  /** What there is to know beside the rows, for people. */
  readonly notes: readonly string[];
  readonly failed: boolean;
}

/**
 * @param partial whether kernels were left out on purpose: then none is gone
 */
export function check(
  baseline: Baseline,
  counts: readonly Count[],
  here: Environment,
  partial: boolean,
): Check {
  const rows = counts.map((count) => rowOf(count, baseline, here));
  const known = new Set(counts.map(({ name }) => name));
  for (const [name, before] of Object.entries(baseline.instructions)) {
    if (partial || known.has(name)) continue;
    rows.push({ name, before, now: undefined, change: undefined, verdict: 'gone' });
  }
  const notes = notesOf(rows, counts, baseline, here);
  const compared = rows.some(({ change }) => change !== undefined);
  if (!compared)
    notes.push('nothing was compared, so nothing is known: --update writes a baseline for here');
  const wrong: readonly Verdict[] = ['loss', 'gone', 'new'];
  const failed = !compared || rows.some(({ verdict }) => wrong.includes(verdict));
  return { rows, notes, failed };
}

function rowOf({ name, sort, instructions }: Count, baseline: Baseline, here: Environment): Row {
  const before = baseline.instructions[name];
  const row = { name, before, now: instructions, change: undefined };
  if (before === undefined) return { ...row, verdict: 'new' };
  if (incomparable(sort, baseline.environment, here) !== undefined) {
    return { ...row, verdict: 'not compared' };
  }
  const change = instructions.median / before - 1;
  const verdict = change > LOSS_MAX ? 'loss' : change < -LOSS_MAX ? 'gain' : 'same';
  return { ...row, change, verdict };
}

function notesOf(
  rows: readonly Row[],
  counts: readonly Count[],
  baseline: Baseline,
  here: Environment,
): string[] {
  const notes: string[] = [];
  const differing = differences(baseline.environment, here);
  if (differing.length > 0) {
    notes.push(`the baseline was counted elsewhere: ${differing.join('; ')}`);
  }
  for (const [sort, what] of [
    ['javascript', 'JavaScript'],
    ['addon', 'the addon'],
  ] as const) {
    const why = incomparable(sort, baseline.environment, here);
    if (why !== undefined && counts.some((count) => count.sort === sort)) {
      notes.push(`kernels of ${what} are not compared: ${why}`);
    }
  }
  const having = (verdict: Verdict) =>
    rows
      .filter((row) => row.verdict === verdict)
      .map(({ name }) => name)
      .join(', ');
  const lost = having('loss');
  if (lost !== '') notes.push(`more than ${LOSS_MAX * 100} % more instructions: ${lost}`);
  const gained = having('gain');
  if (gained !== '') notes.push(`a gain, which --update keeps: ${gained}`);
  const unknown = having('new');
  if (unknown !== '') notes.push(`not in the baseline, --update adds it: ${unknown}`);
  const gone = having('gone');
  if (gone !== '')
    notes.push(`in the baseline and no kernel any more, --update removes it: ${gone}`);
  return notes;
}
