/* One round: a fresh generator, a fresh connector, a fresh topic, one measured phase. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatingError } from '../base/errors.js';
import type { Program } from './children.js';
import { forkModule, releaseModule, startProgram, stopProgram } from './children.js';
import type { ConnectorUnderTest } from './connector-under-test.js';
import { MILLRACE } from './connector-under-test.js';
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
import { kafkaTopicsOf, type RoundNames, roundNames } from './round-names.js';
import type { Verification } from './verify/verification.js';
import { verifyLoad } from './verify/verify-load.js';

const BROKER_DROPS =
  'a broker drops what is over its limits (mosquitto: max_queued_messages, max_inflight_messages): ' +
  'raise them, or lower --receive-maximum or --rate';
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

/** Where the connector is to dial, once the generator is open. */
async function opened(generator: ChildProcess, interrupted: AbortSignal): Promise<string> {
  const first = once(generator, 'message', { signal: interrupted });
  const [event] = (await first) as [GeneratorEvent];
  if (event.kind === 'open') return event.mqttEndpoint;
  if (event.kind === 'failed' && event.code === 'ERR_BENCH_BROKER') {
    throw new OperatingError(event.code, event.message);
  }
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
    const onAbort = () => fail('interrupted');
    const settle = () => {
      clearTimeout(timer);
      // The signal outlives the round, and there are many rounds.
      interrupted.removeEventListener('abort', onAbort);
    };
    const fail = (message: string) => {
      settle();
      const tail = connector.errorTail();
      const detail = tail === '' ? '' : `; its last words were:\n${tail}`;
      reject(new OperatingError('ERR_BENCH_RUN', `${message}${detail}`));
    };
    const timer = setTimeout(
      () => fail(`the connector was not ready within ${CONNECT_TIMEOUT_MS / 1000} s`),
      CONNECT_TIMEOUT_MS,
    );
    interrupted.addEventListener('abort', onAbort, { once: true });
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
        settle();
        watch.use().then((use) => resolve({ ...message.report, ...use }), reject);
      }
    });
  });
}

function reasonsToVoid({ load, feed }: GeneratorReport, throughBroker: boolean): string[] {
  const reasons: string[] = [];
  if (load !== undefined) reasons.push(...reasonsOfLoad(load));
  if (feed !== undefined) reasons.push(...reasonsOfFeed(feed, throughBroker));
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
  if (load.notInKafka > 0) {
    reasons.push(`${load.notInKafka} of ${load.sent} messages are not in Kafka; ${BROKER_DROPS}`);
  }
  if (load.refused > 0) reasons.push(`${load.refused} messages refused`);
  if (load.unknownPacketIds > 0) {
    reasons.push(`${load.unknownPacketIds} PUBACKs for packet identifiers that were not in use`);
  }
  return reasons;
}

function reasonsOfFeed(
  { missing, damaged, wrongQos, outOfOrder }: FeedReport,
  throughBroker: boolean,
): string[] {
  const reasons: string[] = [];
  if (damaged > 0) reasons.push(`${damaged} records were not published as they were written`);
  if (wrongQos > 0) {
    reasons.push(`${wrongQos} records were published at another QoS than was asked for`);
  }
  const hint = throughBroker ? `, or not by the broker; ${BROKER_DROPS}` : '';
  if (missing > 0) reasons.push(`${missing} records were not published${hint}`);
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
  /** Hears what the generator tells while the connector runs. */
  readonly onEvent?: (event: GeneratorEvent, connectorPid: number) => void;
  /** Millrace where it is not given. */
  readonly connectorUnderTest?: ConnectorUnderTest;
}

/** Makes the topics that the round needs. */
async function createTopics(
  options: BenchOptions,
  target: KafkaTarget,
  names: RoundNames,
): Promise<void> {
  const recordBytesMax = recordBytesMaxOf(options);
  for (const topic of kafkaTopicsOf(options, names)) {
    const partitions =
      topic === names.feedTopic
        ? (options.partitions ?? PARTITIONS_TO_READ)
        : topic === names.kafkaTopic
          ? options.partitions
          : 1;
    await target.createTopic(topic, { partitions, recordBytesMax });
  }
}

