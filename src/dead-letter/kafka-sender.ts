/* A RecordSender on node-rdkafka, for the command line: one idempotent producer, acks all.
 *
 * node-rdkafka makes header values text and ends them at a NUL. What it would change is refused
 * rather than altered: see `faithfulHeaders`.
 */
import kafka from 'node-rdkafka';
import { OperatingError } from '../base/errors.js';
import type { KafkaConnection } from '../config/model.js';
import type { KafkaHeader } from './letter.js';
import type { RecordSender, ReplayRecord } from './replay.js';

/** librdkafka's own maximum: how large a record may be is for Kafka to say. */
const messageBytesMax = 1_000_000_000;
const pollIntervalMs = 10;

type Settle = (error: { readonly message: string } | null) => void;

export async function openKafkaSender(
  connection: KafkaConnection,
  timeoutMs: number,
): Promise<RecordSender> {
  if (connection.tls !== undefined || connection.authentication.kind !== 'none') {
    throw replayError('TLS and authentication to Kafka are not supported yet');
  }
  const producer = new kafka.Producer(
    {
      'bootstrap.servers': connection.bootstrapServers,
      'client.id': 'millrace-dead-letters',
      'enable.idempotence': true,
      'message.max.bytes': messageBytesMax,
      'linger.ms': 0,
      dr_cb: true,
    },
    { acks: -1, partitioner: 'murmur2_random', 'message.timeout.ms': timeoutMs },
  );
  const pending = new Map<number, Settle>();
  producer.on('delivery-report', (error, report) => {
    const settle = pending.get(report.opaque);
    pending.delete(report.opaque);
    settle?.(error ?? null);
  });
  const close = () => new Promise<void>((resolve) => producer.disconnect(() => resolve()));
  await connect(producer, connection.bootstrapServers, timeoutMs);
  producer.setPollInterval(pollIntervalMs);
  let sequence = 0;
  return {
    send: (record) =>
      new Promise<void>((resolve, reject) => {
        sequence += 1;
        const number = sequence;
        pending.set(number, (error) => (error === null ? resolve() : reject(sendError(error))));
        try {
          produce(producer, record, number);
        } catch (error) {
          pending.delete(number);
          reject(error instanceof OperatingError ? error : sendError(error as Error));
        }
      }),
    close,
  };
}

function produce(producer: kafka.Producer, record: ReplayRecord, number: number): void {
  const { topic, partition, key, headers, value } = record;
  const messageHeaders = faithfulHeaders(headers);
  producer.produce(
    topic,
    partition ?? -1,
    view(value),
    key === null ? null : view(key),
    null,
    number,
    messageHeaders,
  );
}

/** Throws where node-rdkafka would send other bytes than these. */
export function faithfulHeaders(headers: readonly KafkaHeader[]): { [name: string]: string }[] {
  return headers.map(([name, value]) => {
    const text = view(value).toString('utf8');
    if (text.includes('\0') || name.includes('\0') || !Buffer.from(text).equals(value)) {
      throw replayError(
        `the header ${JSON.stringify(name)} holds bytes that are not text; replay cannot send it unchanged`,
      );
    }
    return { [name]: text };
  });
}

function connect(producer: kafka.Producer, servers: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    producer.connect({ timeout: timeoutMs, allTopics: false }, (error) => {
      if (error)
        reject(replayError(`Kafka at ${servers} does not answer: ${error.message}`, error));
      else resolve();
    });
  });
}

function view(bytes: Uint8Array): Buffer {
  // Without memory behind it an empty buffer would be sent as null, which is a tombstone.
  if (bytes.byteLength === 0) return Buffer.alloc(1).subarray(0, 0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sendError(error: { readonly message: string }): OperatingError {
  return replayError(`Kafka did not confirm it: ${error.message}`, error);
}

function replayError(message: string, cause?: unknown): OperatingError {
  return new OperatingError('ERR_DEAD_LETTER_REPLAY', message, { cause });
}
