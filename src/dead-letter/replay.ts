/* Sends letters again to where they were on their way, oldest first, and removes each only after Kafka
 * has confirmed its record, or the MQTT broker its PUBLISH. A letter that fails stays; the others go on.
 */
import { OperatingError } from '../base/errors.js';
import type { Disk } from './disk.js';
import type { KafkaHeader, StoredMeta } from './letter.js';
import { type LetterRef, type OpenLetter, openLetter, readWholePayload } from './reader.js';

/** What is sent together: bounds memory, and keeps the other side busy where letters are small. */
const lettersTogetherMax = 64;
const bytesTogetherMax = 32 * 1024 * 1024;

export interface ReplayRecord {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly key: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
  readonly value: Uint8Array;
}

/** A record from Kafka that is to be published, at QoS 1. */
export interface ReplayPublish {
  readonly route: string | undefined;
  readonly topic: string;
  readonly partition: number;
  /** -1: none. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly headers: readonly KafkaHeader[];
  readonly payload: Uint8Array;
}

/** A connection to one connector's Kafka. Records sent one after another keep their order. */
export interface RecordSender {
  /** Resolves when Kafka has the record, at acks all. */
  send(record: ReplayRecord): Promise<void>;
  close(): Promise<void>;
}

/** A session with one connector's MQTT broker. PUBLISHes sent one after another keep their order. */
export interface LetterPublisher {
  /** Resolves with the PUBACK, where that is a success. */
  publish(publish: ReplayPublish): Promise<void>;
  close(): Promise<void>;
}

export interface ReplayOptions {
  readonly disk: Disk;
  readonly letters: readonly LetterRef[];
  /** Rejects where the connector is not known or its Kafka does not answer. */
  readonly openSender: (connector: string) => Promise<RecordSender>;
  /** The same of its MQTT broker. */
  readonly openPublisher: (connector: string) => Promise<LetterPublisher>;
  /** Instead of the letter's own topic, for those on their way to Kafka. */
  readonly kafkaTopic: string | undefined;
  /** And for those on their way to MQTT. */
  readonly mqttTopic: string | undefined;
  /** Leave the files where they are. */
  readonly keep: boolean;
  /** Called for each letter, in no fixed order. */
  readonly report: (result: ReplayResult) => void;
}

export interface ReplayResult {
  readonly id: string;
  /** The topic it went to, or why it did not. */
  readonly outcome: { readonly sentTo: string } | { readonly failed: string };
}

/**
 * Sends letters in their order and reports each; rejects for none of them, and counts those that
 * failed. A letter is removed only once Kafka has acknowledged its record.
 */
export async function replayLetters(options: ReplayOptions): Promise<{ failed: number }> {
  const clients: Clients = {
    senders: new Opened(options.openSender),
    publishers: new Opened(options.openPublisher),
  };
  let failed = 0;
  let together: Promise<void>[] = [];
  let bytes = 0;
  const settle = async (id: string, work: Promise<string>) => {
    const outcome = await work.then(
      (sentTo) => ({ sentTo }),
      (error: unknown) => ({ failed: error instanceof Error ? error.message : String(error) }),
    );
    if ('failed' in outcome) failed += 1;
    options.report({ id, outcome });
  };
  try {
    for (const ref of options.letters) {
      // Prepared one after another, so that they are sent in order; confirmed together.
      const prepared = await prepare(options, clients, ref).catch((error: unknown) => ({ error }));
      if ('error' in prepared) {
        await settle(ref.id, Promise.reject(prepared.error));
        continue;
      }
      together.push(settle(ref.id, confirm(options, ref, prepared)));
      bytes += prepared.bytes;
      if (together.length < lettersTogetherMax && bytes < bytesTogetherMax) continue;
      await Promise.all(together);
      together = [];
      bytes = 0;
    }
    await Promise.all(together);
  } finally {
    await Promise.all(together);
    await clients.senders.close();
    await clients.publishers.close();
  }
  return { failed };
}

interface Clients {
  readonly senders: Opened<RecordSender>;
  readonly publishers: Opened<LetterPublisher>;
}

interface Prepared {
  readonly topic: string;
  readonly bytes: number;
  readonly send: () => Promise<void>;
}

async function prepare(
  options: ReplayOptions,
  clients: Clients,
  ref: LetterRef,
): Promise<Prepared> {
  const letter = await openLetter(options.disk, ref);
  const { connector, direction } = letter.meta;
  try {
    if (direction === 'mqttToKafka') {
      const record = await recordOf(letter, options.kafkaTopic);
      const sender = await clients.senders.of(connector);
      const { topic, value } = record;
      return { topic, bytes: value.byteLength, send: () => sender.send(record) };
    }
    const publish = await publishOf(letter, options.mqttTopic);
    const publisher = await clients.publishers.of(connector);
    const { topic, payload } = publish;
    return { topic, bytes: payload.byteLength, send: () => publisher.publish(publish) };
  } finally {
    await letter.close();
  }
}

async function recordOf(letter: OpenLetter, kafkaTopic: string | undefined): Promise<ReplayRecord> {
  const { kafka } = letter.meta;
  const topic = kafkaTopic ?? kafka?.topic;
  if (topic === undefined) throw refusal('it has no Kafka topic; give one with --kafka-topic');
  return {
    topic,
    // A fixed partition is one of its own topic and means nothing in another.
    partition: kafkaTopic === undefined ? kafka?.partition : undefined,
    key: kafka?.key ?? null,
    // Properties of MQTT have no null.
    headers: (kafka?.headers ?? []).map(([name, value]) => [name, value ?? new Uint8Array(0)]),
    value: await readWholePayload(letter),
  };
}

async function publishOf(
  letter: OpenLetter,
  mqttTopic: string | undefined,
): Promise<ReplayPublish> {
  const { meta } = letter;
  const { kafka, mqtt, route } = meta;
  const topic = mqttTopic ?? mqtt?.topic;
  if (topic === undefined) throw refusal('it has no MQTT topic; give one with --mqtt-topic');
  if (isWithoutValue(meta, letter.payloadBytes)) {
    throw refusal(
      `its value was too large to be kept: read it in Kafka, at offset ${kafka?.offset} of ` +
        `partition ${kafka?.partition} of ${kafka?.topic}`,
    );
  }
  return {
    route,
    topic,
    partition: kafka?.partition ?? 0,
    timestampMs: kafka?.timestampMs ?? -1,
    key: kafka?.key ?? null,
    headers: kafka?.headers ?? [],
    payload: await readWholePayload(letter),
  };
}

/** A record that was larger than the ring has left nothing but its place in Kafka. */
function isWithoutValue({ reason }: StoredMeta, payloadBytes: number): boolean {
  return reason.code === 'oversize' && payloadBytes === 0;
}

async function confirm(
  { disk, keep }: ReplayOptions,
  ref: LetterRef,
  { send, topic }: Prepared,
): Promise<string> {
  await send();
  if (!keep) {
    await disk.remove(ref.path).catch((error: Error) => {
      throw refusal(`sent to ${topic}, but its file cannot be removed: ${error.message}`);
    });
  }
  return topic;
}

/** One client for each connector, opened when its first letter comes; a failure is kept as well. */
class Opened<Client extends { close(): Promise<void> }> {
  readonly #open: (connector: string) => Promise<Client>;
  readonly #clients = new Map<string, Promise<Client>>();

  constructor(open: (connector: string) => Promise<Client>) {
    this.#open = open;
  }

  of(connector: string): Promise<Client> {
    const known = this.#clients.get(connector);
    if (known !== undefined) return known;
    const client = this.#open(connector);
    this.#clients.set(connector, client);
    return client;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#clients.values());
    for (const client of opened) if (client.status === 'fulfilled') await client.value.close();
  }
}

function refusal(message: string): OperatingError {
  return new OperatingError('ERR_DEAD_LETTER_REPLAY', message);
}
