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
import type { KafkaTarget } from './kafka-target.js';
import { payloadBytesMax } from './load/payload-mix.js';
import type { BenchOptions } from './options.js';
import {
  feedOf,
  loadOf,
  PARTITIONS_TO_READ,
  payloadOfMessages,
  publishes,
  reads,
} from './options.js';
import { type ConnectorUse, PhaseWatch } from './phase-watch.js';
import { ProgressMeter, type RoundProgress } from './progress.js';
import type {
  FeedReport,
  GeneratorEvent,
  GeneratorReport,
  GeneratorTask,
  LoadReport,
} from './protocol.js';
import type { Verification } from './verify/verification.js';
import { verifyLoad } from './verify/verify-load.js';

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

export interface RoundReport extends Omit<Measured, 'sent'> {
  /** Records in the topic that was written to, afterwards; absent when they were not counted. */
  readonly records: number | undefined;
  /** Whether what was sent is in Kafka; absent where nothing was. */
  readonly verification: Verification | undefined;
  /** Why the figures mean nothing; empty for a good round. */
  readonly voidBecause: readonly string[];
}

type Measured = GeneratorReport & ConnectorUse;

export function connectorCommand(options: BenchOptions, file: string, dataDir: string): string[] {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const probe = new URL('./probe/probe-main.js', import.meta.url).href;
  const command = options.connector ?? [process.execPath, '--import', probe, main, 'run'];
  return [...command, '-f', file, '--admin-address', '127.0.0.1:0', '--data-dir', dataDir];
}

/** Where the connector is to dial, once the generator is open. */
async function opened(generator: ChildProcess, interrupted: AbortSignal): Promise<string> {
  const first = once(generator, 'message', { signal: interrupted });
  const [event] = (await first) as [GeneratorEvent];
  if (event.kind === 'open') return event.mqttEndpoint;
  const why = event.kind === 'failed' ? `: ${event.message}` : '';
  throw new OperatingError('ERR_BENCH_GENERATOR', `the load generator did not start${why}`);
}

/** Waits for the generator's report, and watches the connector in its measured phase. */
function measure(
  generator: ChildProcess,
  connector: Program,
  { interrupted, progress }: { interrupted: AbortSignal; progress: ProgressMeter },
): Promise<Measured> {
  const watch = new PhaseWatch(connector);
  return new Promise((resolve, reject) => {
    const fail = (message: string) => {
      clearTimeout(timer);
      const tail = connector.errorTail();
      const detail = tail === '' ? '' : `; its last words were:\n${tail}`;
      reject(new OperatingError('ERR_BENCH_RUN', `${message}${detail}`));
    };
    const timer = setTimeout(
      () => fail(`the connector was not ready within ${CONNECT_TIMEOUT_MS / 1000} s`),
      CONNECT_TIMEOUT_MS,
    );
    interrupted.addEventListener('abort', () => fail('interrupted'), { once: true });
    connector.child.once('exit', (code, signal) =>
      fail(`the connector ended (${signal ?? `code ${code}`})`),
    );
    generator.once('exit', () => fail('the load generator ended'));
    generator.on('message', (message: GeneratorEvent) => {
      watch.hear(message);
      progress.hear(message);
      if (message.kind === 'loading') clearTimeout(timer);
      else if (message.kind === 'failed') fail(message.message);
      else if (message.kind === 'finished') {
        clearTimeout(timer);
        watch.use().then((use) => resolve({ ...message.report, ...use }), reject);
      }
    });
  });
}

function reasonsToVoid({ load, feed }: GeneratorReport): string[] {
  const reasons: string[] = [];
  if (load !== undefined) reasons.push(...reasonsOfLoad(load));
  if (feed !== undefined) reasons.push(...reasonsOfFeed(feed));
  const lost = (load?.connectionsLost ?? 0) + (feed?.connectionsLost ?? 0);
  if (lost > 0) reasons.push('the connector closed a connection that was in use');
  if (load?.messages === 0 || feed?.messages === 0) {
    reasons.push('no message within the measured phase: measure more');
  }
  return reasons;
}

function reasonsOfLoad(load: LoadReport): string[] {
  const reasons: string[] = [];
  if (load.unacknowledged > 0) reasons.push(`${load.unacknowledged} messages not acknowledged`);
  if (load.refused > 0) reasons.push(`${load.refused} messages refused`);
  return reasons;
}

