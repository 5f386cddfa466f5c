/* `millrace dead-letters list|show|replay`: look at what could not be delivered, and send it again. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { OperatingError, UsageError } from '../base/errors.js';
import { mapAtOnce } from '../base/map-at-once.js';
import { loadModel } from '../config/load-model.js';
import type { Connector, KafkaConnection } from '../config/model.js';
import { type Disk, nodeDisk } from '../dead-letter/disk.js';
import { findLetter, findLetters, openLetter, summarize } from '../dead-letter/reader.js';
import { type LetterPublisher, type RecordSender, replayLetters } from '../dead-letter/replay.js';
import {
  escapeText,
  letterJson,
  letterTable,
  letterText,
  payloadText,
  terminalJson,
} from '../dead-letter/text.js';
import { openRecordSender } from '../kafka/record-sender.js';
import { dataDir } from './data-dir.js';
import { openLetterPublisher } from './letter-publisher.js';
import { positiveNumber } from './numbers.js';
import { usableModel } from './usable-model.js';

/** How much of a payload `show` shows. */
const payloadShownBytes = 4096;

/** Node's thread pool has four threads; a few more keep them busy. */
const readAtOnce = 8;

/** What the commands need of the world around them. */
export interface DeadLettersContext {
  readonly disk: Disk;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly loadConnectors: (paths: readonly string[]) => Promise<readonly Connector[]>;
  readonly openSender: (kafka: KafkaConnection, timeoutMs: number) => Promise<RecordSender>;
  readonly openPublisher: (connector: Connector, timeoutMs: number) => Promise<LetterPublisher>;
}

const processContext: DeadLettersContext = {
  disk: nodeDisk,
  stdout: process.stdout,
  stderr: process.stderr,
  loadConnectors: loadConnectorsOf,
  openSender: openRecordSender,
  openPublisher: openLetterPublisher,
};

export interface ListOptions {
  readonly dataDir: string;
  readonly json: boolean;
}

export interface ShowOptions {
  readonly dataDir: string;
  readonly raw: boolean;
}

export interface ReplayCommandOptions {
  readonly dataDir: string;
  readonly file: readonly string[];
  readonly all: boolean;
  readonly keep: boolean;
  readonly kafkaTopic?: string;
  readonly mqttTopic?: string;
  readonly timeout: number;
}

/** Adds `dead-letters` with its three commands to the program. */
export function registerDeadLetters(program: Command, context = processContext): void {
  const command = program
    .command('dead-letters')
    .description('look at messages that could not be delivered, and send them again');
  command
    .command('list')
    .description('list dead letters, oldest first')
    .requiredOption('--data-dir <dir>', 'data folder of the connector', dataDir)
    .option('--json', 'for programs', false)
    .action((options: ListOptions) => listLetters(options, context));
  command
    .command('show <id>')
    .description('show one dead letter')
    .requiredOption('--data-dir <dir>', 'data folder of the connector', dataDir)
    .option('--raw', 'write the payload, and nothing else, to standard output', false)
    .action((id: string, options: ShowOptions) => showLetter(id, options, context));
  command
    .command('replay [ids...]')
    .description(
      'send dead letters again to where they were on their way: each is removed once Kafka, or the MQTT ' +
        'broker, has it',
    )
    .requiredOption('--data-dir <dir>', 'data folder of the connector', dataDir)
    .requiredOption(
      '-f, --file <paths...>',
      'resources that say where Kafka and the MQTT broker are',
    )
    .option('--all', 'every dead letter', false)
    .option('--keep', 'do not remove what was sent', false)
    .option(
      '--kafka-topic <name>',
      "send those for Kafka to this topic instead of the letter's own",
    )
    .option(
      '--mqtt-topic <name>',
      "publish those for MQTT to this topic instead of the letter's own",
    )
    .option(
      '--timeout <seconds>',
      'how long the other side may take for a letter',
      positiveNumber(86_400),
      30,
    )
    .action((ids: string[], options: ReplayCommandOptions) => replay(ids, options, context));
}

