/* `millrace doctor`: what would work of a configuration, by trying it. */
import type { Readable } from 'node:stream';
import { systemClock } from '../base/clock.js';
import { loadApart } from '../config/load-apart.js';
import { type Output, wantsColor } from '../config/report.js';
import { examine } from '../doctor/doctor.js';
import { inspectApart } from '../doctor/inspect-apart.js';
import type { TokenAsker } from '../doctor/kafka-secrets.js';
import { countSteps, reportJson, type Step, stepLine, summaryLine } from '../doctor/report.js';
import { openTokenSource } from '../identity/token-source.js';
import type { DoctorCommandOptions } from './doctor-options.js';
import { usableModel } from './usable-model.js';

export interface DoctorStreams {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
}

const EXIT_WORKS = 0;
const EXIT_FAILS = 1;

/**
 * Prints each step as soon as it is over, or all of them as JSON at the end. Resolves with the exit code;
 * rejects with a UsageError where the configuration is wrong.
 */
export async function doctorCommand(
  options: DoctorCommandOptions,
  { stdin, stdout, stderr }: DoctorStreams,
): Promise<number> {
  const { file, secretsDir, configMapsDir, serviceAccountTokenFile, instanceId } = options;
  const given = { secretsDir, configMapsDir, serviceAccountTokenFile, instanceId };
  const loaded = await loadApart({ paths: file, options: given }, stdin);
  const model = usableModel(loaded, stderr);
  const color = wantsColor(stdout, process.env);
  let shown: string | undefined;
  const show = (step: Step) => {
    if (step.connector !== shown) stdout.write(`${step.connector}\n`);
    shown = step.connector;
    stdout.write(stepLine(step, color));
  };
  const steps = await examine({
    model,
    secrets: loaded.secrets,
    timeoutMs: Math.ceil(options.timeout * 1000),
    clock: systemClock,
    askToken,
    inspect: inspectApart,
    onStep: options.json ? () => {} : show,
  });
  stdout.write(options.json ? reportJson(steps) : summaryLine(steps));
  return countSteps(steps).failed === 0 ? EXIT_WORKS : EXIT_FAILS;
}

const askToken: TokenAsker = async (audience, signal) => {
  const source = openTokenSource({ audience, environment: process.env, clock: systemClock });
  return (await source.issue(signal)).token;
};
