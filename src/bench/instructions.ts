/* Instructions that a process executes in user mode, counted by the machine and read by `perf stat`.
 *
 *   attach: perf opens its counters, which do not count -> begin: they count -> end: what they counted
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

const EVENT = 'instructions:u';
const CONTROL_FD = 3;
const ACK_FD = 4;

/** What `perf stat -x,` printed: the count, or why there is none. */
export function parsePerfStat(output: string): number | string {
  for (const line of output.split('\n')) {
    const [count = '', , event = ''] = line.split(',');
    if (!event.startsWith('instructions')) continue;
    if (/^\d+$/.test(count)) return Number(count);
    if (count === '<not supported>') return 'this machine does not count instructions';
    return 'perf counted no instructions';
  }
  if (/permission|paranoid|not permitted/i.test(output)) {
    return 'perf may not count instructions here (see kernel.perf_event_paranoid)';
  }
  return 'perf does not say how many instructions there were';
}

async function outputOf(perf: ChildProcess): Promise<string> {
  let output = '';
  perf.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(perf, 'close');
  return output;
}

/** Why instructions cannot be counted here, in words; undefined: they can. */
export async function whyNoInstructions(): Promise<string | undefined> {
  const args = ['stat', '-x,', '-e', EVENT, '--', process.execPath, '--version'];
  const perf = spawn('perf', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const found = parsePerfStat(await outputOf(perf));
    return typeof found === 'number' ? undefined : found;
  } catch {
    return 'perf is not installed';
  }
}

export class InstructionCounter {
  readonly #perf: ChildProcess;
  /** All that perf printed, once it has ended. */
  readonly #output: Promise<string>;
  #began = false;

  /** @param event another one that perf counts */
  private constructor(pid: number, event: string) {
    const control = `fd:${CONTROL_FD},${ACK_FD}`;
    const args = ['stat', '-x,', '-D', '-1', '--control', control, '-e', event, '-p', `${pid}`];
    this.#perf = spawn('perf', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
    // A perf that cannot be started has no count to give.
    this.#output = outputOf(this.#perf).catch(() => '');
    (this.#perf.stdio[CONTROL_FD] as Writable).on('error', () => undefined);
    (this.#perf.stdio[ACK_FD] as Readable).on('error', () => undefined).resume();
  }

  /** Counts nothing yet: threads that start later are counted too. */
  static attach(pid: number, event = EVENT): InstructionCounter {
    return new InstructionCounter(pid, event);
  }

  /** Resolves when it counts. */
  async begin(): Promise<void> {
    this.#began = true;
    await this.#tell('enable');
  }

  /** What `perf stat -x,` has to say about the time since `begin`. */
  async end(): Promise<string> {
    if (this.#began) await this.#tell('disable');
    this.#perf.kill('SIGINT');
    return await this.#output;
  }

  /** Resolves when perf has done it, or has ended. */
  async #tell(command: 'enable' | 'disable'): Promise<void> {
    const acked = once(this.#perf.stdio[ACK_FD] as Readable, 'data');
    (this.#perf.stdio[CONTROL_FD] as Writable).write(`${command}\n`);
    await Promise.race([acked, this.#output]);
  }
}
