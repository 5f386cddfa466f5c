/* TopicCache: topic names by their bytes, so that a topic is decoded and checked once and whatever is
 * derived from it is computed once. Main thread only.
 *
 * 1. What is remembered is bounded in topics and in bytes, those of what is derived included: when
 *    either is full the cache is emptied, which costs each topic in use one miss.
 * 2. A name over TOPIC_CACHED_BYTES_MAX is not remembered, nor what is derived from it: a device that
 *    makes up long names would have everybody else's forgotten.
 * 3. What is forgotten while an alias or a delivery still has it keeps its name, and nothing derived.
 */
import { TOPIC_CACHED_BYTES_MAX } from '../../config/limits.js';
import { BytesCache } from '../bytes-cache.js';
import { isTopicName } from '../wire.js';

/** A topic and its place in the cache, beside the bytes of its name: measured, and rounded up. */
const TOPIC_BYTES = 256;

/** What one filling of the cache takes; the topics of an earlier one go on counting there. */
interface Filling {
  bytes: number;
}

/** A byte order mark is a part of the name. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** A topic name that has been seen, and what the routes keep with it. */
export class Topic {
  readonly bytes: Uint8Array;
  readonly #filling: Filling | undefined;
  #name: string | undefined;
  /** What the first route derived, and its index: most topics have one route. */
  #first: unknown;
  #firstIndex = -1;
  #others: Map<number, unknown> | undefined;
  #sole: unknown;
  #soleSession = -1;
  #soleSubscriptionId = 0;

  /** @param filling undefined: nothing is kept with it */
  constructor(bytes: Uint8Array, filling: Filling | undefined) {
    this.bytes = bytes;
    this.#filling = filling;
  }

  /** Decoded when it is first asked for; of a long name, each time. */
  get name(): string {
    if (this.#name !== undefined) return this.#name;
    const name = utf8.decode(this.bytes);
    if (this.#filling !== undefined) {
      this.#filling.bytes += 2 * this.bytes.length;
      this.#name = name;
    }
    return name;
  }

  /** Whether it is too long to be remembered: whoever holds many of them has to count them. */
  get isLong(): boolean {
    return this.#filling === undefined;
  }

  /** What the route of that index derived and `keep` has kept. */
  derivedOf(index: number): unknown {
    return index === this.#firstIndex ? this.#first : this.#others?.get(index);
  }

  /** Keeps what the route of that index derived, `bytes` long in all, unless the name is long. */
  keep(index: number, value: unknown, bytes: number): void {
    if (this.#filling === undefined) return;
    this.#filling.bytes += bytes;
    if (this.#firstIndex < 0 || this.#firstIndex === index) {
      this.#firstIndex = index;
      this.#first = value;
      return;
    }
    this.#others ??= new Map();
    this.#others.set(index, value);
  }

  /** What was derived by the only route of that subscription, where this topic came by it before. */
  soleOf(session: number, subscriptionId: number): unknown {
    return subscriptionId === this.#soleSubscriptionId && session === this.#soleSession
      ? this.#sole
      : undefined;
  }

  /** Keeps `value`, which `keep` has been given too, for `soleOf`; one for each topic. */
  keepSole(session: number, subscriptionId: number, value: unknown): void {
    if (this.#filling === undefined) return;
    this.#sole = value;
    this.#soleSession = session;
    this.#soleSubscriptionId = subscriptionId;
  }

  /** Drops all that is derived. */
  forget(): void {
    this.#first = undefined;
    this.#firstIndex = -1;
    this.#others = undefined;
    this.#sole = undefined;
    this.#soleSession = -1;
  }
}

/** Stands for a topic that cannot be told. */
export const NO_TOPIC = new Topic(new Uint8Array(0), undefined);

export class TopicCache {
  readonly #topics: BytesCache<Topic>;
  readonly #bytesMax: number;
  #filling: Filling = { bytes: 0 };

  /**
   * @param capacity how many topics are kept, a power of two
   * @param bytesMax what they may take, with what is derived from them; one more topic and what is
   * derived from those at hand may come on top
   */
  constructor(capacity: number, bytesMax: number, seed: number) {
    this.#topics = new BytesCache(capacity, seed);
    this.#bytesMax = bytesMax;
  }

  /** What the topics take that are remembered now. */
  get bytes(): number {
    return this.#filling.bytes;
  }

  /** The topic that `bytes[start..end)` names; undefined when that is no topic name. */
  find(bytes: Uint8Array, start: number, end: number): Topic | undefined {
    if (end - start > TOPIC_CACHED_BYTES_MAX) return longTopic(bytes, start, end);
    return this.#topics.find(bytes, start, end) ?? this.#add(bytes, start, end);
  }

  #add(bytes: Uint8Array, start: number, end: number): Topic | undefined {
    if (!isTopicName(bytes, start, end)) return undefined;
    if (this.#topics.full || this.#filling.bytes >= this.#bytesMax) this.#empty();
    const topic = new Topic(bytes.slice(start, end), this.#filling);
    this.#filling.bytes += TOPIC_BYTES + end - start;
    this.#topics.add(topic);
    return topic;
  }

  #empty(): void {
    // Deliveries hold their topics for as long as Kafka is away.
    this.#topics.empty((topic) => topic.forget());
    this.#filling = { bytes: 0 };
  }
}

function longTopic(bytes: Uint8Array, start: number, end: number): Topic | undefined {
  return isTopicName(bytes, start, end) ? new Topic(bytes.slice(start, end), undefined) : undefined;
}
