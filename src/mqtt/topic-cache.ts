/* TopicCache: topic names by their bytes, so that a topic is decoded and checked once and whatever is
 * derived from it is computed once. Open addressing over a power of two; when it is full it is
 * emptied, which costs each topic in use one miss.
 *
 * The hash is seeded at random: whoever names topics cannot choose ones that collide.
 */
import { isTopicName } from './wire.js';

/** A topic name that has been seen, and what the routes keep with it. */
export interface Topic {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** By route index; filled by the flow when it first meets the pair. */
  readonly derived: unknown[];
}

export class TopicCache {
  readonly #capacity: number;
  readonly #mask: number;
  readonly #seed: number;
  readonly #hashes: Int32Array;
  #topics: (Topic | undefined)[];
  #size = 0;

  /** @param capacity how many topics are kept, a power of two */
  constructor(capacity: number, seed: number) {
    this.#capacity = capacity;
    // Half full at most, so that probes stay short.
    this.#mask = capacity * 2 - 1;
    this.#seed = seed | 0;
    this.#hashes = new Int32Array(capacity * 2);
    this.#topics = new Array<Topic | undefined>(capacity * 2).fill(undefined);
  }

  /** The topic that `bytes[start..end)` names; undefined when that is no topic name. */
  find(bytes: Uint8Array, start: number, end: number): Topic | undefined {
    let hash = this.#seed;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    // FNV's low bits mix poorly.
    hash ^= hash >>> 15;
    let slot = hash & this.#mask;
    for (;;) {
      const topic = this.#topics[slot];
      if (topic === undefined) return this.#add(bytes, start, end, hash);
      if (this.#hashes[slot] === hash && sameBytes(topic.bytes, bytes, start, end)) return topic;
      slot = (slot + 1) & this.#mask;
    }
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number): Topic | undefined {
    if (!isTopicName(bytes, start, end)) return undefined;
    if (this.#size === this.#capacity) {
      this.#topics = new Array<Topic | undefined>(this.#mask + 1).fill(undefined);
      this.#size = 0;
    }
    const own = bytes.slice(start, end);
    const topic = { name: Buffer.from(own.buffer).toString('utf8'), bytes: own, derived: [] };
    let slot = hash & this.#mask;
    while (this.#topics[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#topics[slot] = topic;
    this.#hashes[slot] = hash;
    this.#size++;
    return topic;
  }
}

function sameBytes(own: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (own.length !== end - start) return false;
  for (let i = 0; i < own.length; i++) if (own[i] !== bytes[start + i]) return false;
  return true;
}
