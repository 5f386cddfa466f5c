import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Step } from '../../../src/doctor/report.js';

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));
const DEADLINE_MS = 120_000;

export interface DoctorRun {
  readonly code: number | null;
  /** Of --json; without it neither is there. */
  readonly ok: boolean | undefined;
  readonly steps: readonly Step[];
  /** Standard output and standard error. */
  readonly output: string;
}

/** `millrace doctor` as a process of its own, to its end, however it ends. */
export function runDoctor(args: readonly string[]): Promise<DoctorRun> {
  const words = [MAIN, 'doctor', ...args];
  return new Promise((resolve) => {
    const options = { timeout: DEADLINE_MS };
    const child = execFile(process.execPath, words, options, (_error, stdout, stderr) => {
      const { ok, steps = [] } = stdout.startsWith('{') ? JSON.parse(stdout) : {};
      resolve({ code: child.exitCode, ok, steps, output: stdout + stderr });
    });
  });
}
