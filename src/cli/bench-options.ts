/* The command line of `millrace bench`. Every command loads this file: what a bench itself needs is loaded
 * when one is asked for.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../base/errors.js';
import { type PayloadMix, parsePayloadMix } from '../bench/load/payload-mix.js';
import type { BenchOptions, BrokerAddress } from '../bench/options.js';
import { BENCH_DEFAULTS, DIRECTIONS, PARTITIONS_TO_READ, ROUTES_MAX } from '../bench/options.js';
import { DIMENSIONS, type DimensionName } from '../bench/scale/dimensions.js';
import { PAYLOAD_BYTES_MAX } from '../config/limits.js';
import type { Qos } from '../config/model.js';
import { applyArgs, describePresets, PRESETS, SCALE_QUICK_ARGS } from './bench-presets.js';
import { showsColour } from './colour.js';
import { numberUpTo, positiveNumber, wholeNumber } from './numbers.js';

/** The generator makes a packet for each, and keeps them all. */
const TOPICS_MAX = 1_000_000;
const SKEW_MAX = 10;
const KAFKA_RTT_MS_MAX = 10_000;

export interface BenchCommandOptions extends BenchOptions {
  readonly json: boolean;
  /** A file to write a page with charts to. */
  readonly html?: string;
}

export interface ScaleFlags {
  readonly dimension?: readonly DimensionName[] | undefined;
  readonly quick?: boolean | undefined;
}

/** As commander gives them: the flags of `registerBench`. */
interface Flags extends Partial<BenchCommandOptions>, ScaleFlags {
  readonly preset?: string;
  /** Two results to compare, instead of a run. */
  readonly compare?: readonly string[];
  readonly figure?: readonly string[];
  readonly failOnWorse?: boolean;
}

function qos(text: string): Qos {
  if (text === '0') return 0;
  if (text === '1') return 1;
  throw new InvalidArgumentError('0 or 1 is needed.');
}

/** `HOST:PORT`, an IPv6 address in brackets. */
function brokerAddress(text: string): BrokerAddress {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65_535) {
    throw new InvalidArgumentError(
      'HOST:PORT of an MQTT broker is needed, such as localhost:1883.',
    );
  }
  return { host: match[1] as string, port };
}

