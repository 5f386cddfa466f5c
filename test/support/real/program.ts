import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

/* Other people's programs as promises. Each has a deadline, so that a server that hangs fails its
 * test and nothing else, and a failure carries what the program said.
 */

export interface RunOptions {
  readonly input?: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
  readonly deadlineMs?: number;
  /** Each line of standard output without its end; the bytes may be used until the callback returns. */
  readonly onLine?: (line: Buffer) => void;
  readonly env?: Readonly<Record<string, string>>;
}

const DEADLINE_MS = 180_000;
const STDERR_CHARS_MAX = 20_000;
const CHUNK_CHARS = 65_536;
const NEWLINE = 0x0a;

/** Runs a program to its end: its standard output, or nothing where `onLine` takes it. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, deadlineMs);
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve(late ? `no end after ${deadlineMs} ms` : code === 0 ? '' : `${code ?? signal}`),
    );
  });
  const errors = tail(child.stderr);
  const chunks: Buffer[] = [];
  if (options.onLine) eachLine(child.stdout, options.onLine);
  else child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  try {
    // Both are awaited: a program that ends early breaks the pipe, and its own words say why.
    const [failure] = await Promise.all([ended, feed(child.stdin, options.input ?? [])]);
    if (failure !== '') {
      throw new Error(`${command} ${args.join(' ')}: ${failure}\n${errors()}`);
    }
    return Buffer.concat(chunks).toString();
  } finally {
    clearTimeout(timer);
  }
}

/** Runs one of the scripts in test/real/servers; `this` process owns what it starts. */
export function runServerScript(name: string, args: readonly string[]): Promise<string> {
  const servers = new URL('../../../../test/real/servers/', import.meta.url);
  return runProgram(fileURLToPath(new URL(name, servers)), args);
}

/** Calls `onLine` for each line, also for lines that are longer than a chunk by far. */
export function eachLine(stream: Readable, onLine: (line: Buffer) => void): void {
  let partial: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const piece = chunk.subarray(from, end);
      if (partial.length === 0) onLine(piece);
      else onLine(Buffer.concat([...partial, piece]));
      partial = [];
      from = end + 1;
    }
    if (from < chunk.length) partial.push(chunk.subarray(from));
  });
  stream.on('end', () => {
    if (partial.length > 0) onLine(Buffer.concat(partial));
  });
}

/** Keeps the end of what a stream says. */
export function tail(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-STDERR_CHARS_MAX);
  });
  return () => text;
}

async function feed(stdin: Writable, input: NonNullable<RunOptions['input']>): Promise<void> {
  try {
    await pipeline(input, stdin);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** Many lines a chunk: a write for each line is what would take the time. */
export function* withNewlines(
  lines: Iterable<string | Uint8Array>,
): Generator<string | Uint8Array> {
  let chunk = '';
  for (const line of lines) {
    if (typeof line === 'string') {
      chunk += `${line}\n`;
      if (chunk.length < CHUNK_CHARS) continue;
      yield chunk;
      chunk = '';
    } else {
      yield chunk;
      yield line;
      chunk = '\n';
    }
  }
  yield chunk;
}
