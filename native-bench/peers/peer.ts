/* Another bridge that is put under the same load as Millrace. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '../../src/base/errors.js';
import type { ConnectorUnderTest } from '../../src/bench/connector-under-test.js';
import type { BenchOptions } from '../../src/bench/options.js';

export interface Peer extends ConnectorUnderTest {
  /** Builds it from published packages; quick where nothing has changed. Rejects with what is missing. */
  build(): Promise<void>;
  /** Why it cannot do that work; undefined: it can. */
  unable(options: BenchOptions): string | undefined;
  /** What a reader must know to compare it; the first says when it acknowledges. */
  readonly caveats: readonly string[];
}

/** More than topic, key and headers add to a payload. */
export const RECORD_ROOM_BYTES = 65_536;

/** The folder of a peer's sources; compiled files lie in dist/. */
export function sourceFolder(name: string): string {
  return fileURLToPath(new URL(`../../../native-bench/peers/${name}`, import.meta.url));
}

/** Where a peer is built, which is made. */
export async function buildFolder(name: string): Promise<string> {
  const folder = fileURLToPath(new URL(`../../peers/${name}`, import.meta.url));
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Runs a build tool to its end; what it says goes to standard error. */
export async function runTool(tool: string, args: readonly string[], hint: string): Promise<void> {
  const child = spawn(tool, args, { stdio: ['ignore', process.stderr, process.stderr] });
  const exited = once(child, 'exit');
  exited.catch(() => undefined);
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new OperatingError('ERR_PEER_TOOL', `${tool} is missing: ${hint}`, { cause });
  }
  const [code] = (await exited) as [number | null];
  if (code === 0) return;
  throw new OperatingError('ERR_PEER_BUILD', `${tool} ${args.join(' ')} failed (see above)`);
}
