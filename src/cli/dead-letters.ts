/* `millrace dead-letters list|show|replay`: look at what could not be delivered, and send it again. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '../base/clock.js';
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
import { openTokenSource } from '../identity/token-source.js';
import { openRecordSender } from '../kafka/record-sender.js';
import {
  type KafkaCredentials,
  readKafkaCredentials,
  withAccessToken,
} from '../secrets/kafka-credentials.js';
import type { Sealed } from '../secrets/sealed.js';
import type { SecretSource } from '../secrets/secret-source.js';
import type { ListOptions, ReplayCommandOptions, ShowOptions } from './dead-letters-options.js';
import { openLetterPublisher } from './letter-publisher.js';
import { usableModel } from './usable-model.js';

/** How much of a payload `show` shows. */
const payloadShownBytes = 4096;

/** Node's thread pool has four threads; a few more keep them busy. */
const readAtOnce = 8;

type ConfigurationOptions = Pick<
  ReplayCommandOptions,
  'file' | 'secretsDir' | 'configMapsDir' | 'serviceAccountTokenFile'
>;

interface Loaded {
  readonly connectors: readonly Connector[];
  readonly secrets: SecretSource;
}

/** What the commands need of the world around them. */
export interface DeadLettersContext {
  readonly disk: Disk;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly loadConnectors: (options: ConfigurationOptions) => Promise<Loaded>;
  readonly openSender: (
    kafka: KafkaConnection,
    secrets: SecretSource,
    timeoutMs: number,
  ) => Promise<RecordSender>;
  readonly openPublisher: (
    connector: Connector,
    secrets: SecretSource,
    timeoutMs: number,
  ) => Promise<LetterPublisher>;
}

/** The process, its files, and what the configuration names. */
export const processContext: DeadLettersContext = {
  disk: nodeDisk,
  stdout: process.stdout,
  stderr: process.stderr,
  loadConnectors: loadConnectorsOf,
  openSender: openSenderTo,
  openPublisher: openLetterPublisher,
};

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
  const { connectors, secrets } = await loadConnectors(options);
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
    openSender: async (name) => openSender(connectorOf(name).kafka, secrets, timeoutMs),
    openPublisher: async (name) => openPublisher(connectorOf(name), secrets, timeoutMs),
    report: ({ id, outcome }) => {
      if ('failed' in outcome) stderr.write(`failed ${id}: ${escapeText(outcome.failed)}\n`);
      else stdout.write(`sent ${id} to ${escapeText(outcome.sentTo)}\n`);
    },
  });
  stdout.write(`${letters.length - failed} of ${letters.length} dead letters sent\n`);
  if (failed === 0) return;
  throw new OperatingError('ERR_DEAD_LETTER_REPLAY', `${failed} dead letters were not sent`);
}

async function loadConnectorsOf(options: ConfigurationOptions): Promise<Loaded> {
  const { file, secretsDir, configMapsDir, serviceAccountTokenFile } = options;
  // No field that depends on the instance matters here.
  const loaded = await loadModel(file, {
    secretsDir,
    configMapsDir,
    serviceAccountTokenFile,
    instanceId: 0,
    stdin: process.stdin,
  });
  return {
    connectors: usableModel(loaded, process.stderr).connectors,
    secrets: loaded.secrets,
  };
}

async function openSenderTo(
  kafka: KafkaConnection,
  secrets: SecretSource,
  timeoutMs: number,
): Promise<RecordSender> {
  const kafkaCredentials = await accessOf(kafka, await readKafkaCredentials(kafka, secrets));
  return openRecordSender({ kafka, kafkaCredentials }, timeoutMs);
}

/** With an access token, where the connection needs one. It is not renewed: it lives for an hour at least. */
async function accessOf(
  { authentication }: KafkaConnection,
  credentials: Sealed<KafkaCredentials>,
): Promise<Sealed<KafkaCredentials>> {
  if (authentication.kind !== 'systemAssignedManagedIdentity') return credentials;
  const { audience } = authentication;
  const source = openTokenSource({ audience, environment: process.env, clock: systemClock });
  const { token } = await source.issue(new AbortController().signal);
  return withAccessToken(credentials, token);
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
