/* FeedPlan: what the records of a feed are, and where they go, by their number: the feeder writes what it
 * says, and what the connector publishes of them must be that.
 *
 * They go to all partitions in turn: at a rate what falls due within a millisecond to one, so that it is
 * one request, but for those before the start, which are to reach every partition.
 */
import type { Feed } from '../protocol.js';
import { feedKeyOf } from './feed-topics.js';
import { WHOLE } from './load-part.js';
import { type MessagePlan, planLengthMin, planMessages } from './message-plan.js';
import { payloadOf } from './payload.js';
import { payloadBytesMax } from './payload-mix.js';
import { contentChecksum, keyChecksum, payloadChecksum } from './stamp.js';

const MS_PER_SECOND = 1000;

export class FeedPlan {
  readonly partitions: number;
  /** What the payloads are, after their stamps: each size is the beginning of this. */
  readonly payload: Buffer;
  readonly #plan: MessagePlan;
  readonly #sizes: readonly number[];
  readonly #keys: readonly Buffer[];
  readonly #keyChecksums: Uint32Array;
  readonly #payloadChecksums: readonly number[];
  /** The first of those that are written at a rate. */
  readonly #firstInTime: number;
  /** Records in a row that go to the same partition, from there on. */
  readonly #inRow: number;

  constructor(feed: Feed, partitions: number) {
    const { keys, skew, payload, ratePerSecond } = feed;
    const planned = { topics: keys, keys, skew, payload, part: WHOLE };
    this.partitions = partitions;
    this.payload = payloadOf(payloadBytesMax(payload));
    this.#plan = planMessages(planned, planLengthMin(planned));
    this.#sizes = payload.map(({ bytes }) => bytes);
    this.#keys = Array.from({ length: keys }, (_, n) => Buffer.from(feedKeyOf(feed, n)));
    this.#keyChecksums = Uint32Array.from(this.#keys, keyChecksum);
    this.#payloadChecksums = this.#sizes.map((bytes) =>
      payloadChecksum(this.payload.subarray(0, bytes)),
    );
    this.#firstInTime = ratePerSecond === undefined ? Number.POSITIVE_INFINITY : feed.recordsBefore;
    this.#inRow = Math.max(1, Math.round((ratePerSecond ?? 0) / MS_PER_SECOND));
  }

  partitionOf(index: number): number {
    if (index < this.#firstInTime) return index % this.partitions;
    return Math.floor((index - this.#firstInTime) / this.#inRow) % this.partitions;
  }

  /** How many records of its partition come before it. */
  sequenceOf(index: number): number {
    const first = this.#firstInTime;
    if (index < first) return Math.floor(index / this.partitions);
    const inTime = index - first;
    const row = Math.floor(inTime / this.#inRow);
    const partition = row % this.partitions;
    const before = Math.ceil((first - partition) / this.partitions);
    return before + Math.floor(row / this.partitions) * this.#inRow + (inTime % this.#inRow);
  }

  /** A number below the feed's keys. */
  keyNumberOf(index: number): number {
    return this.#plan.keys[index % this.#plan.length] as number;
  }

  keyOf(index: number): Buffer {
    return this.#keys[this.keyNumberOf(index)] as Buffer;
  }

  payloadBytesOf(index: number): number {
    return this.#sizes[this.#plan.sizes[index % this.#plan.length] as number] as number;
  }

  /** What its stamp's check is made of. */
  contentOf(index: number): number {
    const size = this.#plan.sizes[index % this.#plan.length] as number;
    const key = this.#keyChecksums[this.keyNumberOf(index)] as number;
    return contentChecksum(key, this.#payloadChecksums[size] as number);
  }
}
