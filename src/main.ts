#!/usr/bin/env node
import { CommanderError } from 'commander';
import { OperatingError, UsageError } from './base/errors.js';
import { createProgram } from './cli/args.js';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

// `millrace dead-letters list | head` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? DONE : FAILED);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
if (process.exitCode !== undefined && process.exitCode !== DONE) process.exit();

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  if (error instanceof UsageError) {
    process.stderr.write(`millrace: ${error.message}\n`);
    return WRONG_USAGE;
  }
  if (error instanceof OperatingError) {
    process.stderr.write(`millrace: ${error.message} (${error.code})\n`);
    return FAILED;
  }
  throw error;
}
