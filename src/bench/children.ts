/* Child processes that a bench starts, and stops by their own identifiers whatever happens. */

import type { ChildProcess } from 'node:child_process';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '../base/errors.js';

const ERROR_TAIL_CHARACTERS = 4000;

/** A module of this folder in a process of its own, with an IPC channel. */
export function forkModule(file: string, args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return fork(path, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The last that it wrote to standard error. */
  readonly errorTail: () => string;
}

/** Starts `command` without a shell, so that the process is the program itself.
 * @param channel whether it is given an IPC channel */
export async function startProgram(
  command: readonly string[],
  { channel = false } = {},
): Promise<Program> {
  const [file = '', ...args] = command;
  const stdio = ['ignore', 'ignore', 'pipe', ...(channel ? ['ipc' as const] : [])] as const;
  const child = spawn(file, args, { stdio: [...stdio] });
  let tail = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-ERROR_TAIL_CHARACTERS);
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new OperatingError('ERR_BENCH_CONNECTOR', `${file} cannot be started`, { cause });
  }
  return { child, pid: child.pid as number, errorTail: () => tail.trim() };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Asks a program to end, and ends it when it has not within `graceMs`. */
export async function stopProgram({ child }: Program, graceMs: number): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}

/** Ends a forked module by closing its channel. */
export async function releaseModule(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exited;
}
