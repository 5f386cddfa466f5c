/* Reconciliation: every message that the demo publishes, by number, until it was acknowledged to
 * the broker and read back from Kafka. Nothing here is estimated.
 *
 * 1. Numbers are given in order, so a number below the next that is not open is settled: a record
 *    with it is a duplicate. Memory holds the open messages only, which the devices bound.
 * 2. A record counts as read back once, and only where its Kafka topic, the MQTT topic in its
 *    header and every byte of its payload are those that were published.
 * 3. Records of one key are in order where their numbers only rise.
 */
import { crc32 } from 'node:zlib';
import { readStamp } from './stamp.js';

export interface RouteTally {
  readonly route: string;
  readonly kafkaTopic: string;
  published: number;
  publishedBytes: number;
  acknowledged: number;
  readBack: number;
}

/** What must not happen. */
export interface Faults {
  /** PUBACKs with a reason code of 0x80 or above. */
  refused: number;
  /** Records whose message was read back before. */
  duplicates: number;
  /** Records that differ from what was published, or are in another Kafka topic. */
  altered: number;
  /** Records that came after a later one of the same key. */
  outOfOrder: number;
}

/** A record as the reader has it. */
export interface ReadRecord {
  readonly kafkaTopic: string;
  readonly partition: number;
  readonly offset: number;
  /** Empty where it has none. */
  readonly key: string;
  /** The header `Topic`; empty where it has none. */
  readonly mqttTopic: string;
  /** The header `Correlation Data`; undefined where it has none. */
  readonly correlationData?: Buffer | undefined;
  readonly payload: Uint8Array;
}

export interface Publication {
  readonly route: string;
  readonly topic: string;
  readonly payload: Uint8Array | string;
}

interface Open {
  readonly tally: RouteTally;
  readonly mqttTopic: string;
  readonly bytes: number;
  readonly checksum: number;
  readonly publishedMs: number;
  acknowledged: boolean;
  readBack: boolean;
}

export class Reconciliation {
  readonly faults: Faults = { refused: 0, duplicates: 0, altered: 0, outOfOrder: 0 };
  /** Records that the demo has not published. */
  foreignRecords = 0;
  readonly #tallies = new Map<string, RouteTally>();
  readonly #open = new Map<number, Open>();
  readonly #lastOfKey = new Map<string, number>();
  #nextId = 1;
  #unread = 0;

  constructor(routes: readonly { readonly route: string; readonly kafkaTopic: string }[]) {
    for (const { route, kafkaTopic } of routes) {
      const counts = { published: 0, publishedBytes: 0, acknowledged: 0, readBack: 0 };
      this.#tallies.set(route, { route, kafkaTopic, ...counts });
    }
  }

  get nextId(): number {
    return this.#nextId;
  }

  get tallies(): readonly RouteTally[] {
    return [...this.#tallies.values()];
  }

  get published(): number {
    return this.#sum('published');
  }

  get publishedBytes(): number {
    return this.#sum('publishedBytes');
  }

  get acknowledged(): number {
    return this.#sum('acknowledged');
  }

  get readBack(): number {
    return this.#sum('readBack');
  }

  /** Messages that were not read back yet. */
  get unread(): number {
    return this.#unread;
  }

  /** Messages that are not both acknowledged and read back. */
  get open(): number {
    return this.#open.size;
  }

  /** Before a message with `nextId` goes to the broker. */
  onPublish({ route, topic, payload }: Publication, nowMs: number): void {
    const tally = this.#tallies.get(route) as RouteTally;
    const bytes = Buffer.byteLength(payload);
    this.#open.set(this.#nextId, {
      tally,
      mqttTopic: topic,
      bytes,
      checksum: crc32(payload),
      publishedMs: nowMs,
      acknowledged: false,
      readBack: false,
    });
    this.#nextId += 1;
    this.#unread += 1;
    tally.published += 1;
    tally.publishedBytes += bytes;
  }

  /** A PUBACK. Returns how long ago its message was published; `undefined` where it counts not. */
  onPuback(payload: Uint8Array, reasonCode: number, nowMs: number): number | undefined {
    const id = readStamp(payload);
    const open = id === undefined ? undefined : this.#open.get(id);
    if (id === undefined || open === undefined || open.acknowledged) return undefined;
    if (reasonCode >= 0x80) {
      this.faults.refused += 1;
      return undefined;
    }
    open.acknowledged = true;
    open.tally.acknowledged += 1;
    this.#closeWhenDone(id, open);
    return nowMs - open.publishedMs;
  }

  /** Returns whether a message is read back with it. */
  onRecord(record: ReadRecord): boolean {
    const id = readStamp(record.payload);
    if (id === undefined || id === 0 || id >= this.#nextId) {
      this.foreignRecords += 1;
      return false;
    }
    const open = this.#open.get(id);
    if (open === undefined || open.readBack) {
      this.faults.duplicates += 1;
      return false;
    }
    if (!isSame(record, open)) {
      this.faults.altered += 1;
      return false;
    }
    open.readBack = true;
    open.tally.readBack += 1;
    this.#unread -= 1;
    this.#checkOrder(record, id);
    this.#closeWhenDone(id, open);
    return true;
  }

  #checkOrder({ kafkaTopic, key }: ReadRecord, id: number): void {
    if (key === '') return;
    const name = `${kafkaTopic} ${key}`;
    if (id < (this.#lastOfKey.get(name) ?? 0)) this.faults.outOfOrder += 1;
    else this.#lastOfKey.set(name, id);
  }

  #closeWhenDone(id: number, open: Open): void {
    if (open.acknowledged && open.readBack) this.#open.delete(id);
  }

  #sum(what: 'published' | 'publishedBytes' | 'acknowledged' | 'readBack'): number {
    let sum = 0;
    for (const tally of this.#tallies.values()) sum += tally[what];
    return sum;
  }
}

function isSame(record: ReadRecord, open: Open): boolean {
  return (
    record.kafkaTopic === open.tally.kafkaTopic &&
    record.mqttTopic === open.mqttTopic &&
    record.payload.length === open.bytes &&
    crc32(record.payload) === open.checksum
  );
}
