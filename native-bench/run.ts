/* Runs the three programs in turn, several times, against one broker, and prints medians and ratios:
 *   node dist/native-bench/run.js [--brokers B] [--messages N] [--rounds N] [--json]
 */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { openKafka } from '../src/bench/kafka-target.js';
import type { Spread } from '../src/bench/report/spread.js';
import { spreadOf } from '../src/bench/report/spread.js';
import type { Result } from './workload.js';

const run = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const PLAIN_C = here('./produce');

const PROGRAMS = {
  'plain C': [PLAIN_C],
  addon: [process.execPath, here('./addon.js')],
  'node-rdkafka': [process.execPath, here('./node-rdkafka.js')],
} as const;
type Program = keyof typeof PROGRAMS;
const NAMES = Object.keys(PROGRAMS) as Program[];

const VARIANTS = [
  { lingerMs: 0, headers: 0 },
  { lingerMs: 0, headers: 2 },
  { lingerMs: 5, headers: 0 },
  { lingerMs: 5, headers: 2 },
] as const;
type Variant = (typeof VARIANTS)[number];

interface Row {
  readonly variant: Variant;
  readonly cpuUsPerMessage: Readonly<Record<Program, Spread>>;
  readonly messagesPerSecond: Readonly<Record<Program, Spread>>;
}

interface Settings {
  readonly brokers: string;
  readonly messages: number;
  readonly rounds: number;
}

async function runOnce(name: Program, variant: Variant, settings: Settings): Promise<Result> {
  const [file, ...first] = PROGRAMS[name];
  const args = {
    brokers: settings.brokers,
    topic: `native-bench-${randomUUID()}`,
    'linger-ms': variant.lingerMs,
    headers: variant.headers,
    messages: settings.messages,
    warmup: Math.ceil(settings.messages / 10),
  };
  const flags = Object.entries(args).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  const { stdout } = await run(file, [...first, ...flags]);
  return JSON.parse(stdout) as Result;
}

/** Programs take turns, so that a machine that grows slower treats all of them alike. */
async function runVariant(variant: Variant, settings: Settings): Promise<Row> {
  const results: Record<Program, Result[]> = { 'plain C': [], addon: [], 'node-rdkafka': [] };
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const name of NAMES) results[name].push(await runOnce(name, variant, settings));
  }
  const spreads = (figure: keyof Result) => {
    const of = (name: Program) => spreadOf(results[name].map((result) => result[figure]));
    return { 'plain C': of('plain C'), addon: of('addon'), 'node-rdkafka': of('node-rdkafka') };
  };
  return {
    variant,
    cpuUsPerMessage: spreads('cpuUsPerMessage'),
    messagesPerSecond: spreads('messagesPerSecond'),
  };
}

function describe({ variant, cpuUsPerMessage, messagesPerSecond }: Row): string {
  const lines = [`linger ${variant.lingerMs} ms, ${variant.headers} headers`];
  const least = cpuUsPerMessage['plain C'].median;
  for (const name of NAMES) {
    const { median, min, max } = cpuUsPerMessage[name];
    const rate = Math.round(messagesPerSecond[name].median).toLocaleString('en-US');
    lines.push(
      `  ${name.padEnd(14)}${median.toFixed(2).padStart(7)} us a message ` +
        `(${min.toFixed(2)} to ${max.toFixed(2)})${`${(median / least).toFixed(2)} x`.padStart(9)}` +
        `${rate.padStart(12)} messages/s`,
    );
  }
  const gain = cpuUsPerMessage['node-rdkafka'].median / cpuUsPerMessage.addon.median;
  lines.push(`  the addon is ${gain.toFixed(1)} times cheaper than node-rdkafka`);
  return lines.join('\n');
}

const { values } = parseArgs({
  options: {
    brokers: { type: 'string' },
    messages: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
execFileSync(here('../../native-bench/plain-c/build.sh'), [PLAIN_C], { stdio: 'inherit' });
const target = await openKafka(values.brokers);
try {
  const settings = {
    brokers: target.bootstrapServers,
    messages: Number(values.messages),
    rounds: Number(values.rounds),
  };
  if (!values.json)
    console.log(target.embedded ? 'Kafka: embedded mock cluster' : 'Kafka: as given');
  const rows: Row[] = [];
  for (const variant of VARIANTS) {
    const row = await runVariant(variant, settings);
    rows.push(row);
    if (!values.json) console.log(describe(row));
  }
  if (values.json) console.log(JSON.stringify({ embedded: target.embedded, ...settings, rows }));
} finally {
  await target.close();
}