/** Prints a line for each letter, or a JSON array. A UsageError for a folder that no connector used. */
export async function listLetters(
  { dataDir, json }: ListOptions,
  { disk, stdout }: DeadLettersContext,
): Promise<void> {
  const refs = await findLetters(disk, dataDir);
  const found = await mapAtOnce(refs, readAtOnce, (ref) => summarize(disk, ref));
  const letters = found.filter((letter) => letter !== undefined);
  if (json) stdout.write(`${terminalJson(letters.map(letterJson))}\n`);
  else if (letters.length === 0) stdout.write('no dead letters\n');
  else stdout.write(letterTable(letters));
}

/**
 * Prints one letter with the first 4096 bytes of its payload, or with `raw` the payload alone. Rejects
 * with `ERR_DEAD_LETTER_ID` for an unknown one, with `ERR_DEAD_LETTER_DAMAGED` for a damaged one.
 */
export async function showLetter(
  id: string,
  { dataDir, raw }: ShowOptions,
  { disk, stdout }: DeadLettersContext,
): Promise<void> {
  const letter = await openLetter(disk, await findLetter(disk, dataDir, id));
  try {
    if (raw) {
      await pipeline(Readable.from(letter.payload()), stdout, { end: false }).catch(ignoreClosed);
      return;
    }
    const head = new Uint8Array(Math.min(payloadShownBytes, letter.payloadBytes));
    let read = 0;
    // To the end, although only the head is shown: the checksum is known there.
    for await (const chunk of letter.payload()) {
      if (read < head.byteLength) head.set(chunk.subarray(0, head.byteLength - read), read);
      read += chunk.byteLength;
    }
    stdout.write(`${letterText(letter)}\n${payloadText(head, letter.payloadBytes)}`);
  } finally {
    await letter.close();
  }
}

/**
 * Sends the letters to Kafka, oldest first, and removes each that Kafka has. Rejects with
 * `ERR_DEAD_LETTER_REPLAY` after all were tried where some could not be sent.
 */
export async function replay(
  ids: readonly string[],
  options: ReplayCommandOptions,
  { disk, stdout, stderr, loadConnectors, openSender, openPublisher }: DeadLettersContext,
): Promise<void> {
  const { dataDir, all, keep, kafkaTopic, mqttTopic } = options;
  const timeoutMs = options.timeout * 1000;
  if (all === ids.length > 0) throw new UsageError('name dead letters, or give --all');
  const connectors = await loadConnectors(options.file);
  const connectorOf = (name: string) => {
    const connector = connectors.find((other) => other.name === name);
    if (connector === undefined) throw unknownConnector(name);
    return connector;
  };
  const letters = all
    ? await findLetters(disk, dataDir)
    : await Promise.all([...new Set(ids)].sort().map((id) => findLetter(disk, dataDir, id)));
  const { failed } = await replayLetters({
    disk,
    letters,
    kafkaTopic,
    mqttTopic,
    keep,
    openSender: async (name) => openSender(connectorOf(name).kafka, timeoutMs),
    openPublisher: async (name) => openPublisher(connectorOf(name), timeoutMs),
    report: ({ id, outcome }) => {
      if ('failed' in outcome) stderr.write(`failed ${id}: ${escapeText(outcome.failed)}\n`);
      else stdout.write(`sent ${id} to ${escapeText(outcome.sentTo)}\n`);
    },
  });
  stdout.write(`${letters.length - failed} of ${letters.length} dead letters sent\n`);
  if (failed === 0) return;
  throw new OperatingError('ERR_DEAD_LETTER_REPLAY', `${failed} dead letters were not sent`);
}

async function loadConnectorsOf(paths: readonly string[]): Promise<readonly Connector[]> {
  // No field that depends on the instance matters here.
  const loaded = await loadModel(paths, { instanceId: 0, stdin: process.stdin });
  return usableModel(loaded, process.stderr).connectors;
}

function unknownConnector(name: string): OperatingError {
  return new OperatingError(
    'ERR_DEAD_LETTER_REPLAY',
    `the configuration has no KafkaConnector ${JSON.stringify(name)}`,
  );
}

/** Whoever reads the pipe may have had enough. */
function ignoreClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
