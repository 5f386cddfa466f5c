import type { Verdict } from './checker.js';
import type { RoundResult } from './round.js';

/** What a run was, for people and as JSON. */
export interface Report {
  readonly version: 1;
  readonly startedAt: string;
  readonly acks: string;
  readonly hours: number;
  /** How many of each. */
  readonly faults: Readonly<Record<string, number>>;
  /** Sums over the rounds. */
  readonly messages: Readonly<Record<Count, number>>;
  readonly outcome: RoundResult['outcome'];
  readonly rounds: readonly RoundResult[];
}

const COUNTS = [
  ...['published', 'acknowledged', 'records', 'lost', 'disordered'],
  ...['repeats', 'resent', 'altered', 'strayed'],
] as const satisfies readonly (keyof Verdict)[];
type Count = Exclude<keyof Verdict, 'examples' | 'found'>;

export function reportOf(
  rounds: readonly RoundResult[],
  run: { readonly startedAt: Date; readonly acks: string },
): Report {
  const faults: Record<string, number> = {};
  for (const { name } of rounds.flatMap((round) => round.faults)) {
    faults[name] = (faults[name] ?? 0) + 1;
  }
  const sum = (count: Count) =>
    rounds.reduce((total, { verdict }) => total + (verdict?.[count] ?? 0), 0);
  const outcomes = rounds.map(({ outcome }) => outcome);
  return {
    ...{ version: 1, startedAt: run.startedAt.toISOString(), acks: run.acks },
    hours: rounds.reduce((total, { seconds }) => total + seconds, 0) / 3600,
    faults,
    messages: Object.fromEntries(COUNTS.map((count) => [count, sum(count)])) as Report['messages'],
    outcome: outcomes.includes('broken')
      ? 'broken'
      : outcomes.includes('void') || rounds.length === 0
        ? 'void'
        : 'clean',
    rounds,
  };
}

/** The report in words. */
export function reportText(report: Report): string {
  const { faults, messages, rounds } = report;
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const lines = [
    `${report.hours.toFixed(2)} hours, ${rounds.length} round(s), acks ${report.acks}`,
    `${total} faults: ${list(faults)}`,
    `messages: ${list(messages)}`,
  ];
  for (const round of rounds) lines.push(...roundText(round));
  lines.push(`verdict: ${report.outcome}`);
  return lines.join('\n');
}

/** What is to be said of a round that is not clean, with how to see it again. */
export function roundText(round: RoundResult): string[] {
  if (round.outcome === 'clean') return [];
  const { seed, outcome, broken, verdict } = round;
  return [
    `seed ${seed} is ${outcome}: ${broken.join('; ')}`,
    ...(verdict?.examples ?? []).map((example) => `  ${example}`),
  ];
}

function list(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
