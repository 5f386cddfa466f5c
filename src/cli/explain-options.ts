/* The command line of `millrace explain`. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Surroundings } from '../config/load-model.js';
import { kafkaTopicFault, mqttStringFault, topicNameFault } from '../config/rules/names.js';
import { VARINT_MAX } from '../mqtt/wire.js';

const UINT32_MAX = 4_294_967_295;
/** More than anybody has. */
const PARTITIONS_MAX = 1_000_000;
const PARTITION_MAX = 2 ** 31 - 1;
/** The last moment that a Date can be. */
const TIMESTAMP_MAX = 8_640_000_000_000_000;
const HEADER_NAME_BYTES_MAX = 65_535;

/** Flags that only a message from MQTT has, and flags that only a record from Kafka has. */
const OF_MESSAGES = [
  'userProperty',
  'qos',
  'retain',
  'contentType',
  'responseTopic',
  'correlationData',
  'expiry',
  'payloadFormat',
  'partitions',
];
const OF_RECORDS = ['key', 'header', 'partition', 'timestamp'];

/** As commander gives them: the flags of `registerExplain`. */
export interface ExplainCommandOptions extends Omit<Surroundings, 'serviceAccountTokenFile'> {
  readonly file: readonly string[];
  /** One of the two is given. */
  readonly topic?: string | undefined;
  readonly kafkaTopic?: string | undefined;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly size: number;
  readonly userProperty: readonly (readonly [string, string])[];
  readonly payloadFormat?: 0 | 1 | undefined;
  readonly expiry?: number | undefined;
  readonly contentType?: string | undefined;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: string | undefined;
  readonly partitions?: number | undefined;
  readonly key?: string | undefined;
  readonly header: readonly (readonly [string, string])[];
  readonly partition: number;
  readonly timestamp?: number | undefined;
  readonly json: boolean;
}

/** Adds the command's own flags and its action; `command` has those of the configuration already. */
export function registerExplain(command: Command): void {
  command
    .description('say what becomes of a message or a record, and connect to nothing')
    .option('--topic <name>', 'of a message from MQTT: its topic name', topicName)
    .option('--kafka-topic <name>', 'of a record from Kafka: its topic', kafkaTopic)
    .option('--size <bytes>', 'bytes of the payload', within(VARINT_MAX), 0)
    .option('--user-property <name=value>', 'message: a user property, repeatable', pair, [])
    .option('--qos <n>', 'message: QoS at which it is published: 0, 1 or 2', within(2), 1)
    .option('--retain', 'message: it comes with RETAIN set', false)
    .option('--content-type <text>', 'message: Content Type', mqttText)
    .option('--response-topic <name>', 'message: Response Topic', topicName)
    .option('--correlation-data <text>', 'message: Correlation Data, as UTF-8', mqttText)
    .option('--expiry <seconds>', 'message: Message Expiry Interval left', within(UINT32_MAX))
    .option('--payload-format <n>', 'message: Payload Format Indicator: 0 or 1', within(1))
    .option('--partitions <n>', 'message: partitions of the Kafka topic', partitionCount)
    .option('--key <text>', 'record: its key, as UTF-8; without it the key is null')
    .option('--header <name=value>', 'record: a header, repeatable', header, [])
    .option('--partition <n>', 'record: its partition', within(PARTITION_MAX), 0)
    .option('--timestamp <ms>', 'record: ms since 1970 (default: now)', within(TIMESTAMP_MAX))
    .option('--json', 'for programs', false)
    .action(async (options: ExplainCommandOptions) => {
      checkFlags(command, options);
      const { explainCommand } = await import('./explain.js');
      const { stdin, stdout, stderr } = process;
      await explainCommand(options, { stdin, stdout, stderr });
    });
}

function checkFlags(command: Command, { topic, kafkaTopic }: ExplainCommandOptions): void {
  if ((topic === undefined) === (kafkaTopic === undefined)) {
    command.error('error: give either --topic or --kafka-topic', { exitCode: 1 });
  }
  const foreign = topic === undefined ? OF_MESSAGES : OF_RECORDS;
  const option = command.options.find(
    (each) =>
      foreign.includes(each.attributeName()) &&
      command.getOptionValueSource(each.attributeName()) === 'cli',
  );
  if (option === undefined) return;
  const needed = topic === undefined ? '--topic' : '--kafka-topic';
  command.error(`error: ${option.long} goes with ${needed}`, { exitCode: 1 });
}

function kafkaTopic(text: string): string {
  const fault = kafkaTopicFault(text);
  if (fault !== undefined) throw new InvalidArgumentError(`it ${fault.message}.`);
  return text;
}

function topicName(text: string): string {
  const fault = text === '' ? { message: 'is empty' } : topicNameFault(text);
  if (fault !== undefined) throw new InvalidArgumentError(`it ${fault.message}.`);
  return mqttText(text);
}

function mqttText(text: string): string {
  const fault = mqttStringFault(text);
  if (fault !== undefined) throw new InvalidArgumentError(`it ${fault.message}.`);
  return text;
}

type Pairs = readonly (readonly [string, string])[];

function pair(text: string, before: Pairs): Pairs {
  const [name, value] = split(text);
  return [...before, [mqttText(name), mqttText(value)]];
}

/** What MQTT cannot carry is told by the explanation. */
function header(text: string, before: Pairs): Pairs {
  const [name, value] = split(text);
  if (Buffer.byteLength(name) <= HEADER_NAME_BYTES_MAX) return [...before, [name, value]];
  throw new InvalidArgumentError(`a name of at most ${HEADER_NAME_BYTES_MAX} bytes is needed.`);
}

function split(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 0) throw new InvalidArgumentError('NAME=VALUE is needed.');
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function within(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from 0 to ${most} is needed.`);
  };
}

function partitionCount(text: string): number {
  const value = within(PARTITIONS_MAX)(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('at least 1 is needed.');
}
