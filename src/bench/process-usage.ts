/* CPU and memory of another process, from Linux's /proc: the whole process, and by kind of thread. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export type ThreadKind = 'main' | 'workers' | 'librdkafka' | 'other';
export type CpuUs = Readonly<Record<ThreadKind | 'total', number>>;

/** Linux counts CPU time in hundredths of a second for every program that asks. */
const US_PER_TICK = 10_000;
/** Node starts these before anything else, in this order: V8's timer thread, V8's four workers, the
 * inspector's. Up to Node 20 they carry the same name as our workers. */
const NODE_THREADS_AT_START = 6;

interface ThreadTime {
  readonly id: number;
  readonly name: string;
  readonly us: number;
}

function parseStat(stat: string): { name: string; us: number } {
  // The name stands in brackets and may hold anything, brackets and spaces too.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { name: stat.slice(stat.indexOf('(') + 1, end), us: ticks * US_PER_TICK };
}

function readThreads(pid: number): ThreadTime[] {
  const threads: ThreadTime[] = [];
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8');
      threads.push({ id: Number(id), ...parseStat(stat) });
    } catch {
      // Threads end between the listing and the reading; the process's total has their time.
    }
  }
  return threads.sort((a, b) => a.id - b.id);
}

function kindOf(thread: ThreadTime, unnamedBefore: number): ThreadKind {
  if (thread.name.startsWith('rdk:')) return 'librdkafka';
  // Node 24 names its threads; Node 20 calls all of them `node`.
  if (thread.name === 'WorkerThread') return 'workers';
  if (thread.name === 'node' && unnamedBefore >= NODE_THREADS_AT_START) return 'workers';
  return 'other';
}

/** CPU time that process `pid` has used so far, as a whole: cheap enough to be read several times a
 * second. Undefined where there is no /proc, or no such process any more. */
export function readCpuTotalUs(pid: number): number | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).us;
  } catch {
    return undefined;
  }
}

/** CPU time that process `pid` has used so far; undefined where there is no /proc. `workers` are
 * Node's later threads: our workers, and libuv's pool, which is all but idle. */
export function readCpu(pid: number): CpuUs | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  const total = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).us;
  const sums = { main: 0, workers: 0, librdkafka: 0 };
  let unnamed = 0;
  for (const thread of readThreads(pid)) {
    const kind = thread.id === pid ? 'main' : kindOf(thread, unnamed);
    if (thread.id !== pid && thread.name === 'node') unnamed += 1;
    if (kind !== 'other') sums[kind] += thread.us;
  }
  return { total, ...sums, other: total - sums.main - sums.workers - sums.librdkafka };
}

/** What was used from `start` to `end`, for each of `messages`. Threads are read a moment after the process
 * as a whole: what is left for `other` may come out below nothing by a tick, and is nothing then. */
export function cpuPerMessage(start: CpuUs, end: CpuUs, messages: number): CpuUs {
  const share = (kind: keyof CpuUs) => Math.max(0, end[kind] - start[kind]) / Math.max(1, messages);
  return {
    total: share('total'),
    main: share('main'),
    workers: share('workers'),
    librdkafka: share('librdkafka'),
    other: share('other'),
  };
}

/** The most memory that process `pid` ever held; undefined where there is no /proc. */
export function readPeakRssBytes(pid: number): number | undefined {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return undefined;
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'));
  return match === null ? undefined : Number(match[1]) * 1024;
}