function taskOf(options: BenchOptions, target: KafkaTarget, names: RoundNames): GeneratorTask {
  const { bootstrapServers, embedded } = target;
  const { throughBroker, receiveMaximum, connections } = options;
  const { kafkaTopic, loadRoot, feedRoot, atBroker } = names;
  const feedTarget = { bootstrapServers, embedded, kafkaTopic: names.feedTopic };
  return {
    load: publishes(options)
      ? {
          ...loadOf(options),
          topicRoot: loadRoot,
          throughBroker: atBroker && {
            window: receiveMaximum,
            bootstrapServers,
            embedded,
            kafkaTopic,
            recordBytesMax: recordBytesMaxOf(options),
            readyMqttTopic: atBroker.readyMqttTopic,
            readyKafkaTopic: atBroker.readyKafkaTopic,
          },
        }
      : undefined,
    feed: reads(options) ? { ...feedOf(options, feedTarget), topicRoot: feedRoot } : undefined,
    receiveMaximum,
    connections,
    broker: throughBroker &&
      atBroker && { ...throughBroker, clientIdPrefix: atBroker.clientIdPrefix },
  };
}

/**
 * Runs the load once. Throws when there is nothing to report at all, and where `interrupted` says so.
 * What it made, processes, files and topics, is gone again either way.
 */
export async function runRound(
  options: BenchOptions,
  {
    target,
    interrupted,
    onWarning,
    onProgress = () => {},
    onEvent = () => {},
    connectorUnderTest = MILLRACE,
  }: RoundContext,
): Promise<RoundReport> {
  const names = roundNames(options);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  let generator: ChildProcess | undefined;
  let connector: Program | undefined;
  let stopMs = FAILED_STOP_MS;
  try {
    const { bootstrapServers } = target;
    onProgress({ phase: 'starting', share: 0, messagesPerSecond: undefined });
    await createTopics(options, target, names);
    const task = taskOf(options, target, names);
    generator = forkModule('./generator-main.js', [JSON.stringify(task)]);
    const mqttEndpoint = await opened(generator, interrupted);
    const endpoints = { mqttEndpoint, bootstrapServers, ...names };
    const command = await connectorUnderTest.command(options, endpoints, folder);
    const isMillrace = connectorUnderTest.isMillrace?.(options) ?? false;
    connector = await startProgram(command, { channel: isMillrace });
    interrupted.throwIfAborted();
    const { pid } = connector;
    generator.on('message', (event: GeneratorEvent) => onEvent(event, pid));
    const progress = new ProgressMeter(task, onProgress);
    const measured = await measure(generator, connector, { interrupted, progress });
    if (isMillrace && measured.runtime === undefined) {
      onWarning('the connector did not tell of its garbage collection and event loops in time');
    }
    onProgress({ phase: 'verifying', share: 0, messagesPerSecond: undefined });
    const context = { target, names, isMillrace, interrupted };
    const verified = await verifyLoad(options, measured, context);
    interrupted.throwIfAborted();
    stopMs = STOP_MS;
    const { sent, ...figures } = measured;
    const throughBroker = options.throughBroker !== undefined;
    const voidBecause = [...reasonsToVoid(measured, throughBroker), ...verified.voidBecause];
    return { ...figures, ...verified, voidBecause };
  } finally {
    if (connector !== undefined) await stopProgram(connector, stopMs);
    if (generator !== undefined) await releaseModule(generator);
    await rm(folder, { recursive: true, force: true });
    // Last: a producer that still runs would make a topic again.
    for (const topic of kafkaTopicsOf(options, names)) {
      await target.deleteTopic(topic).catch((error: Error) => onWarning(error.message));
    }
  }
}
