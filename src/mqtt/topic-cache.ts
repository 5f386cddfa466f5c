/* TopicCache: topic names by their bytes, so that a topic is decoded and checked once and whatever is
 * derived from it is computed once.
 */
import { BytesCache } from './bytes-cache.js';
import { isTopicName } from './wire.js';

/** A topic name that has been seen, and what the routes keep with it. */
export interface Topic {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** By route index; filled by the flow when it first meets the pair. */
  readonly derived: unknown[];
}

export class TopicCache {
  readonly #topics: BytesCache<Topic>;

  /** @param capacity how many topics are kept, a power of two */
  constructor(capacity: number, seed: number) {
    this.#topics = new BytesCache(capacity, seed);
  }

  /** The topic that `bytes[start..end)` names; undefined when that is no topic name. */
  find(bytes: Uint8Array, start: number, end: number): Topic | undefined {
    return this.#topics.find(bytes, start, end) ?? this.#add(bytes, start, end);
  }

  #add(bytes: Uint8Array, start: number, end: number): Topic | undefined {
    if (!isTopicName(bytes, start, end)) return undefined;
    const own = bytes.slice(start, end);
    const topic = { name: Buffer.from(own.buffer).toString('utf8'), bytes: own, derived: [] };
    this.#topics.add(topic);
    return topic;
  }
}
