/* `millrace demo`: everything in one process, for a newcomer. */
import { basename, relative } from 'node:path';
import { wantsColor } from '../config/report.js';
import { type DemoOptions, runDemo } from '../demo/demo.js';
import { demoYaml, OWN_ENDPOINTS } from '../demo/resources.js';
import { describe, isConsistent } from '../demo/summary.js';
import type { Terminal } from '../demo/view.js';
import { stopSignal } from './stop-signal.js';
import { millraceVersion } from './version.js';

export interface DemoCommandOptions {
  readonly seconds?: number | undefined;
  readonly rate: number;
  readonly printConfig: boolean;
}

/** `tamper` is for tests. 0 when every message that was published was acknowledged and read back from Kafka, else 1. */
export async function demoCommand(
  { seconds, rate, printConfig }: DemoCommandOptions,
  output: Terminal,
  tamper?: DemoOptions['tamper'],
): Promise<number> {
  if (printConfig) {
    output.write(demoYaml(OWN_ENDPOINTS));
    return 0;
  }
  const report = await runDemo({
    seconds,
    messagesPerSecond: rate,
    interrupted: stopSignal(),
    output,
    color: wantsColor(output, process.env),
    version: millraceVersion(),
    command: callOf(process.argv[1] ?? 'millrace'),
    ...(tamper === undefined ? {} : { tamper }),
  });
  output.write(describe(report));
  return isConsistent(report) ? 0 : 1;
}

/** How the user can call Millrace again: as a command where it is installed as one. */
function callOf(script: string): string {
  return basename(script) === 'millrace' ? 'millrace' : `node ${relative('', script)}`;
}
