import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { eachLine, runProgram, tail, withNewlines } from './program.js';

/* MQTT 5 seen through mosquitto_pub and mosquitto_sub, which share no code with us. */

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** As mosquitto_pub's -D publish: `['content-type', 'text/plain']`, `['user-property', 'k', 'v']`. */
export type PublishProperty = readonly [identifier: string, ...values: string[]];

export interface PublishOptions {
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly clientId?: string;
  readonly properties?: readonly PublishProperty[];
}

export interface MqttMessage {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly payload: Buffer;
  /** In order, repeated names included. */
  readonly userProperties: ReadonlyArray<readonly [name: string, value: string]>;
  /** By mosquitto's names: content-type, response-topic, correlation-data, ... */
  readonly properties: Readonly<Record<string, string | number>>;
}

export interface SubscribeOptions {
  readonly filters: readonly string[];
  readonly qos?: 0 | 1 | 2;
  readonly clientId?: string;
  /** Keeps the session this long; then Clean Start is 0, else 1. */
  readonly sessionExpirySeconds?: number;
  readonly deadlineMs?: number;
}

export interface Subscriber {
  readonly messages: readonly MqttMessage[];
  /** Resolves when `count` messages are there; rejects when mosquitto_sub ends before. */
  received(count: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ReaderOptions {
  readonly filter: string;
  readonly clientId: string;
  /** What it prints of a message, as mosquitto_sub's -F; a line of it must have no newline. */
  readonly format: string;
  /** The bytes may be used until the callback returns. */
  readonly onLine: (line: Buffer) => void;
}

/** A mosquitto_sub for more messages than one wants to keep. */
export interface Reader {
  /** What went wrong; undefined while nothing did. */
  readonly failure: Error | undefined;
  stop(): Promise<void>;
}

interface Printed {
  readonly topic: string;
  readonly qos: number;
  readonly retain: number;
  readonly properties?: Record<string, string | number>;
}

/* mosquitto_pub -l reads all of its input at once, whatever the broker has acknowledged. With more
 * than 65,535 messages its packet identifiers wrap, it loses the difference and exits with 0. */
const LINES_MAX = 20_000;
const DEADLINE_MS = 180_000;
const STOP_MS = 2000;
const READER_SESSION_SECONDS = 3600;
const READER_RECEIVE_MAXIMUM = 1000;
const MARK = 'millrace ';
const STRING = '"((?:[^"\\\\]|\\\\.)*)"';
const USER_PROPERTIES = new RegExp(`"user-properties":\\{((?:${STRING}:${STRING},?)*)\\}`);

/** Publishes one message a line, in order; returns when the broker has acknowledged them (QoS > 0). */
export async function publishLines(
  server: Address,
  topic: string,
  options: PublishOptions & { readonly lines: Iterable<string> },
): Promise<void> {
  const args = [...publishArgs(server, topic, options), '-l'];
  let lines: string[] = [];
  for (const line of options.lines) {
    if (lines.push(line) < LINES_MAX) continue;
    await runProgram('mosquitto_pub', args, { input: withNewlines(lines) });
    lines = [];
  }
  if (lines.length > 0) await runProgram('mosquitto_pub', args, { input: withNewlines(lines) });
}

/** Publishes one message, of any bytes. */
export async function publishPayload(
  server: Address,
  topic: string,
  options: PublishOptions & { readonly payload: Uint8Array | string },
): Promise<void> {
  const empty = options.payload.length === 0;
  const args = [...publishArgs(server, topic, options), empty ? '-n' : '-s'];
  await runProgram('mosquitto_pub', args, { input: empty ? [] : [options.payload] });
}

/** Subscribes; returns when the broker has acknowledged the subscriptions. */
export async function subscribe(server: Address, options: SubscribeOptions): Promise<Subscriber> {
  // By itself it keeps what it prints to a pipe until 4 KiB are together.
  const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...subscribeArgs(server, options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return follow(child, options.deadlineMs ?? DEADLINE_MS);
}

/**
 * Reads at QoS 1 whatever is published from when it returns: the session is there before its reader, so
 * that the broker drops nothing.
 */
export async function startReader(server: Address, options: ReaderOptions): Promise<Reader> {
  const { filter, clientId, format } = options;
  const args = ['-V', '5', '-h', server.host, '-p', `${server.port}`, '-i', clientId, '-q', '1'];
  args.push('-c', '-x', `${READER_SESSION_SECONDS}`, '-t', filter);
  args.push('-D', 'connect', 'receive-maximum', `${READER_RECEIVE_MAXIMUM}`);
  await runProgram('mosquitto_sub', [...args, '-E']);
  const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...args, '-F', format], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors = tail(child.stderr);
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = error;
    });
    child.once('close', (code, signal) => {
      failure ??= new Error(`mosquitto_sub ended with ${code ?? signal}\n${errors()}`);
      resolve();
    });
  });
  eachLine(child.stdout, options.onLine);
  return {
    get failure() {
      return failure;
    },
    stop: () => stopSubscriber(child, ended),
  };
}

