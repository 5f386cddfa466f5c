/* Sends letters to Kafka again, oldest first, and removes each only after Kafka has confirmed its
 * record. A letter that fails stays; the others go on.
 */
import { OperatingError } from '../base/errors.js';
import type { Disk } from './disk.js';
import type { KafkaHeader } from './letter.js';
import { type LetterRef, type OpenLetter, openLetter, readWholePayload } from './reader.js';

/** What is sent together: bounds memory, and keeps Kafka busy where letters are small. */
const lettersTogetherMax = 64;
const bytesTogetherMax = 32 * 1024 * 1024;

export interface ReplayRecord {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly key: Uint8Array | null;
  readonly headers: readonly KafkaHeader[];
  readonly value: Uint8Array;
}

/** A connection to one connector's Kafka. Records sent one after another keep their order. */
export interface RecordSender {
  /** Resolves when Kafka has the record, at acks all. */
  send(record: ReplayRecord): Promise<void>;
  close(): Promise<void>;
}

export interface ReplayOptions {
  readonly disk: Disk;
  readonly letters: readonly LetterRef[];
  /** Rejects where the connector is not known or its Kafka does not answer. */
  readonly openSender: (connector: string) => Promise<RecordSender>;
  /** Instead of the letter's own topic. */
  readonly kafkaTopic: string | undefined;
  /** Leave the files where they are. */
  readonly keep: boolean;
  /** Called for each letter, in no fixed order. */
  readonly report: (result: ReplayResult) => void;
}

export interface ReplayResult {
  readonly id: string;
  /** The Kafka topic it went to, or why it did not. */
  readonly outcome: { readonly sentTo: string } | { readonly failed: string };
}

/**
 * Sends letters in their order and reports each; rejects for none of them, and counts those that
 * failed. A letter is removed only once Kafka has acknowledged its record.
 */
export async function replayLetters(options: ReplayOptions): Promise<{ failed: number }> {
  const senders = new Senders(options.openSender);
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
      const prepared = await prepare(options, senders, ref).catch((error: unknown) => ({ error }));
      if ('error' in prepared) {
        await settle(ref.id, Promise.reject(prepared.error));
        continue;
      }
      together.push(settle(ref.id, confirm(options, ref, prepared)));
      bytes += prepared.record.value.byteLength;
      if (together.length < lettersTogetherMax && bytes < bytesTogetherMax) continue;
      await Promise.all(together);
      together = [];
      bytes = 0;
    }
    await Promise.all(together);
  } finally {
    await Promise.all(together);
    await senders.close();
  }
  return { failed };
}

interface Prepared {
  readonly sender: RecordSender;
  readonly record: ReplayRecord;
}

async function prepare(
  { disk, kafkaTopic }: ReplayOptions,
  senders: Senders,
  ref: LetterRef,
): Promise<Prepared> {
  const letter = await openLetter(disk, ref);
  try {
    const record = await recordOf(letter, kafkaTopic);
    return { sender: await senders.of(letter.meta.connector), record };
  } finally {
    await letter.close();
  }
}

async function recordOf(letter: OpenLetter, kafkaTopic: string | undefined): Promise<ReplayRecord> {
  const { kafka, direction } = letter.meta;
  if (direction !== 'mqttToKafka') throw refusal('it was on its way to MQTT, not to Kafka');
  const topic = kafkaTopic ?? kafka?.topic;
  if (topic === undefined) throw refusal('it has no Kafka topic; give one with --kafka-topic');
  return {
    topic,
    // A fixed partition is one of its own topic and means nothing in another.
    partition: kafkaTopic === undefined ? kafka?.partition : undefined,
    key: kafka?.key ?? null,
    headers: kafka?.headers ?? [],
    value: await readWholePayload(letter),
  };
}

async function confirm(
  { disk, keep }: ReplayOptions,
  ref: LetterRef,
  { sender, record }: Prepared,
): Promise<string> {
  await sender.send(record);
  if (!keep) {
    await disk.remove(ref.path).catch((error: Error) => {
      throw refusal(`sent to ${record.topic}, but its file cannot be removed: ${error.message}`);
    });
  }
  return record.topic;
}

/** One sender for each connector, opened when its first letter comes; a failure is kept as well. */
class Senders {
  readonly #open: (connector: string) => Promise<RecordSender>;
  readonly #senders = new Map<string, Promise<RecordSender>>();

  constructor(open: (connector: string) => Promise<RecordSender>) {
    this.#open = open;
  }

  of(connector: string): Promise<RecordSender> {
    const known = this.#senders.get(connector);
    if (known !== undefined) return known;
    const sender = this.#open(connector);
    this.#senders.set(connector, sender);
    return sender;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#senders.values());
    for (const sender of opened) if (sender.status === 'fulfilled') await sender.value.close();
  }
}

function refusal(message: string): OperatingError {
  return new OperatingError('ERR_DEAD_LETTER_REPLAY', message);
}
