/* A dead letter: a message that can never be delivered, with all that is needed to understand it
 * and to send it again by hand.
 */
import type { KafkaAcks, Qos } from '../config/model.js';
import type { DeadLetterReason } from '../metrics/reasons.js';

export interface DeadLetterMeta {
  /** When the message was given up, since the Unix epoch. */
  readonly timeMs: number;
  readonly connector: string;
  /** `undefined` where no route can be told, as for a malformed packet. */
  readonly route: string | undefined;
  readonly direction: 'mqttToKafka' | 'kafkaToMqtt';
  readonly reason: { readonly code: DeadLetterReason; readonly message: string };
  readonly mqtt: MqttOrigin | undefined;
  /** The record as it would have been sent, or was read; `undefined` where it has no Kafka topic. */
  readonly kafka: KafkaRecord | undefined;
}

/** As read from a file: another version of Millrace may have written reasons that are new to us. */
export type StoredMeta = Omit<DeadLetterMeta, 'reason'> & {
  readonly reason: { readonly code: string; readonly message: string };
};

export interface MqttOrigin {
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly packetId: number | undefined;
}

export interface KafkaRecord {
  readonly topic: string;
  /** `undefined`: the partitioner decides by the key. */
  readonly partition: number | undefined;
  /** Of a record that was read from Kafka. */
  readonly offset?: number | undefined;
  /** Of a record that was read from Kafka and has one. */
  readonly timestampMs?: number | undefined;
  readonly key: Uint8Array | null;
  /** In order; names may repeat. */
  readonly headers: readonly KafkaHeader[];
  readonly acks: KafkaAcks;
}

/** Kafka has headers whose value is null, which is not the same as an empty one. */
export type KafkaHeader = readonly [name: string, value: Uint8Array | null];

export interface DeadLetter extends DeadLetterMeta {
  /** May be a view of memory that others use again: it is read until `put` settles, then never. */
  readonly payload: Uint8Array;
}

/* Identifiers are `<time>-<sequence>-<random>`: they sort by time, differ across restarts, and are
 * made of digits and hexadecimal letters only. Nothing from the wire is part of a file name.
 */
const idPattern = /^\d{14}-\d{6}-[0-9a-f]{8}$/;
const sequenceMax = 999_999;
const extension = '.letter';

/** Whether `text` has the form of an identifier: no path, no wildcard, nothing but a letter's. */
export function isLetterId(text: string): boolean {
  return idPattern.test(text);
}

/** The name of the letter's file, without its folder. */
export function letterFileName(id: string): string {
  return `${id}${extension}`;
}

/** The identifier of a letter's file; `undefined` for every other file. */
export function idOfFileName(name: string): string | undefined {
  if (!name.endsWith(extension)) return undefined;
  const id = name.slice(0, -extension.length);
  return isLetterId(id) ? id : undefined;
}

/** Rises also when the clock does not, and above `lastId`, the newest of an earlier run. */
export class LetterIds {
  readonly #random: () => string;
  #timeMs: number;
  #sequence = sequenceMax;

  constructor(random: () => string, lastId: string | undefined) {
    this.#random = random;
    this.#timeMs = lastId === undefined ? 0 : Number(lastId.slice(0, 14));
  }

  next(timeMs: number): string {
    if (timeMs > this.#timeMs) {
      this.#timeMs = Math.floor(timeMs);
      this.#sequence = 0;
    } else if (this.#sequence < sequenceMax) {
      this.#sequence += 1;
    } else {
      this.#timeMs += 1;
      this.#sequence = 0;
    }
    const time = String(this.#timeMs).padStart(14, '0');
    return `${time}-${String(this.#sequence).padStart(6, '0')}-${this.#random()}`;
  }
}
