/* Runs the three programs in turn, several times, against one broker, and prints medians and ratios:
 *   npm run native-bench -- addon [--brokers B] [--linger MS] [--messages N] [--rounds N] [--json]
 */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openKafka } from '../src/bench/kafka-target.js';
import type { Spread } from '../src/bench/report/spread.js';
import { spreadOf } from '../src/bench/report/spread.js';
import { wholeNumber } from '../src/cli/numbers.js';
import {
  type ComparisonOptions,
  comparisonCommand,
  printTable,
  spreadText,
  takeTurns,
} from './comparison.js';
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

interface AddonOptions extends ComparisonOptions {
  readonly brokers?: string;
  readonly messages: number;
  readonly linger?: number;
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

async function runVariant(variant: Variant, settings: Settings): Promise<Row> {
  const results = await takeTurns(NAMES, settings.rounds, (name) =>
    runOnce(name, variant, settings),
  );
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

function cellsOf({ variant, cpuUsPerMessage, messagesPerSecond }: Row): string[][] {
  return NAMES.map((name) => {
    const cpu = cpuUsPerMessage[name];
    return [
      name,
      String(variant.lingerMs),
      String(variant.headers),
      spreadText(cpu, 2),
      (cpu.median / cpuUsPerMessage['plain C'].median).toFixed(2),
      (cpuUsPerMessage['node-rdkafka'].median / cpu.median).toFixed(1),
      spreadText(messagesPerSecond[name], 0),
    ];
  });
}

const HEADS = [
  'program',
  'linger ms',
  'headers',
  'us CPU a message',
  'x plain C',
  'node-rdkafka is x',
  'messages/s',
] as const;

const options = comparisonCommand(
  'addon',
  'A record with its delivery report: the addon, plain C and node-rdkafka',
  5,
)
  .option('--brokers <list>', 'a Kafka (default: a mock cluster in a process of its own)')
  .option('--messages <n>', 'in each measurement', wholeNumber(1_000), 300_000)
  .option('--linger <ms>', 'only the variants with this linger, 0 or 5', wholeNumber(0, 5))
  .parse()
  .opts<AddonOptions>();
execFileSync(here('../../native-bench/plain-c/build.sh'), [PLAIN_C], { stdio: 'inherit' });
const target = await openKafka(options.brokers);
try {
  const { json, rounds, messages, linger } = options;
  const settings = { brokers: target.bootstrapServers, messages, rounds };
  const rows: Row[] = [];
  for (const variant of VARIANTS) {
    if (linger === undefined || variant.lingerMs === linger) {
      rows.push(await runVariant(variant, settings));
    }
  }
  if (json) console.log(JSON.stringify({ embedded: target.embedded, ...settings, rows }));
  else {
    console.log(target.embedded ? 'Kafka: embedded mock cluster' : 'Kafka: as given');
    printTable(HEADS, rows.flatMap(cellsOf));
  }
} finally {
  await target.close();
}
