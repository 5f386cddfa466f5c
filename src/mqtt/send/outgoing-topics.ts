/* OutgoingTopics: the topic names that are published to, each checked and encoded once, so that a
 * Topic Alias can hang on it. Main thread only.
 *
 * One name is one OutgoingTopic for as long as it is in the cache. When the cache is full it is
 * emptied, which costs each topic in use one miss and one more alias; what was handed out stays good.
 * A name over TOPIC_CACHED_BYTES_MAX is not remembered, and has no alias: whoever writes to Kafka may
 * make up as many as he likes.
 */
import { TOPIC_CACHED_BYTES_MAX } from '../../config/limits.js';
import { BytesCache } from '../bytes-cache.js';
import { isTopicName } from '../wire.js';
import type { OutgoingAliases } from './outgoing-aliases.js';

const TOPIC_NAME_BYTES_MAX = 65_535;

/** A topic name that PUBLISHes are sent to. */
export class OutgoingTopic {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The connection's aliases that gave it `alias`, which means nothing on another: theirs to set. */
  aliases: OutgoingAliases | undefined;
  alias = 0;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.bytes = bytes;
  }
}

export class OutgoingTopics {
  readonly #topics: BytesCache<OutgoingTopic>;

  /** @param capacity how many topics are kept, a power of two */
  constructor(capacity: number, seed: number) {
    this.#topics = new BytesCache(capacity, seed);
  }

  /** The topic whose encoded name is `bytes[0..length)`, where it is in the cache. */
  known(bytes: Uint8Array, length: number): OutgoingTopic | undefined {
    return this.#topics.find(bytes, 0, length);
  }

  /** The topic of that name; undefined when MQTT can have none of that name. */
  find(name: string): OutgoingTopic | undefined {
    // An unpaired surrogate would be sent as U+FFFD, which is another topic [MQTT-1.5.4-1].
    if (/\p{Surrogate}/u.test(name)) return undefined;
    const bytes = new TextEncoder().encode(name);
    return this.known(bytes, bytes.length) ?? this.#add(name, bytes);
  }

  #add(name: string, bytes: Uint8Array): OutgoingTopic | undefined {
    if (bytes.length > TOPIC_NAME_BYTES_MAX) return undefined;
    if (!isTopicName(bytes, 0, bytes.length)) return undefined;
    const topic = new OutgoingTopic(name, bytes);
    if (bytes.length <= TOPIC_CACHED_BYTES_MAX) this.#topics.add(topic);
    return topic;
  }
}
