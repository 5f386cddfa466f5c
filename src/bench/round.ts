/* One round: a fresh generator, a fresh connector, a fresh topic, one measured phase. */

import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '../base/errors.js';
import type { Program } from './children.js';
import { forkModule, releaseModule, startProgram, stopProgram } from './children.js';
import { connectorYaml } from './connector-resources.js';
import { countRecords } from './kafka-client.js';
import type { KafkaTarget } from './kafka-target.js';
import type { BenchOptions } from './options.js';
import { loadOf } from './options.js';
import type { CpuUs } from './process-usage.js';
import { cpuPerMessage, readCpu, readPeakRssBytes } from './process-usage.js';
import type { GeneratorEvent, LoadReport } from './protocol.js';

const CONNECT_TIMEOUT_MS = 60_000;
/** For a connector to end by itself. */
const STOP_MS = 15_000;
/** After a failure nobody waits for what it still has in flight. */
const FAILED_STOP_MS = 1_000;
/** Kafka's own default of max.message.bytes: smaller messages share batches up to it. */
const RECORD_BYTES_LEAST = 1_048_588;
const RECORD_ROOM_BYTES = 65_536;
/** Those of the generator: name and value have some 40 bytes. */
const USER_PROPERTY_BYTES_MAX = 100;

export interface RoundReport {
  readonly load: LoadReport;
  /** CPU time of the connector in the measured phase; absent where there is no /proc. */
  readonly cpuUsPerMessage: CpuUs | undefined;
  readonly peakRssBytes: number | undefined;
  /** Records in the round's topic afterwards; absent when they were not counted. */
  readonly records: number | undefined;
  /** Why the figures mean nothing; empty for a good round. */
  readonly voidBecause: readonly string[];
}

interface Measured {
  readonly load: LoadReport;
  readonly cpuUsPerMessage: CpuUs | undefined;
  readonly peakRssBytes: number | undefined;
}

export function connectorCommand(options: BenchOptions, file: string, dataDir: string): string[] {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const command = options.connector ?? [process.execPath, main, 'run'];
  return [...command, '-f', file, '--admin-address', '127.0.0.1:0', '--data-dir', dataDir];
}

async function listening(generator: ChildProcess, interrupted: AbortSignal): Promise<number> {
  const first = once(generator, 'message', { signal: interrupted });
  const [event] = (await first) as [GeneratorEvent];
  if (event.kind === 'listening') return event.port;
  throw new OperatingError('ERR_BENCH_GENERATOR', 'the load generator did not start');
}

/** Waits for the generator's report, and takes the connector's CPU time at both ends of the measured
 * phase. */
function measure(
  generator: ChildProcess,
  { child, pid, errorTail }: Program,
  interrupted: AbortSignal,
): Promise<Measured> {
  return new Promise((resolve, reject) => {
    let start: CpuUs | undefined;
    const fail = (message: string) => {
      clearTimeout(timer);
      const tail = errorTail();
      const detail = tail === '' ? '' : `; its last words were:\n${tail}`;
      reject(new OperatingError('ERR_BENCH_RUN', `${message}${detail}`));
    };
    const timer = setTimeout(
      () => fail(`the connector did not subscribe within ${CONNECT_TIMEOUT_MS / 1000} s`),
      CONNECT_TIMEOUT_MS,
    );
    interrupted.addEventListener('abort', () => fail('interrupted'), { once: true });
    child.once('exit', (code, signal) => fail(`the connector ended (${signal ?? `code ${code}`})`));
    generator.once('exit', () => fail('the load generator ended'));
    generator.on('message', (message: GeneratorEvent) => {
      if (message.kind === 'loading') clearTimeout(timer);
      else if (message.kind === 'measuring') start = readCpu(pid);
      else if (message.kind === 'failed') fail(message.message);
      else if (message.kind === 'finished') {
        clearTimeout(timer);
        const end = readCpu(pid);
        const known = start !== undefined && end !== undefined;
        const { messages } = message.report;
        resolve({
          load: message.report,
          cpuUsPerMessage: known
            ? cpuPerMessage(start as CpuUs, end as CpuUs, messages)
            : undefined,
          peakRssBytes: readPeakRssBytes(pid),
        });
      }
    });
  });
}

function reasonsToVoid(load: LoadReport, records: number | undefined): string[] {
  const reasons: string[] = [];
  if (load.unacknowledged > 0) reasons.push(`${load.unacknowledged} messages not acknowledged`);
  if (load.refused > 0) reasons.push(`${load.refused} messages refused`);
  if (load.connectionsLost > 0) reasons.push('the connector closed a connection that was in use');
  if (load.messages === 0) reasons.push('no message within the measured phase: measure more');
  const settledWell = load.settled - load.refused;
  if (records !== undefined && records < settledWell) {
    reasons.push(`${settledWell - records} of ${settledWell} messages are not in Kafka`);
  }
  return reasons;
}

/** More than topic name, key, headers and framing of a record add to its payload. */
function recordBytesMax({ payloadBytes, userProperties }: BenchOptions): number {
  const added = RECORD_ROOM_BYTES + userProperties * USER_PROPERTY_BYTES_MAX;
  return Math.max(RECORD_BYTES_LEAST, payloadBytes + added);
}

export interface RoundContext {
  readonly target: KafkaTarget;
  readonly interrupted: AbortSignal;
  /** Hears what has gone wrong beside the figures. */
  readonly onWarning: (text: string) => void;
}

/**
 * Runs the load once. Throws when there is nothing to report at all, and where `interrupted` says so.
 * What it made, processes, files and the topic, is gone again either way.
 */
export async function runRound(
  options: BenchOptions,
  { target, interrupted, onWarning }: RoundContext,
): Promise<RoundReport> {
  const kafkaTopic = `millrace-bench-${randomUUID()}`;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const generator = forkModule('./generator-main.js', [JSON.stringify(loadOf(options))]);
  let connector: Program | undefined;
  let stopMs = FAILED_STOP_MS;
  try {
    const { bootstrapServers } = target;
    const mqttPort = await listening(generator, interrupted);
    await target.createTopic(kafkaTopic, recordBytesMax(options));
    const file = join(folder, 'bench.yaml');
    await writeFile(file, connectorYaml(options, { mqttPort, bootstrapServers, kafkaTopic }));
    connector = await startProgram(connectorCommand(options, file, join(folder, 'data')));
    interrupted.throwIfAborted();
    const measured = await measure(generator, connector, interrupted);
    // While the connector runs: at QoS 0 it may not have read everything that the kernel took.
    const waitMs = options.countTimeoutSeconds * 1000;
    const wait = { expected: measured.load.settled, waitMs, interrupted };
    const records = options.verify
      ? await countRecords(bootstrapServers, kafkaTopic, wait)
      : undefined;
    interrupted.throwIfAborted();
    stopMs = STOP_MS;
    return { ...measured, records, voidBecause: reasonsToVoid(measured.load, records) };
  } finally {
    if (connector !== undefined) await stopProgram(connector, stopMs);
    await releaseModule(generator);
    await rm(folder, { recursive: true, force: true });
    // Last: a producer that still runs would make the topic again.
    await target.deleteTopic(kafkaTopic).catch((error: Error) => onWarning(error.message));
  }
}
