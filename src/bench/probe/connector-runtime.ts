/* The bench's end of the probe in its connector, and what a round reports of it. */
import type { ChildProcess } from 'node:child_process';
import type { LoopDelay, ProbeAnswer, ProbeCommand, ThreadUse } from './protocol.js';

/** V8 and the event loops of the connector while all directions were measured. */
export interface RuntimeReport {
  readonly gcs: number;
  readonly gcMs: number;
  readonly gcUsPerMessage: number;
  /** Which part of the time a thread stood still for it; the workers' is that of an average one. */
  readonly gcShare: PerThread<number>;
  /** Bytes of V8's heap. */
  readonly allocatedBytesPerMessage: PerThread<number> & { readonly total: number };
  /** The workers' is that of the worker whose delays are the longest. */
  readonly loopDelay: PerThread<LoopDelay>;
}

interface PerThread<T> {
  readonly main: T;
  readonly workers: T;
}

/** Longer than the probe itself waits for its workers. */
const ANSWER_MS = 8_000;

function tell(connector: ChildProcess, command: ProbeCommand): void {
  // A connector that has ended is told of elsewhere.
  if (connector.connected) connector.send(command, () => undefined);
}

export function startProbe(connector: ChildProcess): void {
  tell(connector, 'start');
}

/** Resolves with undefined where the connector does not answer in time, or not for all its threads. */
export async function stopProbe(
  connector: ChildProcess,
  messages: number,
): Promise<RuntimeReport | undefined> {
  if (!connector.connected) return undefined;
  const answer = await new Promise<ProbeAnswer | undefined>((resolve) => {
    const timer = setTimeout(() => end(), ANSWER_MS);
    const end = (message?: unknown) => {
      clearTimeout(timer);
      connector.off('message', end).off('disconnect', end);
      resolve(message as ProbeAnswer | undefined);
    };
    connector.on('message', end).on('disconnect', end);
    tell(connector, 'stop');
  });
  if (answer?.workers === undefined) return undefined;
  return runtimeOf(answer.main, answer.workers, messages);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** @param messages settled meanwhile */
export function runtimeOf(
  main: ThreadUse,
  workers: readonly ThreadUse[],
  messages: number,
): RuntimeReport {
  const all = [main, ...workers];
  const gcMs = sum(all.map((use) => use.gcMs));
  const perMessage = (values: readonly number[]) => sum(values) / Math.max(1, messages);
  const share = (uses: readonly ThreadUse[]) => {
    const ms = 1000 * sum(uses.map(({ seconds }) => seconds));
    return ms === 0 ? 0 : sum(uses.map((use) => use.gcMs)) / ms;
  };
  const most = (point: keyof LoopDelay) =>
    Math.max(0, ...workers.map(({ loopDelay }) => loopDelay[point]));
  const allocatedByWorkers = workers.map(({ allocatedBytes }) => allocatedBytes);
  return {
    gcs: sum(all.map(({ gcs }) => gcs)),
    gcMs,
    gcUsPerMessage: perMessage([gcMs * 1000]),
    gcShare: { main: share([main]), workers: share(workers) },
    allocatedBytesPerMessage: {
      total: perMessage([main.allocatedBytes, ...allocatedByWorkers]),
      main: perMessage([main.allocatedBytes]),
      workers: perMessage(allocatedByWorkers),
    },
    loopDelay: {
      main: main.loopDelay,
      workers: { p50Ms: most('p50Ms'), p99Ms: most('p99Ms'), maxMs: most('maxMs') },
    },
  };
}
