/* The options of `millrace bench` that say what is run: all that a preset may set. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type PayloadMix, parsePayloadMix } from '../bench/load/payload-mix.js';
import {
  BENCH_DEFAULTS,
  type BrokerAddress,
  DIRECTIONS,
  PARTITIONS_TO_READ,
  ROUTES_MAX,
} from '../bench/options.js';
import { PAYLOAD_BYTES_MAX } from '../config/limits.js';
import type { Qos } from '../config/model.js';
import { numberUpTo, positiveNumber, wholeNumber } from './numbers.js';

/** The generator makes a packet for each, and keeps them all. */
const TOPICS_MAX = 1_000_000;
const SKEW_MAX = 10;
const KAFKA_RTT_MS_MAX = 10_000;

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

/** Adds them to a command. */
export function benchOptions(command: Command): Command {
  return connectorOptions(messageOptions(loadOptions(command))).option(
    '--repeat <n>',
    'rounds, each with a fresh connector',
    wholeNumber(1),
    BENCH_DEFAULTS.repeat,
  );
}