function reasonsOfFeed({ missing, damaged, outOfOrder }: FeedReport): string[] {
  const reasons: string[] = [];
  if (damaged > 0) reasons.push(`${damaged} records were not published as they were written`);
  if (missing > 0) reasons.push(`${missing} records were not published`);
  if (outOfOrder > 0) reasons.push(`${outOfOrder} records were published out of order`);
  return reasons;
}

/** More than topic name, key, headers and framing of a record add to its payload. */
function recordBytesMaxOf(options: BenchOptions): number {
  const added = RECORD_ROOM_BYTES + options.userProperties * USER_PROPERTY_BYTES_MAX;
  return Math.max(RECORD_BYTES_LEAST, payloadBytesMax(payloadOfMessages(options)) + added);
}

export interface RoundContext {
  readonly target: KafkaTarget;
  readonly interrupted: AbortSignal;
  /** Hears what has gone wrong beside the figures. */
  readonly onWarning: (text: string) => void;
  readonly onProgress?: (progress: RoundProgress) => void;
}

interface Topics {
  readonly kafkaTopic: string;
  readonly feedTopic: string;
}

/** Makes the topics that the round needs. */
async function createTopics(
  options: BenchOptions,
  target: KafkaTarget,
  { kafkaTopic, feedTopic }: Topics,
): Promise<void> {
  const recordBytesMax = recordBytesMaxOf(options);
  const { partitions } = options;
  if (publishes(options)) await target.createTopic(kafkaTopic, { partitions, recordBytesMax });
  if (!reads(options)) return;
  const shape = { partitions: partitions ?? PARTITIONS_TO_READ, recordBytesMax };
  await target.createTopic(feedTopic, shape);
}

function taskOf(options: BenchOptions, target: KafkaTarget, topics: Topics): GeneratorTask {
  const { bootstrapServers, embedded } = target;
  const feedTarget = { bootstrapServers, embedded, kafkaTopic: topics.feedTopic };
  return {
    load: publishes(options) ? loadOf(options) : undefined,
    feed: reads(options) ? feedOf(options, feedTarget) : undefined,
    receiveMaximum: options.receiveMaximum,
    connections: options.connections,
  };
}

/**
 * Runs the load once. Throws when there is nothing to report at all, and where `interrupted` says so.
 * What it made, processes, files and topics, is gone again either way.
 */
export async function runRound(
  options: BenchOptions,
  { target, interrupted, onWarning, onProgress = () => {} }: RoundContext,
): Promise<RoundReport> {
  const kafkaTopic = `millrace-bench-${randomUUID()}`;
  const topics = { kafkaTopic, feedTopic: `${kafkaTopic}-feed` };
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  let generator: ChildProcess | undefined;
  let connector: Program | undefined;
  let stopMs = FAILED_STOP_MS;
  try {
    const { bootstrapServers } = target;
    onProgress({ phase: 'starting', share: 0, messagesPerSecond: undefined });
    await createTopics(options, target, topics);
    const task = taskOf(options, target, topics);
    generator = forkModule('./generator-main.js', [JSON.stringify(task)]);
    const mqttEndpoint = await opened(generator, interrupted);
    const file = join(folder, 'bench.yaml');
    await writeFile(file, connectorYaml(options, { mqttEndpoint, bootstrapServers, ...topics }));
    const command = connectorCommand(options, file, join(folder, 'data'));
    connector = await startProgram(command, { channel: options.connector === undefined });
    interrupted.throwIfAborted();
    const progress = new ProgressMeter(task, onProgress);
    const measured = await measure(generator, connector, { interrupted, progress });
    if (options.connector === undefined && measured.runtime === undefined) {
      onWarning('the connector did not tell of its garbage collection and event loops in time');
    }
    onProgress({ phase: 'verifying', share: 0, messagesPerSecond: undefined });
    const verified = await verifyLoad(options, measured, { target, kafkaTopic, interrupted });
    interrupted.throwIfAborted();
    stopMs = STOP_MS;
    const { sent, ...figures } = measured;
    const voidBecause = [...reasonsToVoid(measured), ...verified.voidBecause];
    return { ...figures, ...verified, voidBecause };
  } finally {
    if (connector !== undefined) await stopProgram(connector, stopMs);
    if (generator !== undefined) await releaseModule(generator);
    await rm(folder, { recursive: true, force: true });
    // Last: a producer that still runs would make a topic again.
    const made = [
      ...(publishes(options) ? [topics.kafkaTopic] : []),
      ...(reads(options) ? [topics.feedTopic] : []),
    ];
    for (const topic of made) {
      await target.deleteTopic(topic).catch((error: Error) => onWarning(error.message));
    }
  }
}