/** A SIGTERM that arrives while mosquitto_sub handles a packet is lost now and then. */
async function stopSubscriber(
  child: ChildProcessByStdio<null, Readable, Readable>,
  ended: Promise<void>,
): Promise<void> {
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(insist);
}

async function follow(
  child: ChildProcessByStdio<null, Readable, Readable>,
  deadlineMs: number,
): Promise<Subscriber> {
  const messages: MqttMessage[] = [];
  const errors = tail(child.stderr);
  let subscribed = false;
  let failure: Error | undefined;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      if (failure) throw failure;
      await new Promise<void>((resolve) => waiting.add(resolve));
    }
  };
  const fail = (what: string): void => {
    failure ??= new Error(`mosquitto_sub: ${what}; ${messages.length} received\n${errors()}`);
    wake();
  };
  const timer = setTimeout(() => {
    fail(`not done after ${deadlineMs} ms`);
    child.kill('SIGKILL');
  }, deadlineMs);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      fail(`ended with ${code ?? signal}`);
      resolve();
    });
  });
  eachLine(child.stdout, (line) => {
    const text = line.toString('latin1');
    if (text.startsWith(MARK)) messages.push(parseMessage(text.slice(MARK.length)));
    else if (text.includes('received SUBACK')) subscribed = true;
    else return;
    wake();
  });
  await until(() => subscribed);
  return {
    messages,
    received: (count) => until(() => messages.length >= count),
    stop: () => stopSubscriber(child, ended),
  };
}

function publishArgs(server: Address, topic: string, options: PublishOptions): string[] {
  const args = ['-V', '5', '-h', server.host, '-p', `${server.port}`, '-t', topic];
  args.push('-q', `${options.qos ?? 1}`);
  if (options.retain) args.push('-r');
  if (options.clientId !== undefined) args.push('-i', options.clientId);
  for (const property of options.properties ?? []) args.push('-D', 'publish', ...property);
  return args;
}

function subscribeArgs(server: Address, options: SubscribeOptions): string[] {
  // -d prints the SUBACK, and no option prints it alone. The payload comes in hexadecimal, because
  // the JSON has it up to its first NUL only.
  const args = ['-V', '5', '-h', server.host, '-p', `${server.port}`, '-d', '-F', `${MARK}%x %j`];
  args.push('-q', `${options.qos ?? 1}`);
  for (const filter of options.filters) args.push('-t', filter);
  if (options.clientId !== undefined) args.push('-i', options.clientId);
  if (options.sessionExpirySeconds !== undefined) {
    args.push('-c', '-x', `${options.sessionExpirySeconds}`);
  }
  return args;
}

/** Hexadecimal payload, blank, JSON; in Latin-1, a character a byte, as in kcat.ts. */
function parseMessage(line: string): MqttMessage {
  const blank = line.indexOf(' ');
  const text = line.slice(blank + 1);
  const printed: Printed = JSON.parse(text);
  const { 'user-properties': _, ...properties } = printed.properties ?? {};
  // Printed as an object, in which JSON.parse keeps only the last of a repeated name.
  const pairs = USER_PROPERTIES.exec(text)?.[1] ?? '';
  return {
    topic: utf8(printed.topic),
    qos: printed.qos,
    retain: printed.retain !== 0,
    payload: Buffer.from(line.slice(0, blank), 'hex'),
    userProperties: [...pairs.matchAll(new RegExp(`${STRING}:${STRING}`, 'g'))].map(
      ([, name, value]) => [utf8(JSON.parse(`"${name}"`)), utf8(JSON.parse(`"${value}"`))] as const,
    ),
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [
        name,
        typeof value === 'string' ? utf8(value) : value,
      ]),
    ),
  };
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString();
}
