/* `millrace explain`: what becomes of one message, or of one record from Kafka, without connecting to
 * anything.
 */
import { systemClock } from '../base/clock.js';
import { UsageError } from '../base/errors.js';
import type { ByteSource } from '../config/load.js';
import { loadModel } from '../config/load-model.js';
import type { Model } from '../config/model.js';
import type { Output } from '../config/report.js';
import { explain } from '../explain/explain.js';
import type { Message } from '../explain/message.js';
import { explanationText } from '../explain/text.js';
import { explainRecord } from '../explain/to-mqtt.js';
import { toMqttText } from '../explain/to-mqtt-text.js';
import type { ExplainCommandOptions } from './explain-options.js';
import { usableModel } from './usable-model.js';

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
  const answer = options.kafkaTopic === undefined ? answerMessage : answerRecord;
  const { data, text } = answer(model, options);
  stdout.write(options.json ? `${JSON.stringify(data, null, 2)}\n` : text);
}

interface Answer {
  readonly data: object;
  readonly text: string;
}

function answerMessage(model: Model, options: ExplainCommandOptions): Answer {
  const explanation = explain(model, messageOf(options), { partitions: options.partitions });
  if ('fault' in explanation) {
    throw new UsageError(`no broker sends such a message: it would have ${explanation.fault}`);
  }
  return { data: explanation, text: explanationText(explanation) };
}

function answerRecord(model: Model, options: ExplainCommandOptions): Answer {
  const nowMs = systemClock.wallMs();
  const { kafkaTopic = '', key, header, partition, size, timestamp = nowMs } = options;
  const explanation = explainRecord(
    model,
    { kafkaTopic, key, headers: header, partition, payloadBytes: size, timestampMs: timestamp },
    nowMs,
  );
  return { data: explanation, text: toMqttText(explanation) };
}

function messageOf(options: ExplainCommandOptions): Message {
  const { topic = '', qos, retain, size, userProperty, expiry } = options;
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
