/* `millrace bench`: one run of the load benchmark, and what becomes of its result. */
import { constants, existsSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../base/errors.js';
import { type BenchReport, runBench } from '../bench/bench.js';
import { resultOf } from '../bench/report/result.js';
import { describeBench, describeRound } from '../bench/report/text.js';
import { benchInterruption } from './bench-interruption.js';
import type { BenchCommandOptions } from './bench-options.js';
import { BenchProgress } from './bench-progress.js';
import { showsColour } from './colour.js';
import { millraceVersion } from './version.js';

/** Runs the bench and prints it; 0 when every message was acknowledged and is in Kafka as sent, else 1. */
export async function benchCommand({
  json,
  html,
  ...options
}: BenchCommandOptions): Promise<number> {
  if (html !== undefined) await requireWritable(html);
  const progress = new BenchProgress(process.stderr, options.repeat);
  let report: BenchReport;
  try {
    report = await runBench(
      options,
      (round, number) => progress.print(describeRound(round, number)),
      {
        interrupted: benchInterruption(),
        onWarning: (text) => progress.print(`millrace: ${text}`),
        onProgress: (now, number) => progress.update(now, number),
      },
    );
  } finally {
    progress.stop();
  }
  const result = resultOf(report, millraceVersion());
  console.log(json ? JSON.stringify(result, undefined, 2) : describeBench(report, showsColour()));
  if (html !== undefined) {
    const { htmlPage } = await import('../bench/report/html/page.js');
    await writeFile(html, htmlPage(result));
    console.error(`millrace: charts are in ${html}`);
  }
  return result.valid ? 0 : 1;
}

/** Before minutes are spent on what cannot be kept. */
async function requireWritable(file: string): Promise<void> {
  const folder = dirname(resolve(file));
  try {
    await access(existsSync(file) ? file : folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(`--html: ${file} cannot be written: ${(error as Error).message}`);
  }
}
