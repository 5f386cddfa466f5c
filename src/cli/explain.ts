/* `millrace explain`: what becomes of one message, without connecting to anything. */
import { type Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../base/errors.js';
import type { ByteSource } from '../config/load.js';
import { loadModel } from '../config/load-model.js';
import type { Output } from '../config/report.js';
import { mqttStringFault, topicNameFault } from '../config/rules/names.js';
import { explain } from '../explain/explain.js';
import type { Message } from '../explain/message.js';
import { explanationText } from '../explain/text.js';
import { VARINT_MAX } from '../mqtt/wire.js';
import { usableModel } from './usable-model.js';

const UINT32_MAX = 4_294_967_295;
/** More than anybody has. */
const PARTITIONS_MAX = 1_000_000;

/** As commander gives them: the flags of `registerExplain`. */
export interface ExplainCommandOptions {
  readonly file: readonly string[];
  readonly secretsDir?: string | undefined;
  readonly configMapsDir?: string | undefined;
  readonly instanceId: number;
  readonly topic: string;
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
  readonly json: boolean;
}

export interface ExplainStreams {
  readonly stdin: ByteSource;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Prints the explanation; throws a UsageError where the configuration or the message is wrong. */
export async function explainCommand(
  options: ExplainCommandOptions,
  { stdin, stdout, stderr }: ExplainStreams,
): Promise<void> {
  const { file, secretsDir, configMapsDir, instanceId } = options;
  const loaded = await loadModel(file, { secretsDir, configMapsDir, instanceId, stdin });
  const model = usableModel(loaded, stderr);
  const { partitions, json } = options;
  const explanation = explain(model, messageOf(options), { partitions });
  if ('fault' in explanation) {
    throw new UsageError(`no broker sends such a message: it would have ${explanation.fault}`);
  }
  stdout.write(json ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation));
}

function messageOf(options: ExplainCommandOptions): Message {
  const { topic, qos, retain, size, userProperty, expiry } = options;
  const { payloadFormat, contentType, responseTopic, correlationData } = options;
  return {
    topicName: topic,
    qos,
    retain,
    payloadBytes: size,
    userProperties: userProperty,
    payloadFormat,
    expirySeconds: expiry,
    contentType,
    responseTopic,
    correlationData,
  };
}

/** Adds the command's own flags and its action; `command` has those of the configuration already. */
export function registerExplain(command: Command): void {
  command
    .description('say what becomes of a message, and connect to nothing')
    .requiredOption('--topic <name>', 'its topic name', topicName)
    .option('--user-property <name=value>', 'a user property, as often as needed', pair, [])
    .option('--size <bytes>', 'bytes of its payload', within(VARINT_MAX), 0)
    .option('--qos <n>', 'QoS at which it is published: 0, 1 or 2', within(2), 1)
    .option('--retain', 'it comes with RETAIN set', false)
    .option('--content-type <text>', 'Content Type', mqttText)
    .option('--response-topic <name>', 'Response Topic', topicName)
    .option('--correlation-data <text>', 'Correlation Data, as UTF-8', mqttText)
    .option('--expiry <seconds>', 'Message Expiry Interval that is left', within(UINT32_MAX))
    .option('--payload-format <n>', 'Payload Format Indicator: 0 or 1', within(1))
    .option('--partitions <n>', 'partitions of the Kafka topic, to say which', partitionCount)
    .option('--json', 'for programs', false)
    .action(async (options: ExplainCommandOptions) => {
      const { stdin, stdout, stderr } = process;
      await explainCommand(options, { stdin, stdout, stderr });
    });
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

function pair(
  text: string,
  before: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] {
  const equals = text.indexOf('=');
  if (equals < 0) throw new InvalidArgumentError('NAME=VALUE is needed.');
  return [...before, [mqttText(text.slice(0, equals)), mqttText(text.slice(equals + 1))]];
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
