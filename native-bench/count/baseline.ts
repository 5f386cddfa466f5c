/* native-bench/baseline.json: what each kernel needs, and in which environment that was counted. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '../../src/base/errors.js';
import type { Environment } from './environment.js';

// The compiled file lies at dist/native-bench/count.
const FILE = fileURLToPath(new URL('../../../native-bench/baseline.json', import.meta.url));

export interface Baseline {
  readonly environment: Environment;
  /** By kernel: instructions an operation. */
  readonly instructions: Readonly<Record<string, number>>;
}

/** Rejects with an OperatingError where there is none. */
export async function readBaseline(): Promise<Baseline> {
  try {
    return JSON.parse(await readFile(FILE, 'utf8')) as Baseline;
  } catch (error) {
    const message = `native-bench/baseline.json cannot be read (${(error as Error).message}); --update writes it`;
    throw new OperatingError('ERR_NO_BASELINE', message, { cause: error });
  }
}

export async function writeBaseline({ environment, instructions }: Baseline): Promise<void> {
  const sorted = Object.fromEntries(
    Object.entries(instructions).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  await writeFile(FILE, `${JSON.stringify({ environment, instructions: sorted }, null, 2)}\n`);
}
