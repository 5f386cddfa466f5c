import { runProgram, withNewlines } from './program.js';

/* Kafka seen through kcat, which shares no code with us. Its JSON envelope holds keys, values and
 * headers as raw bytes in which only quotes, backslashes and control characters are escaped. Read as
 * Latin-1, a character a byte, it is valid JSON and gives every byte back; as UTF-8 it would not.
 */

export interface KafkaRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In order, repeated names included. */
  readonly headers: ReadonlyArray<readonly [name: string, value: Buffer | null]>;
}

export interface ReadOptions {
  /** One partition instead of all. */
  readonly partition?: number;
  /** librdkafka's properties. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

export interface ProduceOptions {
  /** Splits each line into key and value. */
  readonly keyDelimiter?: string;
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>;
  readonly partition?: number;
  /** Makes null of an empty key or value. */
  readonly emptyIsNull?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
}

/** What kcat writes with -J; absent where it has nothing to say. */
interface Envelope {
  readonly partition: number;
  readonly offset: number;
  readonly ts?: number;
  readonly headers?: ReadonlyArray<string | null>;
  readonly key: string | null;
  readonly payload: string | null;
}

/** Reads a whole topic from its beginning to its present end; in order within each partition. */
export async function readTopic(
  bootstrap: string,
  topic: string,
  options: ReadOptions = {},
): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  await readEach(bootstrap, topic, { ...options, onRecord: (record) => records.push(record) });
  return records;
}

/** As `readTopic`, for more than one wants to keep in memory. */
export async function readEach(
  bootstrap: string,
  topic: string,
  options: ReadOptions & { readonly onRecord: (record: KafkaRecord) => void },
): Promise<void> {
  const args = ['-b', bootstrap, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-J'];
  if (options.partition !== undefined) args.push('-p', `${options.partition}`);
  args.push(...settingArgs({ 'check.crcs': 'true', ...options.settings }));
  await runProgram('kcat', args, {
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: options.deadlineMs }),
    onLine: (line) => {
      if (line.length > 0) options.onRecord(parseRecord(line));
    },
  });
}

/** Produces one record a line and returns when Kafka has acknowledged them all. */
export async function produceLines(
  bootstrap: string,
  topic: string,
  options: ProduceOptions & { readonly lines: Iterable<string | Uint8Array> },
): Promise<void> {
  const args = ['-b', bootstrap, '-P', '-t', topic];
  if (options.keyDelimiter !== undefined) args.push('-K', options.keyDelimiter);
  if (options.partition !== undefined) args.push('-p', `${options.partition}`);
  if (options.emptyIsNull) args.push('-Z');
  for (const [name, value] of options.headers ?? []) args.push('-H', `${name}=${value}`);
  args.push(...settingArgs({ acks: 'all', ...options.settings }));
  await runProgram('kcat', args, { input: withNewlines(options.lines) });
}

function parseRecord(line: Buffer): KafkaRecord {
  const envelope: Envelope = JSON.parse(line.toString('latin1'));
  const words = envelope.headers ?? [];
  const headers: Array<readonly [string, Buffer | null]> = [];
  for (let i = 0; i + 1 < words.length; i += 2) {
    headers.push([bytes(words[i] ?? '')?.toString() ?? '', bytes(words[i + 1] ?? null)]);
  }
  return {
    partition: envelope.partition,
    offset: envelope.offset,
    timestampMs: envelope.ts ?? -1,
    key: bytes(envelope.key),
    value: bytes(envelope.payload),
    headers,
  };
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'latin1');
}

function settingArgs(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => ['-X', `${key}=${value}`]);
}