function payload(text: string): PayloadMix {
  try {
    return parsePayloadMix(text, PAYLOAD_BYTES_MAX);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function choice(flags: string, text: string, values: readonly string[]): Option {
  return new Option(flags, text).choices(values);
}

function loadOptions(command: Command): Command {
  const defaults = BENCH_DEFAULTS;
  const direction = choice('--direction <which>', 'where messages go', DIRECTIONS);
  return command
    .addOption(direction.default(defaults.direction))
    .option('--messages <n>', 'measure this many messages (default: 10 seconds)', wholeNumber(1))
    .option('--seconds <n>', 'measure for this long', positiveNumber())
    .option('--warmup-messages <n>', 'messages before the measured phase', wholeNumber(0))
    .option(
      '--warmup-seconds <n>',
      'time before the measured phase',
      positiveNumber(),
      defaults.warmupSeconds,
    )
    .option(
      '--rate <n>',
      'offer this many messages/s (default: as fast as they are taken)',
      positiveNumber(),
    )
    .option(
      '--at-once <n>',
      'offer this many messages at one moment, after a warm-up',
      wholeNumber(1),
    )
    .option(
      '--partitions <n>',
      `of the Kafka topics (default: as the cluster has it, ${PARTITIONS_TO_READ} to read from)`,
      wholeNumber(1),
    )
    .option(
      '--user-properties <n>',
      'on each message; headers of a record',
      wholeNumber(0),
      defaults.userProperties,
    )
    .option(
      '--system-properties',
      'on each message to Kafka: Payload Format Indicator, Message Expiry Interval, Content Type, ' +
        'Response Topic and Correlation Data',
      defaults.systemProperties,
    )
    .option('--qos <n>', 'QoS', qos, defaults.qos)
    .option(
      '--stall-seconds <n>',
      'give up after so long without progress',
      positiveNumber(),
      defaults.stallSeconds,
    );
}

/** What the messages are, and where they go. */
function messageOptions(command: Command): Command {
  const defaults = BENCH_DEFAULTS;
  return command
    .option(
      '--payload-bytes <n>',
      'size of a payload',
      wholeNumber(0, PAYLOAD_BYTES_MAX),
      defaults.payloadBytes,
    )
    .addOption(
      new Option('--payload <mix>', 'sizes of payloads: 4k, or 200:90%,4k:9%,2m:1%')
        .argParser(payload)
        .conflicts('payloadBytes'),
    )
    .option('--topics <n>', 'MQTT topics', wholeNumber(1, TOPICS_MAX), defaults.topics)
    .option(
      '--routes <n>',
      'routes to Kafka, over which the topics are dealt',
      wholeNumber(1, ROUTES_MAX),
      defaults.routes,
    )
    .option('--keys <n>', 'partition keys (default: the topics)', wholeNumber(1, TOPICS_MAX))
    .option(
      '--skew <s>',
      "spread over topics and keys: exponent of Zipf's law",
      numberUpTo(SKEW_MAX),
      defaults.skew,
    );
}

function connectorOptions(command: Command): Command {
  const defaults = BENCH_DEFAULTS;
  return command
    .option('--kafka <bootstrap>', 'bootstrap servers (default: an embedded mock cluster)')
    .option(
      '--kafka-rtt-ms <n>',
      'round trip to the embedded Kafka (default: none)',
      wholeNumber(1, KAFKA_RTT_MS_MAX),
    )
    .addOption(choice('--acks <level>', 'kafkaAcks', ['zero', 'one', 'all']).default(defaults.acks))
    .addOption(
      choice('--compression <type>', 'compression', ['none', 'gzip', 'snappy', 'lz4']).default(
        'none',
      ),
    )
    .option(
      '--latency-ms <n>',
      'batching with this latencyMs (default: batching off)',
      wholeNumber(0),
    )
    .option('--copy-properties', 'copyMqttProperties', defaults.copyProperties)
    .option(
      '--receive-maximum <n>',
      "Receive Maximum, the connector's and the generator's",
      wholeNumber(1, 65_535),
      defaults.receiveMaximum,
    )
    .option(
      '--through-broker <address>',
      'a broker at HOST:PORT between the generator and the connector (default: the generator is the broker)',
      brokerAddress,
    )
    .option(
      '--connections <n>',
      'MQTT connections that share the load, each with topics of its own: subscribers of the connector ' +
        '(sharedSubscription), or with --through-broker clients that publish and subscribe',
      wholeNumber(1),
      defaults.connections,
    )
    .option('--shards <n>', "shards (default: the connector's)", wholeNumber(1))
    .option('--connector <command>', 'another connector to measure, as a command', (text) =>
      text.trim().split(/\s+/),
    );
}

/** All that a preset may set. */
function benchOptions(command: Command): Command {
  return connectorOptions(messageOptions(loadOptions(command))).option(
    '--repeat <n>',
    'rounds, each with a fresh connector',
    wholeNumber(1),
    BENCH_DEFAULTS.repeat,
  );
}

/** Adds `bench` to the program. */
export function registerBench(program: Command): void {
  const command = program.command('bench').description('measure the connector under load');
  const presets = `options that go together, which others override: ${describePresets()}`;
  benchOptions(command)
    .addOption(new Option('--preset <name>', presets).choices(Object.keys(PRESETS)))
    .option(
      '--dimension <name...>',
      `of --preset scale, only: ${DIMENSIONS.join(', ')} (default: all)`,
      dimension,
    )
    .option('--quick', 'of --preset scale: shorter rounds, one of each case')
    .option('--no-verify', 'do not look at the records in Kafka afterwards')
    .option('--json', 'print the result as JSON', false)
    .option('--html <file>', 'write a page with charts too, which needs no network')
    .option('--compare <results...>', 'compare two results of --json, A and B, and run nothing')
    .option(
      '--figure <name...>',
      'with --compare: these figures only, so that fewer rounds can tell (default: all)',
    )
    .option(
      '--fail-on-worse',
      'with --compare: exit code 1 where B is worse than A, 2 where there are too few rounds to tell',
      false,
    )
    .action(async (flags: Flags) => {
      process.exitCode = await act(command, flags);
    });
}

/** Does what is asked for; gives the exit code. */
async function act(
  command: Command,
  { preset, dimension, quick, compare, figure, failOnWorse = false, ...given }: Flags,
): Promise<number> {
  if (compare !== undefined) {
    refuseRunFlags(command);
    const { compareCommand } = await import('./bench-compare.js');
    const options = { files: compare, figures: figure ?? [], failOnWorse, colour: showsColour() };
    return await compareCommand(options, (text) => console.log(text));
  }
  if (failOnWorse) throw new UsageError('--fail-on-worse is for --compare only');
  if (figure !== undefined) throw new UsageError('--figure is for --compare only');
  const flags = { dimension, quick };
  if (preset !== 'scale') refuseScaleFlags(flags);
  const args = quick ? SCALE_QUICK_ARGS : (PRESETS[preset ?? '']?.args ?? []);
  const values = preset === undefined ? {} : presetValues(preset, args, command);
  const options = { ...BENCH_DEFAULTS, json: false, ...given, ...values };
  if (preset !== 'scale') {
    const { benchCommand } = await import('./bench.js');
    return await benchCommand(options);
  }
  const { json, html, ...bench } = options;
  if (html !== undefined) {
    throw new UsageError(
      '--html is of a single bench, and --preset scale is many: leave it out, or run one case with it, such as ' +
        'millrace bench --routes 1000 --html FILE',
    );
  }
  const { scaleCommand } = await import('./bench-scale.js');
  return await scaleCommand(bench, flags, json);
}

/** Attribute names of the options that go with --compare. */
const OF_COMPARISON = new Set(['compare', 'figure', 'failOnWorse']);

/** Throws a UsageError where a flag of a run is given with --compare, which runs nothing. */
function refuseRunFlags(command: Command): void {
  const ofRun = command.options.find((option) => {
    const name = option.attributeName();
    const isGiven = command.getOptionValueSource(name) === 'cli';
    return isGiven && !OF_COMPARISON.has(name);
  });
  if (ofRun !== undefined) throw new UsageError(`${ofRun.long} is for a run, not for --compare`);
}

/** Throws a UsageError where there are flags of the scale bench and another is asked for. */
export function refuseScaleFlags({ dimension, quick }: ScaleFlags): void {
  const flag = dimension === undefined ? quick && '--quick' : '--dimension';
  if (flag) throw new UsageError(`${flag} is for --preset scale only`);
}

/** One more of the names that `--dimension` is given. */
function dimension(text: string, before: readonly DimensionName[] = []): DimensionName[] {
  const found = DIMENSIONS.find((name) => name === text);
  if (found !== undefined) return [...before, found];
  throw new InvalidArgumentError(`one of ${DIMENSIONS.join(', ')} is needed.`);
}

/** What the arguments of a preset set, and says so. */
function presetValues(
  name: string,
  args: readonly string[],
  given: Command,
): Readonly<Record<string, unknown>> {
  const applied = applyArgs(args, benchOptions(new Command()), given);
  const own = applied.args.length < args.length ? ', the rest is as given' : '';
  console.error(`preset ${name}: ${applied.args.join(' ')}${own}`);
  return applied.values;
}
