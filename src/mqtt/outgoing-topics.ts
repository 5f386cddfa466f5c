/* OutgoingTopics: the topic names that are published to, each checked and encoded once, so that a
 * Topic Alias can hang on it. Main thread only.
 *
 * One name is one OutgoingTopic for as long as it is in the cache. When the cache is full it is
 * emptied, which costs each topic in use one miss and one more alias; what was handed out stays good.
 */
import type { OutgoingAliases } from './outgoing-aliases.js';
import { isTopicName } from './wire.js';

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
  readonly #capacity: number;
  readonly #topics = new Map<string, OutgoingTopic>();

  /** @param capacity how many topics are kept */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The topic of that name; undefined when MQTT can have none of that name. */
  find(name: string): OutgoingTopic | undefined {
    const known = this.#topics.get(name);
    return known ?? this.#add(name);
  }

  #add(name: string): OutgoingTopic | undefined {
    // An unpaired surrogate would be sent as U+FFFD, which is another topic [MQTT-1.5.4-1].
    if (/\p{Surrogate}/u.test(name)) return undefined;
    const bytes = new TextEncoder().encode(name);
    if (bytes.length > TOPIC_NAME_BYTES_MAX) return undefined;
    if (!isTopicName(bytes, 0, bytes.length)) return undefined;
    if (this.#topics.size === this.#capacity) this.#topics.clear();
    const topic = new OutgoingTopic(name, bytes);
    this.#topics.set(name, topic);
    return topic;
  }
}
