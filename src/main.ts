#!/usr/bin/env node
// First: before the modules that the young generation would grow by.
import './cli/young-generation.js';

import { CommanderError } from 'commander';
import { OperatingError, UsageError } from './base/errors.js';
import { createProgram } from './cli/args.js';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

// Node's own answer to SIGUSR1 is to open a debugger's port, and to SIGUSR2 to end there and then.
for (const signal of ['SIGUSR1', 'SIGUSR2']) process.on(signal, () => {});

const program = createProgram();
let isBridge = false;
program.hook('preAction', (_program, command) => {
  isBridge = command.name() === 'run';
});

// What nobody reads is lost, and nothing else. `millrace dead-letters list | head` is no failure; and
// a bridge does not end with whoever has read its output.
process.stderr.on('error', () => {});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (!isBridge) process.exit(error.code === 'EPIPE' ? DONE : FAILED);
});

try {
  await program.parseAsync();
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
