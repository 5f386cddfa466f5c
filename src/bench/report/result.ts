/* A result as it is kept: what `--json` prints, and `--compare` reads again. docs/reference/bench.md says
 * what is in it; what changes the meaning of a field changes its format.
 */
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { UsageError } from '../../base/errors.js';
import type { BenchReport } from '../bench.js';
import { isValid, type Summary, summaryOf } from './figures.js';

const FORMAT = 1;

/** What every result begins with, that of a scale bench too. */
export interface ResultHead {
  readonly format: typeof FORMAT;
  readonly kind: 'bench' | 'scale';
  /** Version of the bench. */
  readonly millrace: string;
  /** Whether every round's figures count. */
  readonly valid: boolean;
}

/** @param millrace its version */
export function resultHead(kind: ResultHead['kind'], millrace: string, valid: boolean): ResultHead {
  return { format: FORMAT, kind, millrace, valid };
}

export interface BenchResult extends ResultHead, BenchReport {
  readonly summary: Readonly<Record<string, Summary>>;
}

/** @param millrace its version */
export function resultOf(report: BenchReport, millrace: string): BenchResult {
  return {
    ...resultHead('bench', millrace, isValid(report)),
    ...report,
    summary: summaryOf(report),
  };
}

/** What a comparison needs of a result; what else is in it may be from another version. */
const STORED = Type.Object({
  format: Type.Literal(FORMAT),
  millrace: Type.String(),
  valid: Type.Boolean(),
  kafka: Type.String(),
  machine: Type.Record(Type.String(), Type.Unknown()),
  options: Type.Record(Type.String(), Type.Unknown()),
  rounds: Type.Array(Type.Object({ voidBecause: Type.Array(Type.String()) }), { minItems: 1 }),
  summary: Type.Record(
    Type.String(),
    Type.Object({
      median: Type.Number(),
      min: Type.Number(),
      max: Type.Number(),
      values: Type.Array(Type.Number(), { minItems: 1 }),
    }),
  ),
});

export type StoredResult = Static<typeof STORED>;

/** The result in `text`. Throws a UsageError that names `file` where it is none. */
export function parseResult(text: string, file: string): StoredResult {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${(error as Error).message}`);
  }
  const { format, kind } = (json ?? {}) as { format?: unknown; kind?: unknown };
  if (kind === 'scale') {
    throw new UsageError(
      `${file} is the result of --preset scale, whose cases are not compared. Its file has the figures of each; ` +
        'to compare one case, run it alone before and after, such as ' +
        '`millrace bench --routes 1000 --repeat 7 --json`, and compare these results',
    );
  }
  if (Value.Check(STORED, json)) return json;
  if (typeof format === 'number' && format !== FORMAT) {
    throw new UsageError(
      `${file} is a result of format ${format}; this version of millrace reads format ${FORMAT}`,
    );
  }
  const first = Value.Errors(STORED, json).First();
  throw new UsageError(
    `${file} is not what \`millrace bench --json\` prints: ${first?.path || 'the document'}: ` +
      `${first?.message.toLowerCase()}`,
  );
}
