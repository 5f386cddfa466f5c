/* What a round puts under load: Millrace, or another bridge that does the same work. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchEndpoints, connectorYaml } from './connector-resources.js';
import type { BenchOptions } from './options.js';

export interface ConnectorUnderTest {
  readonly name: string;
  /**
   * Program and arguments of one process that is the bridge itself: its CPU time and its memory are what is
   * reported. May write what it needs to `folder`, which is gone after the round.
   */
  command(
    options: BenchOptions,
    endpoints: BenchEndpoints,
    folder: string,
  ): Promise<readonly string[]>;
  /** Whether it is Millrace of this checkout: it loads the bench's probe, which tells of garbage collection
   * and event loops, and the headers of its records are known. */
  isMillrace?(options: BenchOptions): boolean;
}

/** Millrace of this checkout, or the program of `options.connector` with the same arguments. */
export const MILLRACE: ConnectorUnderTest = {
  name: 'Millrace',
  async command(options, endpoints, folder) {
    const main = fileURLToPath(new URL('../main.js', import.meta.url));
    const probe = new URL('./probe/probe-main.js', import.meta.url).href;
    const program = options.connector ?? [process.execPath, '--import', probe, main, 'run'];
    const file = join(folder, 'bench.yaml');
    await writeFile(file, connectorYaml(options, endpoints));
    const dataDir = join(folder, 'data');
    return [...program, '-f', file, '--admin-address', '127.0.0.1:0', '--data-dir', dataDir];
  },
  isMillrace: (options) => options.connector === undefined,
};
