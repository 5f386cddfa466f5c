/* What instruction counts depend on, beside the code. */
import { spawnSync } from 'node:child_process';
import { addon } from '../../src/kafka/addon.js';

/** In words, as programs tell it of themselves. */
export interface Environment {
  readonly architecture: string;
  /** major.minor.patch */
  readonly node: string;
  readonly v8: string;
  readonly gcc: string;
  readonly librdkafka: string;
  readonly valgrind: string;
}

/** A kernel's code is compiled by V8, or by gcc and with librdkafka in it. */
export type KernelSort = 'javascript' | 'addon';

export function environmentHere(): Environment {
  return {
    architecture: process.arch,
    node: process.versions.node,
    v8: process.versions.v8,
    gcc: outputOf('g++', ['-dumpfullversion']),
    librdkafka: addon.librdkafkaVersion,
    valgrind: outputOf('valgrind', ['--version']).replace(/^valgrind-/, ''),
  };
}

function outputOf(file: string, args: readonly string[]): string {
  return spawnSync(file, args, { encoding: 'utf8' }).stdout?.trim() ?? 'none';
}

/** Why counts of that sort cannot be held against those of another environment; undefined: they can. */
export function incomparable(
  sort: KernelSort,
  baseline: Environment,
  here: Environment,
): string | undefined {
  const differs = (name: keyof Environment, digits: number) => {
    const [then, now] = [upTo(baseline[name], digits), upTo(here[name], digits)];
    return then === now ? undefined : `${name} is ${now} here, and was ${then}`;
  };
  const architecture = differs('architecture', 1);
  if (architecture !== undefined) return architecture;
  if (sort === 'javascript') return differs('node', 2);
  return differs('gcc', 1) ?? differs('librdkafka', 3);
}

/** The first numbers of a version. */
function upTo(version: string, count: number): string {
  return version.split('.').slice(0, count).join('.');
}

/** What differs, whether it matters or not; one line each. */
export function differences(baseline: Environment, here: Environment): string[] {
  return (Object.keys(here) as (keyof Environment)[])
    .filter((name) => baseline[name] !== here[name])
    .map((name) => `${name} is ${here[name]} here, and was ${baseline[name]}`);
}
