/* The command line of `millrace doctor`. */
import type { Command } from 'commander';
import type { Surroundings } from '../config/load-model.js';
import { positiveNumber } from './numbers.js';
import { TOKEN_FILE_OPTION } from './token-file-option.js';

/** As commander gives them: the flags of `registerDoctor`. */
export interface DoctorCommandOptions extends Surroundings {
  readonly file: readonly string[];
  /** Seconds. */
  readonly timeout: number;
  readonly json: boolean;
}

const TIMEOUT_SECONDS = 10;
const TIMEOUT_SECONDS_MAX = 3_600;

/** Adds the command's own flags and its action; `command` has those of the configuration already. */
export function registerDoctor(command: Command): void {
  command
    .description('connect to everything, and say step by step what works and what does not')
    .option(...TOKEN_FILE_OPTION)
    .option(
      '--timeout <seconds>',
      'how long each step may take',
      positiveNumber(TIMEOUT_SECONDS_MAX),
      TIMEOUT_SECONDS,
    )
    .option('--json', 'for programs', false)
    .action(async (options: DoctorCommandOptions) => {
      const { doctorCommand } = await import('./doctor.js');
      const { stdin, stdout, stderr } = process;
      process.exitCode = await doctorCommand(options, { stdin, stdout, stderr });
    });
}
