/* Reads the records of a load back, in a process of its own. */
import { once } from 'node:events';
import { OperatingError } from '../../base/errors.js';
import { forkModule, releaseModule } from '../children.js';
import type { Expected } from './record-check.js';
import type { Verification } from './verification.js';

/** Bench -> verification. */
export interface VerifyTask {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** By partition: the offset after the last record that counts. */
  readonly ends: readonly number[];
  readonly expected: Expected;
  readonly recordBytesMax: number;
  /** Without a record for so long it gives up. */
  readonly stallSeconds: number;
}

/** Verification -> bench. */
export type VerifyAnswer =
  | { readonly kind: 'verified'; readonly verification: Verification }
  | { readonly kind: 'failed'; readonly message: string };

/** Rejects with an OperatingError where the records cannot be read, and when `interrupted` says so. */
export async function verifyRecords(
  task: VerifyTask,
  interrupted: AbortSignal,
): Promise<Verification> {
  const child = forkModule('./verify/verify-main.js', []);
  try {
    const ended = once(child, 'exit', { signal: interrupted }).then(
      ([code]): VerifyAnswer => ({ kind: 'failed', message: `it ended with code ${code}` }),
    );
    const answered = once(child, 'message', { signal: interrupted }).then(
      ([answer]) => answer as VerifyAnswer,
    );
    child.send(task);
    const answer = await Promise.race([answered, ended]);
    if (answer.kind === 'verified') return answer.verification;
    throw new OperatingError(
      'ERR_BENCH_KAFKA',
      `the records cannot be verified: ${answer.message}`,
    );
  } finally {
    await releaseModule(child);
  }
}
